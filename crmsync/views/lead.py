"""The CRM part of a lead's page, and the click that makes an opportunity."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from crmsync.pages.panel import lead_panel as gather
from crmsync.services.convert import convert_lead
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, has_role
from leadmgmt.core.web import back, is_partial, post_from
from qualification.access import person, visible_lead, workable_lead, works


@require_GET
@login_required
def lead_panel(request: HttpRequest, lead_id: int) -> HttpResponse:
    """The fragment; a page of its own where no script runs."""
    user = person(request)
    panel = gather(visible_lead(user, lead_id))
    template = "crmsync/_lead_panel.html" if is_partial(request) else "crmsync/lead_panel.html"
    context = {"panel": panel, "may_work": works(user), "may_decide": has_role(user, ADMIN), "at": now()}
    return TemplateResponse(request, template, context)


@login_required
@post_from("qualification:lead_detail", "lead_id")
def lead_convert(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Make the opportunity now."""
    user = person(request)
    lead = workable_lead(user, lead_id)
    opportunity = convert_lead(lead.pk, by=user, way=request.POST.get("way", ""), at=now())
    is_offered = opportunity.lead_id == lead.pk and opportunity.handoffs.exists()
    if is_offered:
        messages.success(request, _("An opportunity, offered to %(ae)s.") % {"ae": opportunity.owner})
    else:
        messages.success(request, _("It went into the deal “%(name)s”.") % {"name": opportunity.name})
    return HttpResponseRedirect(back(request, f"/leads/{lead_id}/"))

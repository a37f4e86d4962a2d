"""Handoffs: the list, one handoff, and the AE's decision."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from crmsync.forms import RefuseForm
from crmsync.models import Handoff
from crmsync.pages.handoff import handoff_page
from crmsync.pages.handoff_list import handoff_list as gather_list
from crmsync.services.handoff import AlreadyDecided, accept_handoff, refuse_handoff
from leadmgmt.core import formats
from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, AE, MANAGER, SDR, TEAM_LEAD, has_role, role_required
from leadmgmt.core.web import post_from
from qualification.access import person

READERS = (AE, SDR, TEAM_LEAD, MANAGER, ADMIN)


@require_GET
@role_required(*READERS)
def handoff_list(request: HttpRequest) -> HttpResponse:
    """What is to decide, and what became of the others."""
    user = person(request)
    found = gather_list(user, shown=request.GET.get("status", ""), page=request.GET.get("page", "1"))
    context = {"list": found, "may_set_up": has_role(user, ADMIN), "at": now()}
    return TemplateResponse(request, "crmsync/handoff_list.html", context)


@require_GET
@role_required(*READERS)
def handoff_detail(request: HttpRequest, handoff_id: int) -> HttpResponse:
    """Read once, decide, never ask the lead twice."""
    return _page(request, handoff_id)


@role_required(*READERS)
@post_from("crmsync:handoff_detail", "handoff_id")
def handoff_accept(request: HttpRequest, handoff_id: int) -> HttpResponse:
    """The AE takes it."""
    user = person(request)
    handoff = get_object_or_404(Handoff.objects.visible_to(user), pk=handoff_id)
    accept_handoff(handoff.pk, by=user, at=now())
    messages.success(request, _("Accepted. It is yours from here."))
    return HttpResponseRedirect(reverse("crmsync:handoff_detail", args=[handoff.pk]))


@role_required(*READERS)
@post_from("crmsync:handoff_detail", "handoff_id")
def handoff_refuse(request: HttpRequest, handoff_id: int) -> HttpResponse:
    """The AE gives it back, with a reason."""
    user = person(request)
    handoff = get_object_or_404(Handoff.objects.visible_to(user), pk=handoff_id)
    form = RefuseForm(request.POST)
    if not form.is_valid():
        return _page(request, handoff_id, form, status=422)
    said = form.cleaned_data
    try:
        refuse_handoff(handoff.pk, by=user, reason=said["reason"], note=said["note"], wake_on=said["wake_on"], at=now())
    except InvalidInput as error:
        for name, remedy in error.fields.items():
            form.add_error(name if name in form.fields else None, remedy)
        return _page(request, handoff_id, form, status=422)
    except AlreadyDecided as error:
        # The form is gone with the decision; what was written for the SDR is not.
        wrote = _("You wrote: %(words)s") % {"words": formats.quoted(said["note"])} if said["note"] else ""
        raise AlreadyDecided(f"{error} {wrote}".strip()) from None
    messages.success(request, _("Refused. Who handed it over knows why."))
    return HttpResponseRedirect(reverse("crmsync:handoff_list"))


def _page(request: HttpRequest, handoff_id: int, form: RefuseForm | None = None, *, status: int = 200) -> HttpResponse:
    user = person(request)
    handoff = get_object_or_404(Handoff.objects.visible_to(user).with_deal(), pk=handoff_id)
    at = now()
    context = {"page": handoff_page(handoff, user, at), "form": form or RefuseForm(), "at": at}
    return TemplateResponse(request, "crmsync/handoff.html", context, status=status)

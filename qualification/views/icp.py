"""The ideal customer profile: read by everybody who reads reports, learned and adopted by admins."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from leadmgmt.core.errors import DomainError
from leadmgmt.core.now import now
from leadmgmt.core.permissions import CONFIGURERS, REPORT_READERS, has_role, role_required
from qualification.access import person
from qualification.desk import icp_page as shown
from qualification.models import IcpVersion
from qualification.services.icp import adopt_icp, drift_of, learn_icp

Status = IcpVersion.Status
MOST_VERSIONS = 12


@role_required(*REPORT_READERS)
@require_GET
def icp(request: HttpRequest) -> HttpResponse:
    """The newest profile beside the one that is adopted; any other by ``?version=``."""
    user, at = person(request), now()
    rows = list(IcpVersion.objects.select_related("adopted_by")[:MOST_VERSIONS])
    adopted = next((row for row in rows if row.status == Status.ADOPTED), None)
    proposed = next((row for row in rows if row.status == Status.PROPOSED), None)
    asked = request.GET.get("version", "")
    chosen = next((row for row in rows if str(row.version) == asked), None) or proposed or adopted
    may_edit = has_role(user, *CONFIGURERS)
    context = {
        "at": at,
        "icp": chosen,
        "adopted": adopted,
        "traits": shown.traits(chosen) if chosen else [],
        "is_sure": chosen is not None and any(trait["is_sure"] for trait in chosen.traits),
        "effect": shown.effect(chosen, user, at) if chosen and chosen.status != Status.ADOPTED else None,
        "drift": shown.drift_words(drift_of(adopted, proposed)) if adopted and proposed else [],
        "rows": rows,
        "may_edit": may_edit,
    }
    return render(request, "qualification/icp.html", context)


@require_POST
@role_required(*CONFIGURERS)
def icp_learn(request: HttpRequest) -> HttpResponse:
    """Learn a profile from the deals that have ended until now."""
    try:
        made = learn_icp(now())
    except DomainError as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _("Profile %(version)s is learned.") % {"version": made.version})
    return redirect("qualification:icp")


@require_POST
@role_required(*CONFIGURERS)
def icp_adopt(request: HttpRequest, pk: int) -> HttpResponse:
    """Score by a profile from now on."""
    try:
        made = adopt_icp(pk, by=person(request), at=now())
    except DomainError as error:
        messages.error(request, str(error))
    else:
        words = {"version": made.version}
        messages.success(request, _("Adopted: scoring version %(version)s; open leads are scored anew.") % words)
    return redirect("qualification:icp")

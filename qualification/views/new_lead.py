"""Entering a lead by hand, with a warning while one types if the person is known."""

from uuid import uuid4

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, MARKETING, SDR, TEAM_LEAD, role_required
from leads.models import Channel, Lead, User
from leads.services.capture import receive
from qualification import access
from qualification.desk.twins import ASKED, twins
from qualification.forms import NewLeadForm
from qualification.views.actions import to_lead
from routing.services.assign import claim_lead

CHANNEL = "manual"


@require_http_methods(["GET", "POST"])
@role_required(SDR, TEAM_LEAD, MARKETING, ADMIN)
def lead_new(request: HttpRequest) -> HttpResponse:
    """The form; what is sent goes the way of every submission, so that a known person is joined, not doubled."""
    user = access.person(request)
    is_dialog = "HX-Request" in request.headers
    # In a dialog it stands beside whatever the page holds.
    form = NewLeadForm(request.POST if request.method == "POST" else None, auto_id="new_%s" if is_dialog else "id_%s")
    token = request.POST.get("token") or uuid4().hex
    if request.method == "POST" and form.is_valid():
        lead = _enter(form, user, token[:64])
        if lead is not None:
            is_new = lead.touchpoints.count() == 1
            messages.success(request, _("Entered.") if is_new else _("Joined to what is known of this person."))
            # It may go to another team: then there is nothing here for who entered it.
            is_seen = Lead.objects.visible_to(user).filter(pk=lead.pk).exists()
            answer = to_lead(lead.pk) if is_seen else HttpResponseRedirect(reverse("qualification:lead_list"))
            return HttpResponseClientRedirect(answer.url) if is_dialog else answer
    known = twins(_entered(request.POST), user)
    context = {"form": form, "twins": known, "token": token, "may_keep": access.works(user)}
    page = "qualification/_lead_new_dialog.html" if is_dialog else "qualification/lead_new.html"
    return render(request, page, context | {"is_dialog": is_dialog}, status=422 if form.errors else 200)


def _entered(told: QueryDict) -> dict[str, str]:
    return {name: told.get(name, "") for name in ASKED}


def _enter(form: NewLeadForm, user: User, token: str) -> Lead | None:
    """Hand the submission over; None where it was refused, with the complaint under its field."""
    channel, _made = Channel.objects.get_or_create(
        slug=CHANNEL, defaults={"name": _("Entered by hand"), "kind": Channel.Kind.MANUAL}
    )
    at = now()
    try:
        with transaction.atomic():
            capture = receive(
                channel, form.payload(), received_at=at, idempotency_key=f"{user.pk}:{token}", context={"by": user.pk}
            ).capture
            lead = Lead.objects.select_related("owner").get(captures=capture.pk)
            if form.cleaned_data["keep"] and access.works(user) and lead.owner_id is None:
                claim_lead(lead.pk, by=user, at=at)
    except InvalidInput as error:
        for name, complaint in (error.fields or {"email": str(error)}).items():
            form.add_error(name if name in form.fields else None, complaint)
        return None
    return lead


@require_GET
@role_required(SDR, TEAM_LEAD, MARKETING, ADMIN)
def lead_new_check(request: HttpRequest) -> HttpResponse:
    """The warning alone, while one types."""
    known = twins(_entered(request.GET), access.person(request))
    return render(request, "qualification/_twins.html", {"twins": known})

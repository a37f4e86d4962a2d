"""What a rep does on a lead's page. Every view calls one service and goes back to the page."""

from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _

from leadmgmt.core import formats
from leadmgmt.core.errors import DomainError, InvalidInput
from leadmgmt.core.messages import message_with_undo
from leadmgmt.core.now import now
from leadmgmt.core.web import back, complain, post_from
from leads.models import Lead
from leads.services.edit import edit_lead
from qualification import access
from qualification.desk.kept_filter import kept_filter
from qualification.desk.workspace import next_after
from qualification.forms import CorrectForm, LogForm, SnoozeForm, correct_form
from qualification.models import Activity
from qualification.services.activities import log_activity, undo_activity
from qualification.services.snooze import resume_lead, snooze_lead
from qualification.services.tags import answer_tags, withdraw_tags
from qualification.views.lead import lead_page


def onward(request: HttpRequest, lead: Lead, at: datetime) -> HttpResponseRedirect | None:
    """After an outcome: on to the next lead of the queue, if the rep wants that; what they want is kept.

    Asked before the outcome is written, which moves the lead in the queue. None: stay.
    """
    if "may_go_on" not in request.POST:
        return None
    user, wants = access.person(request), "go_on" in request.POST
    if user.goes_on != wants:
        user.goes_on = wants
        user.save(update_fields=["goes_on"])
    if not wants:
        return None
    following = next_after(lead, user, at, kept_filter(request))
    return to_lead(following) if following else HttpResponseRedirect(reverse("qualification:queue"))


def to_lead(lead_id: int, part: str = "") -> HttpResponseRedirect:
    """Back to the lead's page."""
    address = reverse("qualification:lead_detail", args=[lead_id])
    return HttpResponseRedirect(f"{address}#{part}" if part else address)


FROM_LEAD = post_from("qualification:lead_detail", "lead_id")


@login_required
@FROM_LEAD
def lead_log(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Log a call, e-mail, note or meeting; marked answers in the text count as answers."""
    user = access.person(request)
    lead = access.workable_lead(user, lead_id)
    form = LogForm(request.POST)
    elsewhere = onward(request, lead, now()) if form.is_valid() and form.cleaned_data["kind"] != "note" else None
    try:
        activity = log_activity(lead.pk, by=user, at=now(), **form.cleaned_data) if form.is_valid() else None
    except DomainError as error:
        complain(form, error)
        activity = None
    if activity is None:
        return lead_page(request, lead.pk, form)
    answered, wrong = answer_tags(activity, by=user)
    words = {
        Activity.Kind.CALL: _("Call logged"),
        Activity.Kind.EMAIL: _("E-mail logged"),
        Activity.Kind.NOTE: _("Note saved"),
        Activity.Kind.MEETING: _("Meeting logged"),
    }[Activity.Kind(activity.kind)]
    if elsewhere:
        words = f"{lead.contact.name}: {words}"
    if answered:
        words += _(", answered: %(names)s") % {"names": ", ".join(answered)}
    message_with_undo(request, f"{words}.", reverse("qualification:activity_undo", args=[activity.pk]))
    for complaint in wrong:
        messages.warning(request, complaint)
    return elsewhere or to_lead(lead.pk)


@login_required
@post_from("home")
def activity_undo(request: HttpRequest, activity_id: int) -> HttpResponse:
    """Take an activity back."""
    user = access.person(request)
    activity = get_object_or_404(Activity, pk=activity_id)
    lead = access.workable_lead(user, activity.lead_id)
    at = now()
    undo_activity(activity.pk, by=user, at=at)
    withdraw_tags(activity, by=user, at=at)
    messages.success(request, _("Taken back."))
    return to_lead(lead.pk)


@login_required
@FROM_LEAD
def lead_snooze(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Put the lead aside."""
    user, at = access.person(request), now()
    lead = access.workable_lead(user, lead_id)
    form = SnoozeForm(request.POST, at=at)
    if form.is_valid():
        until = form.cleaned_data["moment"]
        try:
            snooze_lead(lead.pk, until, by=user, at=at)
        except InvalidInput as error:
            form.add_error("own", str(error))
    if form.errors:
        return lead_page(request, lead.pk, form)
    words = _("%(name)s: put aside until %(when)s.")
    said = words % {"name": lead.contact.name, "when": formats.wall_time(until, at=at)}
    message_with_undo(request, said, reverse("qualification:lead_resume", args=[lead.pk]))
    return HttpResponseRedirect(back(request, reverse("qualification:queue")))


@login_required
@FROM_LEAD
def lead_resume(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Take it up again."""
    user = access.person(request)
    lead = access.workable_lead(user, lead_id)
    resume_lead(lead.pk, by=user, at=now())
    messages.success(request, _("%(name)s is back in the queue.") % {"name": lead.contact.name})
    return HttpResponseRedirect(back(request, reverse("qualification:queue")))


@login_required
@FROM_LEAD
def lead_correct(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Correct one fact; it wins over every other origin from now on."""
    user = access.person(request)
    lead = access.workable_lead(user, lead_id)
    subject, field = request.POST.get("subject", ""), request.POST.get("field", "")
    if correct_form(lead, subject, field) is None:
        raise InvalidInput(_("This fact cannot be corrected here."))
    form = CorrectForm(request.POST)
    if form.is_valid():
        said = {field: form.cleaned_data["value"]}
        person, company = (said, {}) if subject == "person" else ({}, said)
        about = "contact" if subject == "person" else subject
        seen = {f"{about}.{field}": request.POST["seen"]} if "seen" in request.POST else None
        try:
            edit_lead(lead.pk, contact=person, company=company, subject=None, by=user, at=now(), seen=seen)
        except DomainError as error:
            # One field was sent, so its own complaint says more than the general one.
            form.add_error("value", next(iter(error.fields.values()), str(error)))
    if form.errors:
        return lead_page(request, lead.pk, form, f"{subject}.{field}")
    messages.success(request, _("Corrected."))
    return to_lead(lead.pk)

"""What a rep does on a lead's page. Every view calls one service and goes back to the page."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from leadmgmt.core import formats
from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.messages import message_with_undo
from leadmgmt.core.now import now
from leadmgmt.core.web import back
from leads.services.edit import edit_lead
from qualification import access
from qualification.forms import LogForm, SnoozeForm, correct_form, first_error
from qualification.models import Activity
from qualification.services.activities import log_activity, undo_activity
from qualification.services.snooze import resume_lead, snooze_lead
from qualification.services.tags import answer_tags


def to_lead(lead_id: int, part: str = "") -> HttpResponseRedirect:
    """Back to the lead's page."""
    address = reverse("qualification:lead_detail", args=[lead_id])
    return HttpResponseRedirect(f"{address}#{part}" if part else address)


@require_POST
@login_required
def lead_log(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Log a call, e-mail, note or meeting; marked answers in the text count as answers."""
    user = access.person(request)
    lead = access.workable_lead(user, lead_id)
    form = LogForm(request.POST)
    if not form.is_valid():
        raise InvalidInput(first_error(form))
    said = form.cleaned_data
    activity = log_activity(
        lead.pk,
        said["kind"],
        by=user,
        disposition=said["disposition"],
        body=said["body"],
        due_at=said["due_at"],
        at=now(),
    )
    answered, wrong = answer_tags(activity, by=user)
    words = {
        Activity.Kind.CALL: _("Call logged"),
        Activity.Kind.EMAIL: _("E-mail logged"),
        Activity.Kind.NOTE: _("Note saved"),
        Activity.Kind.MEETING: _("Meeting logged"),
    }[Activity.Kind(activity.kind)]
    if answered:
        words += _(", answered: %(names)s") % {"names": ", ".join(answered)}
    message_with_undo(request, f"{words}.", reverse("qualification:activity_undo", args=[activity.pk]))
    for complaint in wrong:
        messages.warning(request, complaint)
    return to_lead(lead.pk)


@require_POST
@login_required
def activity_undo(request: HttpRequest, activity_id: int) -> HttpResponse:
    """Take an activity back."""
    user = access.person(request)
    activity = get_object_or_404(Activity, pk=activity_id)
    lead = access.workable_lead(user, activity.lead_id)
    undo_activity(activity.pk, by=user, at=now())
    messages.success(request, _("Taken back."))
    return to_lead(lead.pk)


@require_POST
@login_required
def lead_snooze(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Put the lead aside."""
    user, at = access.person(request), now()
    lead = access.workable_lead(user, lead_id)
    form = SnoozeForm(request.POST)
    try:
        until = form.moment(at) if form.is_valid() else None
    except (ValueError, KeyError):
        until = None
    if until is None:
        raise InvalidInput(_("Say until when."), fields={"until": _("A date and time.")})
    snooze_lead(lead.pk, until, by=user, at=at)
    words = _("%(name)s: put aside until %(when)s.")
    said = words % {"name": lead.contact.name, "when": formats.wall_time(until, at=at)}
    message_with_undo(request, said, reverse("qualification:lead_resume", args=[lead.pk]))
    return HttpResponseRedirect(back(request, reverse("qualification:queue")))


@require_POST
@login_required
def lead_resume(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Take it up again."""
    user = access.person(request)
    lead = access.workable_lead(user, lead_id)
    resume_lead(lead.pk, by=user, at=now())
    messages.success(request, _("%(name)s is back in the queue.") % {"name": lead.contact.name})
    return HttpResponseRedirect(back(request, reverse("qualification:queue")))


@require_POST
@login_required
def lead_correct(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Correct one fact; it wins over every other origin from now on."""
    user = access.person(request)
    lead = access.workable_lead(user, lead_id)
    subject, field = request.POST.get("subject", ""), request.POST.get("field", "")
    if correct_form(lead, subject, field) is None:
        raise InvalidInput(_("This fact cannot be corrected here."))
    said = {field: request.POST.get("value", "").strip()[:254]}
    try:
        edit_lead(
            lead.pk,
            contact=said if subject == "person" else {},
            company=said if subject == "company" else {},
            subject=None,
            by=user,
            at=now(),
        )
    except InvalidInput as error:
        # One field was sent, so its own complaint says more than the general one.
        raise InvalidInput(next(iter(error.fields.values()), str(error)), fields=error.fields) from None
    messages.success(request, _("Corrected."))
    return to_lead(lead.pk)

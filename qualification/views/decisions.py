"""Where a lead goes: answers, disqualify, recycle, open again, another rep."""

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
from leadmgmt.core.web import complain, post_from
from leads.models import Lead, Stage, User
from qualification import access
from qualification.desk.ownership import takers
from qualification.forms import AnswerForm, DisqualifyForm, MoveOnForm, ReassignForm, RecycleForm
from qualification.models import Answer, Question
from qualification.services.answers import give_answer, withdraw_answer
from qualification.services.disqualify import disqualify_lead
from qualification.services.override import move_on
from qualification.services.recycle import recycle_lead
from qualification.services.reopen import reopen_lead
from qualification.views.actions import FROM_LEAD, to_lead
from qualification.views.lead import lead_page
from routing.services.assign import assign_lead, claim_lead


@login_required
@FROM_LEAD
def lead_answer(request: HttpRequest, lead_id: int, question_id: int) -> HttpResponse:
    """Answer one question. Who answers at the same time is told about the other; both answers are kept."""
    user, at = access.person(request), now()
    lead = access.workable_lead(user, lead_id)
    question = get_object_or_404(Question, pk=question_id)
    form = AnswerForm(question, request.POST)
    stood = Answer.objects.filter(lead=lead, question=question, superseded_at__isnull=True).select_related("by").first()
    try:
        answer = _given(lead, form, user, at) if form.is_valid() else None
    except DomainError as error:
        complain(form, error)
        answer = None
    if answer is None:
        return lead_page(request, lead.pk, form)
    said = form.cleaned_data
    if stood is not None and stood.pk != said["seen"] and stood.by_id != user.pk:
        words = _("%(name)s answered this meanwhile: “%(value)s”. Yours counts now; both are kept.")
        messages.warning(request, words % {"name": stood.by or _("Somebody"), "value": stood.value})
    else:
        words = _("%(question)s answered.") % {"question": question.label}
        message_with_undo(request, words, reverse("qualification:answer_withdraw", args=[answer.pk]))
    return to_lead(lead.pk, "qualification")


def _given(lead: Lead, form: AnswerForm, user: User, at: datetime) -> Answer:
    said = form.cleaned_data
    return give_answer(
        lead.pk,
        form.question.pk,
        said["value"],
        by=user,
        evidence=said["evidence"],
        quote=said["quote"],
        confidence=said["confidence"],
        is_met=not said["against"],
        at=at,
    )


@login_required
@post_from("home")
def answer_withdraw(request: HttpRequest, answer_id: int) -> HttpResponse:
    """Take an answer back; the one before it counts again."""
    user = access.person(request)
    answer = get_object_or_404(Answer.objects.select_related("question"), pk=answer_id)
    lead = access.workable_lead(user, answer.lead_id)
    withdraw_answer(answer.pk, by=user, at=now())
    messages.success(request, _("%(question)s: taken back.") % {"question": answer.question.label})
    return to_lead(lead.pk, "qualification")


@login_required
@FROM_LEAD
def lead_disqualify(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Nothing for us; can be taken back."""
    user = access.person(request)
    lead = access.workable_lead(user, lead_id)
    form = DisqualifyForm(request.POST)
    if form.is_valid():
        said = form.cleaned_data
        try:
            disqualify_lead(lead.pk, said["reason"].code, by=user, note=said["note"], at=now())
        except DomainError as error:
            complain(form, error)
    if form.errors:
        return lead_page(request, lead.pk, form, "disqualify")
    reason = form.cleaned_data["reason"]
    words = _("%(name)s: disqualified, %(reason)s.") % {"name": lead.contact.name, "reason": reason.label}
    message_with_undo(request, words, reverse("qualification:lead_reopen", args=[lead.pk]))
    return HttpResponseRedirect(reverse("qualification:lead_detail", args=[lead.pk]))


@login_required
@FROM_LEAD
def lead_recycle(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Not now: sleeps until its date."""
    user = access.person(request)
    lead = access.workable_lead(user, lead_id)
    form = RecycleForm(request.POST)
    at, slept = now(), None
    if form.is_valid():
        said = form.cleaned_data
        try:
            slept = recycle_lead(
                lead.pk, said["reason"].code, by=user, wake_on=said["wake_on"], note=said["note"], at=at
            )
        except DomainError as error:
            complain(form, error)
    if slept is None:
        return lead_page(request, lead.pk, form, "recycle")
    words = _("%(name)s: recycled until a new touch.") % {"name": lead.contact.name}
    if slept.wake_at:
        when = formats.day(slept.wake_at, at=at)
        words = _("%(name)s: recycled, wakes up on %(when)s.") % {"name": lead.contact.name, "when": when}
    message_with_undo(request, words, reverse("qualification:lead_reopen", args=[lead.pk]))
    return to_lead(lead.pk)


@login_required
@FROM_LEAD
def lead_reopen(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Open a closed lead again: at once after a slip, or because a person knows better."""
    user = access.person(request)
    lead = access.workable_lead(user, lead_id)
    reopen_lead(lead.pk, by=user, at=now())
    messages.success(request, _("%(name)s is open again.") % {"name": lead.contact.name})
    return to_lead(lead.pk)


@login_required
@FROM_LEAD
def lead_move_on(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Make it an MQL or SQL though the criteria are not met."""
    user = access.person(request)
    lead = access.workable_lead(user, lead_id)
    form = MoveOnForm(lead, request.POST)
    if form.is_valid():
        try:
            move_on(lead.pk, form.cleaned_data["stage"], by=user, reason=form.cleaned_data["reason"], at=now())
        except InvalidInput as error:
            complain(form, error)
    if form.errors:
        return lead_page(request, lead.pk, form, "move-on")
    words = {"name": lead.contact.name, "stage": Stage(form.cleaned_data["stage"]).label}
    messages.success(request, _("%(name)s is %(stage)s now.") % words)
    return to_lead(lead.pk)


@login_required
@FROM_LEAD
def lead_reassign(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Give the lead to somebody else."""
    user = access.person(request)
    lead = access.workable_lead(user, lead_id)
    form = ReassignForm(takers(user), request.POST)
    if form.is_valid():
        try:
            assign_lead(lead.pk, form.cleaned_data["user"], by=user, at=now())
        except DomainError as error:
            complain(form, error)
    if form.errors:
        return lead_page(request, lead.pk, form, "reassign")
    taker = form.cleaned_data["user"]
    messages.success(request, _("%(name)s: with %(taker)s now.") % {"name": lead.contact.name, "taker": taker})
    return to_lead(lead.pk)


@login_required
@FROM_LEAD
def lead_claim(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Take a lead from the waiting room; who comes second is told whose it is."""
    user = access.person(request)
    lead = access.workable_lead(user, lead_id)
    claim_lead(lead.pk, by=user, at=now())
    messages.success(request, _("%(name)s is yours.") % {"name": lead.contact.name})
    return to_lead(lead.pk)

"""Where a lead goes: answers, disqualify, recycle, open again, another rep."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from leadmgmt.core import formats
from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.messages import message_with_undo
from leadmgmt.core.now import now
from leadmgmt.core.web import is_partial
from qualification import access
from qualification.desk.ownership import takers
from qualification.forms import AnswerForm, DisqualifyForm, ReassignForm, RecycleForm, first_error
from qualification.models import Answer, Question
from qualification.services.answers import give_answer, withdraw_answer
from qualification.services.disqualify import disqualify_lead
from qualification.services.recycle import recycle_lead
from qualification.services.reopen import reopen_lead
from qualification.views.actions import to_lead
from routing.services.assign import assign_lead, claim_lead


@require_POST
@login_required
def lead_answer(request: HttpRequest, lead_id: int, question_id: int) -> HttpResponse:
    """Answer one question. Who answers at the same time is told about the other; both answers are kept."""
    user, at = access.person(request), now()
    lead = access.workable_lead(user, lead_id)
    question = get_object_or_404(Question, pk=question_id)
    form = AnswerForm(question, request.POST)
    if not form.is_valid():
        raise InvalidInput(first_error(form), fields={name: str(errors[0]) for name, errors in form.errors.items()})
    said = form.cleaned_data
    stood = Answer.objects.filter(lead=lead, question=question, superseded_at__isnull=True).select_related("by").first()
    answer = give_answer(
        lead.pk,
        question.pk,
        said["value"],
        by=user,
        evidence=said["evidence"],
        quote=said["quote"],
        confidence=said["confidence"],
        is_met=not said["against"],
        at=at,
    )
    if stood is not None and stood.pk != said["seen"] and stood.by_id != user.pk:
        words = _("%(name)s answered this meanwhile: “%(value)s”. Yours counts now; both are kept.")
        messages.warning(request, words % {"name": stood.by or _("Somebody"), "value": stood.value})
    else:
        words = _("%(question)s answered.") % {"question": question.label}
        message_with_undo(request, words, reverse("qualification:answer_withdraw", args=[answer.pk]))
    return to_lead(lead.pk, "qualification")


@require_POST
@login_required
def answer_withdraw(request: HttpRequest, answer_id: int) -> HttpResponse:
    """Take an answer back; the one before it counts again."""
    user = access.person(request)
    answer = get_object_or_404(Answer.objects.select_related("question"), pk=answer_id)
    lead = access.workable_lead(user, answer.lead_id)
    withdraw_answer(answer.pk, by=user, at=now())
    messages.success(request, _("%(question)s: taken back.") % {"question": answer.question.label})
    return to_lead(lead.pk, "qualification")


@require_POST
@login_required
def lead_disqualify(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Nothing for us; can be taken back."""
    user = access.person(request)
    lead = access.workable_lead(user, lead_id)
    form = DisqualifyForm(request.POST)
    if not form.is_valid():
        return _again(request, lead.pk, "disqualify", form)
    reason = form.cleaned_data["reason"]
    disqualify_lead(lead.pk, reason.code, by=user, note=form.cleaned_data["note"], at=now())
    words = _("%(name)s: disqualified, %(reason)s.") % {"name": lead.contact.name, "reason": reason.label}
    message_with_undo(request, words, reverse("qualification:lead_reopen", args=[lead.pk]))
    return HttpResponseRedirect(reverse("qualification:lead_detail", args=[lead.pk]))


@require_POST
@login_required
def lead_recycle(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Not now: sleeps until its date."""
    user = access.person(request)
    lead = access.workable_lead(user, lead_id)
    form = RecycleForm(request.POST)
    if not form.is_valid():
        return _again(request, lead.pk, "recycle", form)
    said, at = form.cleaned_data, now()
    slept = recycle_lead(lead.pk, said["reason"].code, by=user, wake_on=said["wake_on"], note=said["note"], at=at)
    words = _("%(name)s: recycled until a new touch.") % {"name": lead.contact.name}
    if slept.wake_at:
        when = formats.day(slept.wake_at, at=at)
        words = _("%(name)s: recycled, wakes up on %(when)s.") % {"name": lead.contact.name, "when": when}
    message_with_undo(request, words, reverse("qualification:lead_reopen", args=[lead.pk]))
    return to_lead(lead.pk)


@require_POST
@login_required
def lead_reopen(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Open a closed lead again: at once after a slip, or because a person knows better."""
    user = access.person(request)
    lead = access.workable_lead(user, lead_id)
    reopen_lead(lead.pk, by=user, at=now())
    messages.success(request, _("%(name)s is open again.") % {"name": lead.contact.name})
    return to_lead(lead.pk)


@require_POST
@login_required
def lead_reassign(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Give the lead to somebody else."""
    user = access.person(request)
    lead = access.workable_lead(user, lead_id)
    form = ReassignForm(takers(user), request.POST)
    if not form.is_valid():
        return _again(request, lead.pk, "reassign", form)
    taker = form.cleaned_data["user"]
    assign_lead(lead.pk, taker, by=user, at=now())
    messages.success(request, _("%(name)s: with %(taker)s now.") % {"name": lead.contact.name, "taker": taker})
    return to_lead(lead.pk)


@require_POST
@login_required
def lead_claim(request: HttpRequest, lead_id: int) -> HttpResponse:
    """Take a lead from the waiting room; who comes second is told whose it is."""
    user = access.person(request)
    lead = access.workable_lead(user, lead_id)
    claim_lead(lead.pk, by=user, at=now())
    messages.success(request, _("%(name)s is yours.") % {"name": lead.contact.name})
    return to_lead(lead.pk)


def _again(request: HttpRequest, lead_id: int, what: str, form: DisqualifyForm | ReassignForm) -> HttpResponse:
    """The form with what has to be mended: in place for htmx, else as a message."""
    if is_partial(request):
        context = {"lead": access.visible_lead(access.person(request), lead_id), "do": what, "do_form": form}
        return render(request, "qualification/_lead_do.html", context, status=422)
    raise InvalidInput(first_error(form))

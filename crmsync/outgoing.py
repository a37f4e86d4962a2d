"""What a CRM is told about an opportunity: its fields as they stand now, in the words of the AE."""

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from crmsync.models import Connection, LossReasonMap, Opportunity, StageMap
from leadmgmt.core.kept_words import worded
from leads.models import Consent, Lead, Reason
from qualification.models import Activity, Answer

MOST_ACTIVITIES = 10
LONGEST_BODY = 300
LONGEST_NAME = 120


class NotMapped(Exception):
    """A stage of ours has no counterpart in this CRM; an admin has to map it."""


def outgoing(opportunity: Opportunity, connection: Connection, names: Iterable[str]) -> dict[str, Any]:
    """The values of these fields. Raises NotMapped where the CRM has no stage for what happened."""
    language = opportunity.owner.language if opportunity.owner else settings.LANGUAGE_CODE
    with translation.override(language):
        return {name: _MAKERS[name](opportunity, connection) for name in names}


def stage_for(opportunity: Opportunity, connection: Connection) -> str:
    """The CRM's word for where the deal stands on our side."""
    if opportunity.stage == Opportunity.Stage.OPEN and (standing := _standing(opportunity, connection)):
        return standing
    stages = StageMap.objects.filter(connection=connection, meaning=opportunity.stage)
    if opportunity.stage == Opportunity.Stage.OPEN:
        stages = stages.order_by("-is_outbound_default", "position")
    stage = stages.first()
    if stage is None:
        raise NotMapped(worded("No stage of %(slug)s means %(stage)s.", slug=connection.slug, stage=opportunity.stage))
    return stage.remote


def _standing(opportunity: Opportunity, connection: Connection) -> str:
    """The stage in which this CRM has an open deal already; each CRM has stages of its own."""
    link = opportunity.links.filter(connection=connection).first()
    stage = str(link.shadow.get("stage") or "") if link else ""
    meanings = StageMap.objects.filter(connection=connection, remote=stage, meaning=StageMap.Meaning.OPEN)
    return stage if stage and meanings.exists() else ""


def loss_text_for(reason: Reason | None, connection: Connection) -> str:
    """The CRM's word for a loss reason; our own label where none is mapped."""
    if reason is None:
        return ""
    mapped = LossReasonMap.objects.filter(connection=connection, reason=reason).order_by("pk").first()
    return mapped.remote if mapped else reason.label


def _day(when: Any) -> str:
    return date_format(timezone.localtime(when), _("j M Y"), use_l10n=False)


def _summary(opportunity: Opportunity, _connection: Connection) -> str:
    """The answers that made it an SQL, with their evidence."""
    answers = Answer.objects.filter(lead=opportunity.lead_id, superseded_at=None).select_related("question")
    lines = []
    for answer in answers.order_by("question__position"):
        line = f"{answer.question.label}: {answer.value}"
        if not answer.is_met:
            line += f" ({_('speaks against')})"
        if answer.evidence != Answer.Evidence.NONE:
            line += f" [{answer.get_evidence_display()}, {_day(answer.at)}]"
        if answer.quote:
            line += f" “{answer.quote}”"
        lines.append(line)
    return "\n".join(lines)


def _history(opportunity: Opportunity, _connection: Connection) -> str:
    """How the person came to us, and what was done since."""
    lead = opportunity.lead
    source = lead.source.name if lead.source else _("no source given")
    lines = [_("First seen %(day)s, %(source)s.") % {"day": _day(lead.first_seen_at), "source": source}]
    if message := lead.touchpoints.exclude(message="").order_by("at").values_list("message", flat=True).first():
        lines.append(f"“{message[:LONGEST_BODY]}”")
    done = Activity.objects.filter(lead=lead, undone_at=None).order_by("-at")[:MOST_ACTIVITIES]
    for activity in reversed(done):
        what = ", ".join(filter(None, (activity.get_kind_display(), activity.get_disposition_display())))
        said = f": {activity.body[:LONGEST_BODY]}" if activity.body else ""
        lines.append(f"{_day(activity.at)} {what}{said}")
    others = opportunity.joined.filter(left_at=None).select_related("lead__contact", "lead__source")
    lines += [_also(one.lead) for one in others.order_by("joined_at")]
    return "\n".join(lines)


def _also(lead: Lead) -> str:
    """Another person of the same company who asked."""
    contact, source = lead.contact, lead.source.name if lead.source else _("no source given")
    who = ", ".join(filter(None, (contact.name, contact.job_title, contact.email, contact.phone)))
    said = _("%(day)s also: %(who)s (%(source)s)") % {"day": _day(lead.first_seen_at), "who": who, "source": source}
    message = lead.touchpoints.exclude(message="").order_by("at").values_list("message", flat=True).first()
    return f"{said}: “{message[:LONGEST_BODY]}”" if message else said


def _consent(opportunity: Opportunity, _connection: Connection) -> str:
    """The statement in force for each purpose."""
    lines = []
    statements = Consent.objects.filter(contact=opportunity.lead.contact_id).order_by("purpose", "-at", "-pk")
    for statement in statements.distinct("purpose"):
        word = _("yes") if statement.granted else _("no")
        lines.append(f"{statement.get_purpose_display()}: {word}, {_day(statement.at)}")
    return "\n".join(lines)


def _brief(opportunity: Opportunity, connection: Connection) -> str:
    """What they said, how they came, what they allow, and the way back to the lead."""
    parts = [_MAKERS[name](opportunity, connection) for name in ("summary", "history", "consent", "link")]
    return "\n\n".join(filter(None, parts))


def _text(read: Callable[[Opportunity], str | None], longest: int = 255) -> Callable[[Opportunity, Connection], str]:
    return lambda opportunity, _connection: (read(opportunity) or "")[:longest]


_MAKERS: dict[str, Callable[[Opportunity, Connection], Any]] = {
    "name": _text(lambda one: one.name),
    "company": _text(lambda one: one.lead.contact.company.name if one.lead.contact.company else ""),
    "contact": _text(lambda one: one.lead.contact.name),
    "contact_email": _text(lambda one: one.lead.contact.email),
    "contact_phone": _text(lambda one: one.lead.contact.phone or one.lead.contact.phone_raw, 40),
    "currency": _text(lambda one: one.currency),
    "source": _text(lambda one: one.lead.source.name if one.lead.source else "", LONGEST_NAME),
    "campaign": _text(lambda one: one.lead.campaign.name if one.lead.campaign else ""),
    "summary": _summary,
    "history": _history,
    "consent": _consent,
    "link": _text(lambda one: f"{settings.PUBLIC_URL}/leads/{one.lead_id}/"),
    "brief": _brief,
    "stage": stage_for,
    "lost_reason": lambda one, connection: loss_text_for(one.loss_reason, connection) or one.loss_text,
    "amount": lambda one, _connection: one.amount,
    "close_on": lambda one, _connection: one.close_on,
    "owner_email": _text(lambda one: one.owner.email if one.owner else ""),
}

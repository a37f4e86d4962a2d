"""The one paragraph of a handoff: who wants what, by when, for how much, and what was agreed."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from leadmgmt.core import formats
from leads.models import Lead, Touchpoint
from qualification.desk.why import asked_for
from qualification.models import Activity, Answer

LONGEST_MESSAGE = 220


def summary(
    lead: Lead, touches: Sequence[Touchpoint], answers: Iterable[Answer], promises: Sequence[Activity], at: datetime
) -> list[SafeString]:
    """Sentences in the order in which one would tell them; what nobody knows is left out."""
    sentences = [_opening(lead, touches, at)]
    message = next((touch.message for touch in touches if touch.message), "")
    if message:
        sentences.append(format_html("{}", formats.quoted(shortened(message, LONGEST_MESSAGE))))
    for answer in answers:
        pattern = "{label}: <strong>{value}</strong>{end}" if answer.is_met else "{label}: {value}{end}"
        sentences.append(
            format_html(pattern, label=answer.question.label, value=answer.value.rstrip("."), end=_end(answer.value))
        )
    coming = [promise for promise in promises if promise.due_at and promise.due_at > at]
    if coming and coming[0].due_at:
        pattern = _("<strong>They expect you on {when}.</strong>")
        sentences.append(format_html(pattern, when=day_and_time(coming[0].due_at)))
    return sentences


def _opening(lead: Lead, touches: Sequence[Touchpoint], at: datetime) -> SafeString:
    contact = lead.contact
    who = format_html("<strong>{}</strong>", contact.name)
    if contact.job_title:
        who = format_html("{}, {},", who, contact.job_title)
    asked = next((words for touch in touches if (words := asked_for(touch.subject))), "") or asked_for(lead.subject)
    pattern = _("{who} asked for <strong>{asked}</strong> on {day}") if asked else _("{who} got in touch on {day}")
    told = format_html(pattern, who=who, asked=asked, day=formats.day(lead.captured_at, at=at))
    source = lead.source.name if lead.source else ""
    return format_html(_("{told}, from {source}."), told=told, source=source) if source else format_html("{}.", told)


def day_and_time(when: datetime) -> str:
    """Thursday 26 November, 14:00."""
    return date_format(timezone.localtime(when), _("l j F, G:i"), use_l10n=False)


def shortened(text: str, most: int) -> str:
    """At most so many characters, cut between words."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[:most].rsplit(" ", 1)[0] + " …"


def _end(text: str) -> str:
    return "" if text.endswith(("!", "?")) else "."

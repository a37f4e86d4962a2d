"""The pane beside the queue: one lead in short, with the three factors that put it where it stands."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from leadmgmt.core import formats
from leads.models import Lead, Touchpoint, User
from qualification.desk import panels
from qualification.desk.asked import Asked
from qualification.desk.close_up import close_up
from qualification.desk.facts import local_time
from qualification.desk.headline import headline
from qualification.desk.plan import Step
from qualification.desk.queue import Row
from qualification.desk.sentences import Told, touch_told
from qualification.desk.why import Headline
from qualification.desk.workspace import owner_line


@dataclass(frozen=True)
class Factor:
    """One bar: 0 to 100, and the words beside it."""

    label: str
    share: float
    text: str
    tone: str = ""


@dataclass(frozen=True)
class Preview:
    """What the pane shows."""

    row: Row
    number: int
    total: int
    headline: Headline
    factors: list[Factor]
    local_time: str
    score: panels.ScorePanel | None
    touches: list[tuple[datetime, Told]]
    quote: str
    assessment: panels.Assessment
    owner: SafeString
    certificate: int | None


def preview(rows: list[Row], number: int, reader: User, at: datetime, deal_value: Decimal, asked: Asked) -> Preview:
    """The pane for the row at ``number`` (from 0)."""
    row = rows[number]
    lead = row.lead
    touches = list(Touchpoint.objects.filter(lead=lead).select_related("source").order_by("-at", "-pk")[:4])
    near = close_up(Lead.objects.all(), lead.pk)
    owner, certificate = owner_line(near, reader, at) if near else (SafeString(), None)
    return Preview(
        row=row,
        number=number + 1,
        total=len(rows),
        headline=headline(row.situation, row.plan, in_short=True),
        factors=factors(row, at, deal_value),
        local_time=local_time(lead.contact, at),
        score=panels.score_panel(near.score if near else None, most=4),
        touches=[(one.at, touch_told(one)) for one in touches],
        quote=next((one.message for one in touches if one.message), ""),
        assessment=panels.assessment(lead, asked),
        owner=owner,
        certificate=certificate,
    )


def factors(row: Row, at: datetime, deal_value: Decimal) -> list[Factor]:
    """Promise, value, cadence: the bars are the factors themselves."""
    return [
        Factor(_("Promise"), row.order.promise * 100, promise_words(row, at), _tone(row, at)),
        Factor(_("Value"), row.order.value * 100, value_words(row, deal_value)),
        Factor(_("Cadence"), row.order.cadence * 100, cadence_words(row)),
    ]


def _tone(row: Row, at: datetime) -> str:
    if not row.plan.is_promise or row.plan.due_at is None:
        return ""
    left = (row.plan.due_at - at).total_seconds()
    return "bad" if left <= 0 else "warn" if left < 900 else ""


def promise_words(row: Row, at: datetime) -> str:
    """What is left of the promise, and of how much."""
    due = row.plan.due_at
    if due is None:
        return _("none")
    left = (due - at).total_seconds()
    if not row.plan.is_promise:
        return _("planned for %(when)s") % {"when": formats.wall_time(due, at=at)}
    if left <= 0:
        return _("%(span)s over") % {"span": formats.span(left)}
    clock = row.situation.clock
    if row.plan.step is Step.FIRST_TOUCH and clock is not None:
        whole = formats.span((clock.due_at - clock.started_at).total_seconds())
        return _("%(left)s of %(whole)s left") % {"left": _left(left), "whole": whole}
    return _("%(left)s left") % {"left": _left(left)}


def _left(seconds: float) -> str:
    return formats.duration(int(seconds)) if seconds < 900 else formats.span(seconds)


def value_words(row: Row, deal_value: Decimal) -> str:
    """Chance × usual deal; the grade alone while no chance can be told."""
    lead = row.lead
    if lead.win_probability is not None:
        words = {"chance": formats.percent(lead.win_probability), "value": formats.money(deal_value)}
        return _("%(chance)s × %(value)s") % words
    return _("grade %(grade)s, no chance known yet") % {"grade": lead.grade} if lead.grade else _("not scored yet")


def cadence_words(row: Row) -> str:
    """Which step it is."""
    words = {
        Step.FIRST_TOUCH: pgettext("ours", "first touch"),
        Step.APPOINTMENT: _("agreed with them"),
        Step.STIRRED: _("has just stirred"),
        Step.GIVE_UP: _("enough tries"),
        Step.PAUSED: _("put aside"),
        Step.PACED: _("a planned step"),
    }
    known = words.get(row.plan.step)
    if known is not None:
        return known
    if row.situation.connected:
        return _("follow-up")
    return _("try %(number)d") % {"number": row.situation.attempts + 1}

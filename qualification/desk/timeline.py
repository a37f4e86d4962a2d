"""A lead's history: their touches, our activities and the machine's events, merged, newest first, in chunks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.dateparse import parse_datetime

from leads.models import Lead, LeadEvent, Touchpoint, User
from qualification.desk.conversation import Conversation, conversations, mails_of
from qualification.desk.sentences import Told, Words, activity_told, event_told, named_columns, read_words, touch_told
from qualification.models import Activity
from qualification.services.activities import UNDO_WITHIN

CHUNK = 30
FILTERS = ("all", "people", "web", "mail", "system")
# Told by the touch and the activity themselves.
TWICE = ("activity.logged", "lead.captured", "lead.touched")
# Kinds that people bring about; the rest is the machine's.
BY_PEOPLE = ("answer.given", "handoff.accepted", "handoff.refused", "lead.corrected", "lead.snoozed", "lead.resumed")
WEB_KINDS = (Touchpoint.Kind.VISIT, Touchpoint.Kind.EMAIL_OPEN, Touchpoint.Kind.EMAIL_CLICK)


@dataclass(frozen=True)
class Entry:
    """One line. `undo` is the pk of an activity that may still be taken back by the reader."""

    at: datetime
    told: Told
    is_person: bool
    undo: int | None = None


@dataclass(frozen=True)
class Counts:
    """How many lines each filter shows; `last` is the number of the newest event, 0 without any."""

    all: int
    people: int
    web: int
    mail: int
    system: int
    last: int


@dataclass(frozen=True)
class Timeline:
    """One chunk; `before` asks for the next, older one. `newest_touch` is the newest one shown.

    Mail is shown as conversations instead of lines.
    """

    entries: list[Entry]
    before: datetime | None
    shown: str
    counts: Counts
    newest_touch: Touchpoint | None
    conversations: Sequence[Conversation] = ()


def timeline(lead: Lead, reader: User, at: datetime, *, shown: str = "all", before: str = "") -> Timeline:
    """A chunk of history older than ``before`` (an ISO time), of one filter, in four queries."""
    shown = shown if shown in FILTERS else "all"
    if shown == "mail":
        _words, counts = _read(lead, at, ())
        return Timeline([], None, shown, counts, None, conversations(lead))
    limit = parse_datetime(before) if before else None
    older = Q(at__lt=limit) if limit else Q()
    touches = _newest(_touches(lead, shown).filter(older).select_related("source"))
    activities = _newest(_activities(lead, shown).filter(older).select_related("by"))
    events = _newest(_events(lead, shown).filter(older).select_related("actor"))
    words, counts = _read(lead, at, events)
    found = [Entry(one.at, touch_told(one), one.kind not in WEB_KINDS) for one in touches]
    found += [
        Entry(one.at, activity_told(one, at), True, one.pk if may_undo(one, reader, at) else None) for one in activities
    ]
    found += [Entry(one.at, event_told(one, words), one.actor_id is not None) for one in events]
    found.sort(key=lambda one: one.at, reverse=True)
    chunk, more = found[:CHUNK], len(found) > CHUNK
    # Entries of one instant stay together, or the next chunk would leave some out.
    if more:
        chunk += [one for one in found[CHUNK:] if one.at == chunk[-1].at]
        more = len(found) > len(chunk)
    newest = touches[0] if touches and limit is None else None
    return Timeline(chunk, chunk[-1].at if more else None, shown, counts, newest)


def _newest(rows: Any) -> list[Any]:
    return list(rows.order_by("-at", "-pk")[: CHUNK + 50])


def _touches(lead: Lead, shown: str) -> Any:
    touches = Touchpoint.objects.filter(lead=lead)
    if shown == "system":
        return touches.none()
    if shown == "web":
        return touches
    return touches.exclude(kind__in=WEB_KINDS) if shown == "people" else touches


def _activities(lead: Lead, shown: str) -> Any:
    done = Activity.objects.filter(lead=lead, undone_at__isnull=True)
    return done if shown in ("all", "people") else done.none()


def _events(lead: Lead, shown: str) -> Any:
    events = LeadEvent.objects.filter(lead=lead).exclude(kind__in=TWICE)
    by_people = Q(kind__in=BY_PEOPLE) | Q(actor__isnull=False)
    if shown == "web":
        return events.none()
    if shown == "people":
        return events.filter(by_people)
    return events.exclude(by_people) if shown == "system" else events


def _read(lead: Lead, at: datetime, events: Iterable[LeadEvent]) -> tuple[Words, Counts]:
    """What the events name, and how much each filter shows: one query, however long the history."""
    people, web = _touches(lead, "people"), _touches(lead, "web")
    written, nurtured = mails_of(lead)
    read: dict[str, Any] = dict(
        Lead.objects.filter(pk=lead.pk)
        .values(
            told=_number_of(people),
            web=_number_of(web),
            done=_number_of(_activities(lead, "all")),
            every=_number_of(_events(lead, "all")),
            by_people=_number_of(_events(lead, "people")),
            letters=_number_of(web.filter(kind=Touchpoint.Kind.EMAIL)) + _number_of(written) + _number_of(nurtured),
            last=Coalesce(Subquery(LeadEvent.objects.filter(lead=lead).order_by("-pk").values("pk")[:1]), 0),
            **named_columns(events),
        )
        .get()
    )
    return read_words(read, at), Counts(
        all=read["web"] + read["done"] + read["every"],
        people=read["told"] + read["done"] + read["by_people"],
        web=read["web"],
        mail=read["letters"],
        system=read["every"] - read["by_people"],
        last=read["last"],
    )


def _number_of(rows: QuerySet[Any]) -> Coalesce:
    counted = rows.order_by().annotate(_one=Value(1)).values("_one").annotate(_n=Count("pk"))
    return Coalesce(Subquery(counted.values("_n")), 0)


def may_undo(activity: Activity, reader: User, at: datetime) -> bool:
    """Within ten minutes, by whoever did it."""
    return activity.undone_at is None and activity.by_id == reader.pk and at - activity.at <= UNDO_WITHIN

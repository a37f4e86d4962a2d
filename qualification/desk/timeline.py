"""A lead's history: their touches, our activities and the machine's events, merged, newest first, in chunks."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import Q
from django.utils.dateparse import parse_datetime

from leads.models import Lead, LeadEvent, Touchpoint, User
from qualification.desk.sentences import Told, activity_told, event_told, load_words, touch_told
from qualification.models import Activity
from qualification.services.activities import UNDO_WITHIN

CHUNK = 30
FILTERS = ("all", "people", "web", "system")
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
class Timeline:
    """One chunk; `before` asks for the next, older one."""

    entries: list[Entry]
    before: datetime | None
    shown: str
    counts: dict[str, int]


def timeline(lead: Lead, reader: User, at: datetime, *, shown: str = "all", before: str = "") -> Timeline:
    """A chunk of history older than ``before`` (an ISO time), of one filter."""
    shown = shown if shown in FILTERS else "all"
    limit = parse_datetime(before) if before else None
    older = Q(at__lt=limit) if limit else Q()
    found = sorted(_entries(lead, reader, at, shown, older), key=lambda one: one.at, reverse=True)
    chunk = list(islice(found, CHUNK))
    more = len(found) > CHUNK
    # Entries of one instant stay together, or the next chunk would leave some out.
    if more:
        chunk += [one for one in found[CHUNK:] if one.at == chunk[-1].at]
        more = len(found) > len(chunk)
    return Timeline(chunk, chunk[-1].at if more else None, shown, {} if limit else _counts(lead))


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


def _counts(lead: Lead) -> dict[str, int]:
    touches = list(Touchpoint.objects.filter(lead=lead).values_list("kind", flat=True))
    activities = _activities(lead, "all").count()
    every, people = _events(lead, "all").count(), _events(lead, "people").count()
    told = sum(1 for kind in touches if kind not in WEB_KINDS)
    return {
        "all": len(touches) + activities + every,
        "people": told + activities + people,
        "web": len(touches),
        "system": every - people,
    }


def _entries(lead: Lead, reader: User, at: datetime, shown: str, older: Q) -> Iterable[Entry]:
    most = CHUNK + 50
    touches = _touches(lead, shown).filter(older).select_related("source").order_by("-at", "-pk")[:most]
    activities = _activities(lead, shown).filter(older).select_related("by").order_by("-at", "-pk")[:most]
    events = list(_events(lead, shown).filter(older).select_related("actor").order_by("-at", "-pk")[:most])
    words = load_words(at, events)
    for touch in touches:
        yield Entry(touch.at, touch_told(touch), touch.kind not in WEB_KINDS)
    for one in activities:
        yield Entry(one.at, activity_told(one, at), True, one.pk if may_undo(one, reader, at) else None)
    for event in events:
        yield Entry(event.at, event_told(event, words), event.actor_id is not None)


def may_undo(activity: Activity, reader: User, at: datetime) -> bool:
    """Within ten minutes, by whoever did it."""
    return activity.undone_at is None and activity.by_id == reader.pk and at - activity.at <= UNDO_WITHIN

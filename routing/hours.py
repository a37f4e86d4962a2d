"""Reading calendars: the hours and absences of reps, in the query that reads the reps."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject

from routing.calendar import Calendar, Shift
from routing.models import Absence, Rep
from routing.models import Shift as ShiftRow

# How far ahead absences are read: as far as a calendar is ever asked.
AHEAD = timedelta(days=400)


def with_hours(rows: QuerySet[Any, Any], at: datetime, *, rep: str = "pk") -> QuerySet[Any, Any]:
    """Add the shifts and the absences from ``at`` on to rows that lead to a rep by ``rep``."""
    shifts = ShiftRow.objects.filter(rep=OuterRef(rep)).order_by("weekday", "starts_at")
    absences = Absence.objects.filter(
        rep=OuterRef(rep), ends_at__gt=at - timedelta(days=60), starts_at__lt=at + AHEAD
    ).order_by("starts_at")
    found: QuerySet[Any, Any] = rows.annotate(
        hours=ArraySubquery(shifts.values(json=JSONObject(day="weekday", start="starts_at", end="ends_at"))),
        away=ArraySubquery(absences.values(json=JSONObject(start="starts_at", end="ends_at"))),
    )
    return found


def calendar_of(row: Any, zone: str) -> Calendar:
    """The calendar of a row that went through `with_hours`."""
    return Calendar(
        zone=known_zone(zone),
        shifts=tuple(
            Shift(one["day"], time.fromisoformat(one["start"]), time.fromisoformat(one["end"])) for one in row.hours
        ),
        absences=tuple((datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"])) for one in row.away),
    )


def calendars_of(rep_ids: Iterable[int], at: datetime) -> dict[int, Calendar]:
    """The calendars of these reps, in one query."""
    reps = with_hours(Rep.objects.filter(pk__in=list(rep_ids)).select_related("user"), at)
    return {rep.pk: calendar_of(rep, rep.user.time_zone) for rep in reps}


def known_zone(zone: str) -> str:
    """The zone, or the organisation's where nobody knows it."""
    try:
        return ZoneInfo(zone).key
    except (ZoneInfoNotFoundError, ValueError):
        return settings.TIME_ZONE


def day_start(at: datetime, zone: str) -> datetime:
    """The last midnight there."""
    local = at.astimezone(ZoneInfo(known_zone(zone)))
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)

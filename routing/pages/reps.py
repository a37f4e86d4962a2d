"""Reps as pages show them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Prefetch
from django.utils.translation import gettext as _

from leadmgmt.core import formats
from leads.models import Lead
from routing.calendar import Calendar
from routing.decide import readable
from routing.editor import language
from routing.hours import calendars_of
from routing.models import Absence, Assignment, PoolMember, Rep, RepCap
from routing.pages.presence import Presence, presence_of

DAYS = 30


@dataclass(frozen=True)
class RepLine:
    """A rep with presence, load and shares."""

    rep: Rep
    presence: Presence
    week: str
    open_leads: int
    received: int
    shares: list[PoolMember]
    next_absence: Absence | None


def rep_lines(at: datetime, *, only: int | None = None) -> list[RepLine]:
    """Every active rep (or one), by team and name, in a fixed number of queries."""
    shares = PoolMember.objects.filter(left_at__isnull=True, pool__is_active=True).select_related("pool")
    coming = Absence.objects.filter(ends_at__gt=at).order_by("starts_at")
    wanted = Rep.objects.filter(pk=only) if only is not None else Rep.objects.filter(user__is_active=True)
    reps = (
        wanted.select_related("user__team")
        .prefetch_related(
            Prefetch("memberships", queryset=shares, to_attr="shares"),
            Prefetch("absences", queryset=coming, to_attr="coming"),
        )
        .order_by("user__team__name", "user__first_name", "user__last_name", "pk")
    )
    users = [rep.user_id for rep in reps]
    held = dict(Lead.objects.working().filter(owner__in=users).values_list("owner").annotate(n=Count("pk")).order_by())
    since = Assignment.objects.filter(user__in=users, starts_at__gte=at - timedelta(days=DAYS))
    received = dict(since.values_list("user").annotate(n=Count("pk")).order_by())
    lines, calendars = [], calendars_of(reps, at)
    for rep in reps:
        calendar = calendars[rep.pk]
        lines.append(
            RepLine(
                rep,
                presence_of(rep, calendar, at),
                week_words(calendar),
                held.get(rep.user_id, 0),
                received.get(rep.user_id, 0),
                rep.shares,
                rep.coming[0] if rep.coming else None,
            )
        )
    return lines


def week_words(calendar: Calendar) -> str:
    """The hours of a week in short: 40 h."""
    seconds = sum(_seconds(shift.ends_at) - _seconds(shift.starts_at) for shift in calendar.shifts)
    return f"{formats.number(round(seconds / 3600, 1), 0 if seconds % 3600 < 60 else 1)}{formats.NBSP}h"


def _seconds(moment: object) -> int:
    hour, minute = getattr(moment, "hour", 0), getattr(moment, "minute", 0)
    return (24 * 60 if (hour, minute) == (23, 59) else hour * 60 + minute) * 60


def hours_text(rep: Rep) -> dict[int, str]:
    """Each weekday's hours as one types them."""
    found: dict[int, list[str]] = {}
    for shift in rep.shifts.order_by("weekday", "starts_at"):
        end = "24:00" if (shift.ends_at.hour, shift.ends_at.minute) == (23, 59) else f"{shift.ends_at:%H:%M}"
        found.setdefault(shift.weekday, []).append(f"{shift.starts_at:%H:%M}-{end}")
    return {day: ", ".join(spans) for day, spans in found.items()}


def kind_cap_lines(rep: Rep) -> list[tuple[RepCap, str]]:
    """Caps on leads of a kind, each with its condition in words."""
    return [
        (cap, found.sentence(language()) if (found := readable(cap.condition)) else _("The condition cannot be read;"))
        for cap in rep.caps.all()
    ]

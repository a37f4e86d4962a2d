"""A rep's day in figures: what each tab holds, what is done, how fast. One query whatever the number of leads."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet, Subquery, Value
from django.utils import timezone

from leads.models import Lead, LeadEvent, Organisation, User
from qualification.desk import queue
from qualification.models import Activity, SavedView
from qualification.services.saved_views import read_views, views_column
from routing.models import Shift, SlaClock, SlaPolicy


@dataclass(frozen=True)
class Day:
    """Counts of leads, without those put aside; `first_touch` and `goal` in seconds or None; `until` ends the shift.
    `views` are the saved ones of the queue."""

    mine: int
    hot: int
    calls: int
    waiting: int
    overdue: int
    worked: int
    sql: int
    first_touch: float | None
    goal: int | None
    until: datetime | None
    deal_value: Decimal
    views: list[SavedView]


def _count(rows: QuerySet[Any], what: str = "pk") -> Subquery:
    """How many different ones, as a column."""
    counted = rows.order_by().annotate(_one=Value(1)).values("_one")
    return Subquery(counted.annotate(_n=Count(what, distinct=True)).values("_n"))


def day_start(at: datetime) -> datetime:
    """Midnight where the reader is."""
    return timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)


def day(user: User, at: datetime) -> Day:
    """Count this person's day."""
    here, today = timezone.localtime(at), Q(at__gte=day_start(at), at__lte=at)
    mine = queue.my_leads(user).awake(at)
    broken = SlaClock.objects.filter(lead=OuterRef("pk"), stopped_at__isnull=True, due_at__lte=at)
    missed = Exists(broken) | Exists(queue.agreed().filter(due_at__lte=at))
    touches = Activity.objects.touches().filter(today, by=user)
    touched = Lead.objects.owned_by(user).filter(first_touched_at__gte=day_start(at), first_touched_at__lte=at)
    shift = Shift.objects.filter(
        rep__user=user, weekday=here.weekday(), starts_at__lte=here.time(), ends_at__gt=here.time()
    )
    policies = SlaPolicy.objects.order_by().annotate(_one=Value(1)).values("_one")
    found = (
        User.objects.filter(pk=user.pk)
        .values(
            mine=_count(mine),
            hot=_count(mine.filter(queue.hot())),
            calls=_count(mine.filter(Exists(queue.agreed()))),
            waiting=_count(queue.waiting_room(user)),
            overdue=_count(mine.filter(missed)),
            worked=_count(touches, "lead"),
            sql=_count(LeadEvent.objects.filter(today, kind="stage.sql", lead__owner=user), "lead"),
            waits=ArraySubquery(touched.annotate(_wait=F("first_touched_at") - F("captured_at")).values("_wait")),
            goal=Subquery(policies.annotate(_least=Min("first_touch_minutes")).values("_least")),
            views=views_column(user, SavedView.Page.QUEUE),
            ends=Subquery(shift.values("ends_at")[:1]),
            deal_value=Subquery(Organisation.objects.values("expected_deal_value")[:1]),
        )
        .get()
    )
    return _read(dict(found), here)


def _read(found: dict[str, Any], here: datetime) -> Day:
    waits: list[timedelta] = found.pop("waits")
    views = read_views(found.pop("views") or ())
    ends: time | None = found.pop("ends")
    goal: int | None = found.pop("goal")
    deal_value: Decimal | None = found.pop("deal_value")
    return Day(
        first_touch=median(one.total_seconds() for one in waits) if waits else None,
        goal=goal * 60 if goal else None,
        until=here.replace(hour=ends.hour, minute=ends.minute, second=0, microsecond=0) if ends else None,
        deal_value=deal_value or Decimal(0),
        views=views,
        **{name: count or 0 for name, count in found.items()},
    )

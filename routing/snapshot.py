"""The candidates of one decision as they stand, locked so that balances and caps stay exact."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Q

from leads.conditions import Condition
from leads.configuration import Kept
from leads.models import Lead, User
from leads.models.lead import WORKING_STAGES
from routing.calendar import Calendar, is_on_leave, present_until
from routing.decide import Candidate, readable
from routing.hours import calendars_of, day_start, week_start
from routing.models import Assignment, Pool, PoolMember, Rep, RepCap

# The stages stand in the text, so that the partial index over leads being worked is found.
LOADS = f"""
    SELECT candidate.id,
           (SELECT count(*) FROM leads_lead
             WHERE owner_id = candidate.id AND stage IN ({", ".join(f"'{stage.value}'" for stage in WORKING_STAGES)})),
           received.today, received.hour, received.week
      FROM unnest(%(users)s::bigint[], %(midnights)s::timestamptz[], %(mondays)s::timestamptz[])
           AS candidate (id, midnight, monday)
      CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE starts_at >= candidate.midnight) AS today,
               count(*) FILTER (WHERE starts_at > %(hour)s) AS hour,
               count(*) FILTER (WHERE starts_at >= candidate.monday) AS week
          FROM routing_assignment
         WHERE user_id = candidate.id AND starts_at >= least(candidate.monday, %(hour)s)
           AND reason <> %(history)s::text
      ) AS received
"""  # noqa: S608  # words of our own

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Load:
    """Open leads, and leads received since midnight, in the last hour and since Monday, where the rep is."""

    open: int = 0
    today: int = 0
    hour: int = 0
    week: int = 0


@dataclass(frozen=True)
class Kind:
    """A cap on leads of a kind."""

    name: str
    condition: Condition | None
    per: str
    most: int


def _load_kinds() -> dict[int, tuple[Kind, ...]]:
    found: dict[int, tuple[Kind, ...]] = {}
    for cap in RepCap.objects.order_by("rep", "pk"):
        kind = Kind(cap.name, readable(cap.condition), cap.per, cap.most)
        found[cap.rep_id] = (*found.get(cap.rep_id, ()), kind)
    return found


_pools = Kept(Pool.objects.in_bulk, "routing_pool")
_kinds = Kept(_load_kinds, "routing_repcap")


@dataclass(frozen=True)
class Standing:
    """A candidate with what a certificate does not keep: the rows behind it and the calendar."""

    candidate: Candidate
    user: User
    calendar: Calendar
    member: PoolMember | None = None
    rep: Rep | None = None


def pool_standings(pool_ids: Sequence[int], at: datetime, facts: Mapping[str, Any]) -> list[Standing]:
    """The members of the pool, then those of the pools to fall back on; their shares and reps locked until the
    transaction ends. Nobody of a closed pool; who belongs to several stands for the first.

    Locks are taken in the order of reps, so that two pools with the same reps cannot wait for each other; the reps are
    locked too, as a cap counts over all pools.
    """
    members = PoolMember.objects.filter(pool__in=pool_ids, pool__is_active=True, left_at__isnull=True)
    known = members.select_related("rep__user").select_for_update(of=("self", "rep"), no_key=True)
    locked = list(known.order_by("rep_id", "pool_id"))
    calendars = calendars_of([member.rep for member in locked], at)
    pools = _pools()
    first: dict[int, PoolMember] = {}
    for member in sorted(locked, key=lambda one: pool_ids.index(one.pool_id)):
        member.pool = pools.get(member.pool_id) or member.pool
        first.setdefault(member.rep_id, member)
    standings = [
        _of_member(member, calendars[member.rep_id], at, role="pool" if member.pool_id == pool_ids[0] else "fallback")
        for member in first.values()
    ]
    counts_all = any(one.member and one.member.pool.strategy == Pool.Strategy.LEAST_LOADED for one in standings)
    return _with_loads(standings, at, facts, counts_all=counts_all)


def rep_standings(reps: Q, role: str, at: datetime, facts: Mapping[str, Any]) -> list[Standing]:
    """Reps named by a rule or by the lead's company, locked."""
    rows = Rep.objects.filter(reps).select_related("user")
    locked = list(rows.select_for_update(of=("self",), no_key=True).order_by("pk"))
    calendars = calendars_of(locked, at)
    return _with_loads([_standing(rep, calendars[rep.pk], at, role=role) for rep in locked], at, facts)


def effective_weight(member: PoolMember, at: datetime) -> Decimal:
    """The weight with the ramp-up of who has joined lately: in even steps a day, to the hundredth."""
    if not member.ramp_days or member.joined_at is None:
        return member.weight
    days = max(0, (at - member.joined_at).days)
    part = member.ramp_from + (1 - member.ramp_from) * min(Decimal(days) / member.ramp_days, Decimal(1))
    return round(member.weight * part, 2)


def _of_member(member: PoolMember, calendar: Calendar, at: datetime, *, role: str) -> Standing:
    standing = _standing(member.rep, calendar, at, role=role)
    idle_since = member.last_assigned_at
    candidate = replace(
        standing.candidate,
        weight=effective_weight(member, at),
        balance=member.balance,
        last_assigned_at=idle_since.isoformat() if idle_since else None,
    )
    return replace(standing, candidate=candidate, member=member)


def _standing(rep: Rep, calendar: Calendar, at: datetime, *, role: str) -> Standing:
    until, away = present_until(calendar, at), is_on_leave(calendar, at)
    candidate = Candidate(
        rep_id=rep.pk,
        user_id=rep.user_id,
        name=str(rep.user),
        role=role,
        is_active=rep.user.is_active,
        is_accepting=rep.is_accepting,
        works_until=until.isoformat() if until else None,
        away_until=away.isoformat() if away else None,
        max_open_leads=rep.max_open_leads,
        max_per_day=rep.max_per_day,
    )
    return Standing(candidate, rep.user, calendar, rep=rep)


def _with_loads(
    standings: list[Standing], at: datetime, facts: Mapping[str, Any], *, counts_all: bool = False
) -> list[Standing]:
    """Count what the caps ask for; called with the locks held, so that the counts see what others committed."""
    kinds = _kinds()
    capped = [one for one in standings if counts_all or _has_cap(one)]
    if not capped and not kinds:
        return standings
    loads = _loads([one.user for one in capped], at) if capped else {}
    found = []
    for one in standings:
        load = loads.get(one.user.pk)
        caps = [*_period_caps(one, load), *_kind_caps(one, kinds.get(one.candidate.rep_id, ()), at, facts)]
        counts: dict[str, Any] = {"open_leads": load.open, "leads_today": load.today} if load else {}
        found.append(replace(one, candidate=replace(one.candidate, caps=caps, **counts)) if counts or caps else one)
    return found


def _has_cap(one: Standing) -> bool:
    rep = one.rep
    most = (rep.max_open_leads, rep.max_per_day, rep.max_per_hour, rep.max_per_week) if rep else ()
    return any(number is not None for number in most)


def _period_caps(one: Standing, load: "Load | None") -> list[tuple[str, int, int]]:
    if load is None or one.rep is None:
        return []
    told = (("hour", load.hour, one.rep.max_per_hour), ("week", load.week, one.rep.max_per_week))
    return [(name, count, most) for name, count, most in told if most is not None]


def _kind_caps(
    one: Standing, kinds: Sequence[Kind], at: datetime, facts: Mapping[str, Any]
) -> list[tuple[str, int, int]]:
    """Caps on leads of a kind, where this lead is of that kind."""
    return [
        (kind.name, _count(one, kind, at), kind.most)
        for kind in kinds
        if kind.condition is not None and kind.condition.holds(facts)
    ]


def _count(one: Standing, kind: Kind, at: datetime) -> int:
    """How many of the kind the rep has, or has received in the period."""
    is_kind = kind.condition.to_q(at) if kind.condition else Q()
    if kind.per == RepCap.Per.OPEN:
        return Lead.objects.working().filter(is_kind, owner=one.user).count()
    since = {
        RepCap.Per.HOUR: at - HOUR,
        RepCap.Per.DAY: day_start(at, one.user.time_zone),
        RepCap.Per.WEEK: week_start(at, one.user.time_zone),
    }[RepCap.Per(kind.per)]
    # Like the caps by period: an hour ago to the instant counts no more, midnight does.
    begun = Q(starts_at__gt=since) if kind.per == RepCap.Per.HOUR else Q(starts_at__gte=since)
    received = Assignment.objects.filter(begun, user=one.user).exclude(reason=Assignment.Reason.HISTORY)
    return Lead.objects.filter(is_kind, pk__in=received.values("lead")).count()


def _loads(users: Sequence[User], at: datetime) -> dict[int, Load]:
    """What reps have and have received, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            LOADS,
            {
                "users": [user.pk for user in users],
                "midnights": [day_start(at, user.time_zone) for user in users],
                "mondays": [week_start(at, user.time_zone) for user in users],
                "hour": at - HOUR,
                "history": Assignment.Reason.HISTORY.value,
            },
        )
        return {row[0]: Load(*row[1:]) for row in cursor.fetchall()}

"""The candidates of one decision as they stand, locked so that balances and caps stay exact."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q

from leads.configuration import Kept
from leads.models import User
from leads.models.lead import WORKING_STAGES
from routing.calendar import Calendar, is_on_leave, present_until
from routing.decide import Candidate
from routing.hours import calendars_of, day_start
from routing.models import Assignment, Pool, PoolMember, Rep

# The stages stand in the text, so that the partial index over leads being worked is found.
LOADS = f"""
    SELECT candidate.id,
           (SELECT count(*) FROM leads_lead
             WHERE owner_id = candidate.id AND stage IN ({", ".join(f"'{stage.value}'" for stage in WORKING_STAGES)})),
           (SELECT count(*) FROM routing_assignment
             WHERE user_id = candidate.id AND starts_at >= candidate.midnight AND reason <> %(history)s::text)
      FROM unnest(%(users)s::bigint[], %(midnights)s::timestamptz[]) AS candidate (id, midnight)
"""  # noqa: S608  # words of our own

_pools = Kept(Pool.objects.in_bulk, "routing_pool")


@dataclass(frozen=True)
class Standing:
    """A candidate with what a certificate does not keep: the rows behind it and the calendar."""

    candidate: Candidate
    user: User
    calendar: Calendar
    member: PoolMember | None = None


def pool_standings(pool_id: int, at: datetime) -> list[Standing]:
    """The pool's members, their shares and reps locked until the transaction ends; nobody if the pool is closed.

    Locks are taken in the order of reps, so that two pools with the same reps cannot wait for each other; the reps are
    locked too, as a cap counts over all pools.
    """
    members = PoolMember.objects.filter(pool=pool_id, pool__is_active=True, left_at__isnull=True)
    known = members.select_related("rep__user").select_for_update(of=("self", "rep"), no_key=True)
    locked = list(known.order_by("rep_id"))
    calendars = calendars_of([member.rep for member in locked], at)
    pool = _pools().get(pool_id)
    for member in locked:
        member.pool = pool or member.pool
    return _with_loads([_of_member(member, calendars[member.rep_id], at) for member in locked], at)


def rep_standings(reps: Q, role: str, at: datetime) -> list[Standing]:
    """Reps named by a rule or by the lead's company, locked."""
    rows = Rep.objects.filter(reps).select_related("user")
    locked = list(rows.select_for_update(of=("self",), no_key=True).order_by("pk"))
    calendars = calendars_of(locked, at)
    return _with_loads([_standing(rep, calendars[rep.pk], at, role=role) for rep in locked], at)


def _of_member(member: PoolMember, calendar: Calendar, at: datetime) -> Standing:
    standing = _standing(member.rep, calendar, at, role="pool")
    idle_since = member.last_assigned_at
    candidate = replace(
        standing.candidate,
        weight=member.weight,
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
    return Standing(candidate, rep.user, calendar)


def _with_loads(standings: list[Standing], at: datetime) -> list[Standing]:
    """Count what the caps ask for; called with the locks held, so that the counts see what others committed."""
    capped = [one for one in standings if _has_cap(one.candidate)]
    if not capped:
        return standings
    loads = _loads([one.user for one in capped], at)
    return [
        replace(one, candidate=replace(one.candidate, **_load(loads, one.user.pk))) if one in capped else one
        for one in standings
    ]


def _has_cap(candidate: Candidate) -> bool:
    return candidate.max_open_leads is not None or candidate.max_per_day is not None


def _load(loads: dict[tuple[int, str], int], user_id: int) -> dict[str, Any]:
    return {"open_leads": loads.get((user_id, "open"), 0), "leads_today": loads.get((user_id, "today"), 0)}


def _loads(users: Sequence[User], at: datetime) -> dict[tuple[int, str], int]:
    """Open leads and leads received since midnight where the rep is, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            LOADS,
            {
                "users": [user.pk for user in users],
                "midnights": [day_start(at, user.time_zone) for user in users],
                "history": Assignment.Reason.HISTORY.value,
            },
        )
        rows = cursor.fetchall()
    return {(user, kind): n for user, held, today in rows for kind, n in (("open", held), ("today", today))}

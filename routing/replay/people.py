"""Who took leads when, and in which pools: from the history of hours, absences, switches, shares and pools.

What was configured before history was kept counts as it was first seen.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.utils.dateparse import parse_datetime

from routing.calendar import Calendar, Shift, windows
from routing.hours import AHEAD, BACK, day_start, holidays_around, known_zone, week_start
from routing.models import ConfigHistory
from routing.replay.tiers import Tier

EVER = datetime(1970, 1, 1, tzinfo=UTC)
Entry = tuple[datetime, Mapping[str, Any] | None]


@dataclass(frozen=True)
class Presence:
    """When a rep took leads: starts and ends of stretches in order."""

    starts: list[datetime]
    ends: list[datetime]

    def takes(self, at: datetime) -> bool:
        """Whether they did at this instant."""
        place = bisect_right(self.starts, at) - 1
        return place >= 0 and at < self.ends[place]


class History:
    """Rows as they were, by table and key."""

    def __init__(self, entries: Iterable[tuple[str, int, Mapping[str, Any] | None, datetime]]) -> None:
        self._rows: dict[str, dict[int, list[Entry]]] = defaultdict(lambda: defaultdict(list))
        for source, row_id, data, at in entries:
            self._rows[source][row_id].append((at, data))

    @classmethod
    def read(cls, until: datetime) -> "History":
        """Everything up to an instant; rows known from the start carry no time of their own."""
        rows = ConfigHistory.objects.filter(at__lt=until) | ConfigHistory.objects.filter(at__isnull=True)
        found = rows.order_by("pk").values_list("source", "row_id", "data", "at")
        return cls((source, row_id, data, at or EVER) for source, row_id, data, at in found)

    def rows(self, source: str) -> Mapping[int, list[Entry]]:
        """The entries of each row of a table, oldest first."""
        return self._rows[source]

    def at(self, source: str, row_id: int, at: datetime) -> Mapping[str, Any] | None:
        """A row as it was; None where it was not."""
        found = None
        for when, data in self._rows[source].get(row_id, ()):
            if when > at:
                break
            found = data
        return found


class People:
    """Reps and pools over a period."""

    def __init__(self, history: History, since: datetime, until: datetime, loads: "Loads | None" = None) -> None:
        self._history, self._since, self._until = history, since, until + timedelta(days=14)
        self._loads = loads or Loads([])
        self.open_then = self._loads.open_then
        self._of_rep = {name: self._grouped(name) for name in ("routing_shift", "routing_absence", "routing_repcap")}
        self._zones: dict[int, str] = {}
        self._presences: dict[int, Presence] = {}
        self._members: dict[int, list[int]] = defaultdict(list)
        for row_id, entries in history.rows("routing_poolmember").items():
            first = next((data for _at, data in entries if data), None)
            if first:
                self._members[first["pool_id"]].append(row_id)
        self._edges: dict[int, list[datetime]] = {}
        self._tiers: dict[tuple[int, int, str], Tier] = {}

    def _grouped(self, source: str) -> dict[int, list[int]]:
        found: dict[int, list[int]] = defaultdict(list)
        for row_id, entries in self._history.rows(source).items():
            first = next((data for _at, data in entries if data), None)
            if first:
                found[first["rep_id"]].append(row_id)
        return found

    def presence(self, rep_id: int) -> Presence:
        """When this rep took leads in the period."""
        if rep_id not in self._presences:
            self._presences[rep_id] = self._presence(rep_id)
        return self._presences[rep_id]

    def _presence(self, rep_id: int) -> Presence:
        starts: list[datetime] = []
        ends: list[datetime] = []
        edges = [self._since, *(at for at in self._changes(rep_id) if self._since < at < self._until), self._until]
        for begin, end in pairwise(edges):
            for start, stop in self._stretches(rep_id, begin, end):
                if ends and start <= ends[-1]:
                    ends[-1] = max(ends[-1], stop)
                else:
                    starts.append(start)
                    ends.append(stop)
        return Presence(starts, ends)

    def _changes(self, rep_id: int) -> list[datetime]:
        keys = [("routing_rep", rep_id), ("leads_user", self._user(rep_id))]
        keys += [(source, row) for source, of_rep in self._of_rep.items() for row in of_rep.get(rep_id, ())]
        return sorted({at for source, row in keys for at, _data in self._history.rows(source).get(row, ())})

    def _user(self, rep_id: int) -> int:
        entries = self._history.rows("routing_rep").get(rep_id, ())
        return next((int(data["user_id"]) for _at, data in entries if data), 0)

    def _stretches(self, rep_id: int, begin: datetime, end: datetime) -> Iterable[tuple[datetime, datetime]]:
        rep = self._history.at("routing_rep", rep_id, begin)
        user = self._history.at("leads_user", self._user(rep_id), begin)
        if rep is None or user is None or not rep["is_accepting"] or not user["is_active"]:
            return []
        return windows([self._calendar(rep_id, rep, user, begin)], begin, end)

    def _calendar(self, rep_id: int, rep: Mapping[str, Any], user: Mapping[str, Any], at: datetime) -> Calendar:
        shifts = [
            Shift(row["weekday"], time.fromisoformat(row["starts_at"]), time.fromisoformat(row["ends_at"]))
            for row in self._rows_at("routing_shift", rep_id, at)
        ]
        absences = []
        for row in self._rows_at("routing_absence", rep_id, at):
            start, stop = parse_datetime(row["starts_at"]), parse_datetime(row["ends_at"])
            if start and stop and stop > at - BACK and start < at + AHEAD:
                absences.append((start, stop))
        holidays = holidays_around(rep.get("holiday_region") or "", at)
        return Calendar(known_zone(user["time_zone"]), tuple(shifts), tuple(absences), holidays)

    def _rows_at(self, source: str, rep_id: int, at: datetime) -> list[Mapping[str, Any]]:
        rows = (self._history.at(source, row, at) for row in self._of_rep[source].get(rep_id, ()))
        return [row for row in rows if row]

    def rep(self, rep_id: int, at: datetime) -> Mapping[str, Any] | None:
        """A rep's row as it was."""
        return self._history.at("routing_rep", rep_id, at)

    def received_since(self, rep_id: int, since: datetime, at: datetime) -> int:
        """Leads that the rep received in history from ``since`` to ``at``."""
        return self._loads.received(rep_id, since, at)

    def begin_of(self, rep_id: int, per: str, at: datetime) -> datetime:
        """After which instant a cap counts: an hour ago, or just before midnight or Monday where the rep is."""
        if per == "hour":
            return at - timedelta(hours=1)
        zone = self._zones.get(rep_id)
        if zone is None:
            user = self._history.at("leads_user", self._user(rep_id), at)
            zone = self._zones[rep_id] = str(user["time_zone"]) if user else "UTC"
        return (day_start(at, zone) if per == "day" else week_start(at, zone)) - timedelta(microseconds=1)

    def kind_caps(self, rep_id: int, at: datetime) -> list[Mapping[str, Any]]:
        """Caps on leads of a kind that the rep had: id, condition, per, most."""
        rows = self._of_rep["routing_repcap"].get(rep_id)
        if not rows:
            return []
        found = ((row, self._history.at("routing_repcap", row, at)) for row in rows)
        return [{"id": row, **data} for row, data in found if data]

    def kind_conditions(self) -> dict[int, Mapping[str, Any]]:
        """Every kind that was ever capped, with its last condition."""
        rows = self._history.rows("routing_repcap")
        return {row: last["condition"] for row, entries in rows.items() if (last := _last(entries))}

    def rep_of_user(self, user_id: int) -> int | None:
        """The rep behind a user."""
        for rep_id, entries in self._history.rows("routing_rep").items():
            if any(data and data["user_id"] == user_id for _at, data in entries):
                return rep_id
        return None

    def strategy(self, pool_id: int, at: datetime) -> str:
        """How a pool shared out; empty where it was closed."""
        pool = self._history.at("routing_pool", pool_id, at)
        return str(pool["strategy"]) if pool and pool["is_active"] else ""

    def pool_tier(self, pool_id: int, role: str, at: datetime) -> Tier:
        """Who of a pool took leads at this instant."""
        edges = self._edges.get(pool_id)
        if edges is None:
            edges = self._edges[pool_id] = self._pool_edges(pool_id)
        key = (pool_id, bisect_right(edges, at), role)
        if key not in self._tiers:
            self._tiers[key] = self._pool_tier(pool_id, role, at)
        return self._tiers[key]

    def _pool_edges(self, pool_id: int) -> list[datetime]:
        """The instants between which nothing about a pool changes; with somebody who ramps up, every day is one."""
        found: set[datetime] = set()
        for row in self._members[pool_id]:
            entries = self._history.rows("routing_poolmember")[row]
            found |= {at for at, _data in entries}
            data = next(data for _at, data in entries if data)
            presence = self.presence(data["rep_id"])
            found |= {*presence.starts, *presence.ends}
            if any(one and one.get("ramp_days") for _at, one in entries):
                days = (self._until - self._since).days + 1
                joined = parse_datetime(str(data.get("joined_at"))) or self._since
                found |= {joined + timedelta(days=day) for day in range(days + 400)}
            if joined_at := parse_datetime(str(data.get("joined_at"))):
                found.add(joined_at)
        found |= {at for at, _data in self._history.rows("routing_pool").get(pool_id, ())}
        return sorted(found)

    def _pool_tier(self, pool_id: int, role: str, at: datetime) -> Tier:
        members = []
        if self.strategy(pool_id, at):
            for row in self._members[pool_id]:
                data = self._history.at("routing_poolmember", row, at)
                if data and data["left_at"] is None and self.presence(data["rep_id"]).takes(at):
                    weight = _weight(data, at)
                    if weight:
                        members.append((int(data["rep_id"]), weight, 0))
        return Tier.of(role, sorted(members))

    def next_change(self, pool_ids: Sequence[int], at: datetime) -> datetime | None:
        """When somebody may next be there who was not."""
        times = []
        for pool_id in pool_ids:
            self.pool_tier(pool_id, "pool", at)
            edges = self._edges[pool_id]
            place = bisect_right(edges, at)
            if place < len(edges):
                times.append(edges[place])
        return min(times, default=None)


def _last(entries: Sequence[Entry]) -> Mapping[str, Any] | None:
    return next((data for _at, data in reversed(entries) if data), None)


def _weight(data: Mapping[str, Any], at: datetime) -> int:
    """A member's weight in hundredths, as it counted then; nothing before they joined."""
    weight = Decimal(str(data["weight"]))
    joined_at = parse_datetime(str(data.get("joined_at")))
    if joined_at and joined_at > at:
        return 0
    days = data.get("ramp_days")
    if days and joined_at:
        start = Decimal(str(data["ramp_from"]))
        weight *= start + (1 - start) * min(Decimal((at - joined_at).days) / days, Decimal(1))
    return int(round(weight, 2) * 100)


class Loads:
    """How many leads reps had and received, from the assignments of the period."""

    def __init__(self, assignments: Iterable[tuple[int, datetime, datetime | None]]) -> None:
        starts: dict[int, list[datetime]] = defaultdict(list)
        ends: dict[int, list[datetime]] = defaultdict(list)
        for rep_id, start, end in assignments:
            starts[rep_id].append(start)
            if end is not None:
                ends[rep_id].append(end)
        self._starts = {rep: sorted(times) for rep, times in starts.items()}
        self._ends = {rep: sorted(times) for rep, times in ends.items()}

    def open_then(self, rep_id: int, at: datetime) -> int:
        """Leads that the rep had."""
        return bisect_right(self._starts.get(rep_id, []), at) - bisect_right(self._ends.get(rep_id, []), at)

    def received(self, rep_id: int, since: datetime, at: datetime) -> int:
        """Leads received after ``since``, up to ``at``."""
        starts = self._starts.get(rep_id, [])
        return bisect_right(starts, at) - bisect_right(starts, since)

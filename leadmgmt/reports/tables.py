"""The reports as plain tables: for the CSV file and for programs, the same figures as on the page."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from math import isinf
from typing import Any

from leadmgmt.reports.attribution import MODELS, attribution
from leadmgmt.reports.by_criteria import by_criteria
from leadmgmt.reports.by_source import by_source
from leadmgmt.reports.clocks import TICKS, Clock, clocks
from leadmgmt.reports.compared import compared_tables
from leadmgmt.reports.filters import Filters
from leadmgmt.reports.funnel import Funnel, funnel
from leadmgmt.reports.further_tables import nurture_tables, scoring_tables, sync_tables
from leadmgmt.reports.leak_history import Flow, history
from leadmgmt.reports.leaks import leaks
from leadmgmt.reports.morning import morning
from leadmgmt.reports.sources import sources
from leadmgmt.reports.speed import Line, speed
from leadmgmt.reports.statistics import Interval
from leadmgmt.reports.table import Table
from leadmgmt.reports.team import team
from leadmgmt.reports.work import WorkLine, work


def funnel_tables(filters: Filters, _params: Mapping[str, str]) -> list[Table]:
    """Steps, then sources. Times in seconds, rates as shares."""
    found = funnel(filters)
    steps = [
        {
            "stage": step.stage,
            "leads": step.count,
            "rate_to_next": step.rate,
            "median_seconds_to_next": step.median,
            "change_against_previous": step.change.points if step.change else None,
            "change_is_noise": step.change.is_noise if step.change else None,
            **{way: next((one.count for one in step.exits if one.ending == way), 0) for way in WAYS},
            "url": step.url,
        }
        for step in found.steps
    ]
    total = found.total
    whole = {
        "captured": total.captured,
        "won": total.won,
        "overall_rate": found.overall,
        "median_seconds_captured_to_won": total.whole,
        "recycled": total.recycled,
        "came_back": total.returned,
        "came_back_sql": total.returned_sql,
        "came_back_won": total.returned_won,
        "revenue": _number(total.revenue),
    }
    lines = [
        {
            # Null: no source was given. A source that is called unknown has a name.
            "source": line.name or None,
            "slug": line.slug if line.name else None,
            "captured": line.line.captured,
            "mql": line.line.mql,
            "sql": line.line.sql,
            "opportunity": line.line.opportunity,
            "won": line.line.won,
            "captured_to_sql": line.to_sql,
            "captured_to_won": line.line.won / line.line.captured,
            **_interval("captured_to_sql", line.interval),
            "median_seconds_captured_to_won": line.line.whole,
            "revenue": _number(line.revenue),
        }
        for line in by_source(found)
    ]
    return [Table("steps", steps), Table("total", [whole]), _criteria_table(found), Table("sources", lines)]


def _criteria_table(found: Funnel) -> Table:
    """Which version made how many MQLs and SQLs; null: none, a person moved them, or they were brought in."""
    rows = [
        {
            "stage": line.stage,
            "criteria": line.name or None,
            "since": line.since,
            "leads": line.count,
            "share": line.share,
        }
        for line in by_criteria(found)
    ]
    return Table("criteria", rows)


WAYS = ("recycled", "disqualified", "open")


def speed_tables(filters: Filters, _params: Mapping[str, str]) -> list[Table]:
    """All, by rep, by source, by hour of the week. Seconds; null where most were never touched."""
    found = speed(filters)
    notified = found.notified
    hours = [{"weekday": day, "hour": hour, **_promises(line)} for (day, hour), line in sorted(found.hours.items())]
    told = {
        "notified_at_once": notified.told,
        "waited_for_a_rep": notified.waited,
        "p50_seconds": _number(notified.p50),
        "p95_seconds": _number(notified.p95),
        "p99_seconds": _number(notified.p99),
    }
    return [
        Table("total", [_promises(found.total)]),
        Table("reps", [{"rep": entry.name or None, **_promises(entry.line)} for entry in found.by_rep]),
        Table("sources", [{"source": entry.name or None, **_promises(entry.line)} for entry in found.by_source]),
        Table("hours", hours),
        Table("captured_to_notified", [told]),
        Table("clocks", [_clock(one) for one in clocks(filters)]),
        Table("steps", [{**asdict(one), "share_within_minute": one.share} for one in found.steps]),
        Table("broken", [{"cause": one.cause, "leads": one.count, "share": one.share} for one in found.broken]),
        *compared_tables("speed", filters),
    ]


def _clock(one: Clock) -> dict[str, Any]:
    return {
        "clock": one.clock,
        "leads": one.leads,
        "done": one.done,
        "running": one.running,
        "never": one.never,
        "p50_seconds": one.p50,
        "p90_seconds": one.p90,
        "p99_seconds": one.p99,
        **{f"share_within_{tick}_seconds": share for tick, share in zip(TICKS, one.shares, strict=True)},
    }


def sources_tables(filters: Filters, params: Mapping[str, str]) -> list[Table]:
    """Volume, cost and return by source or campaign."""
    level = "campaign" if params.get("level") == "campaign" else "source"
    found = sources(filters, level)
    lines = [
        {
            level: line.name or None,
            "captured": line.line.captured,
            "mql": line.line.mql,
            "sql": line.line.sql,
            "opportunity": line.line.opportunity,
            "won": line.line.won,
            **_interval("win_rate", line.win_rate),
            "rank": line.rank,
            "cost": _number(line.cost),
            "cost_per_lead": _number(line.per_lead),
            "cost_per_mql": _number(line.per_mql),
            "cost_per_sql": _number(line.per_sql),
            "cost_per_win": _number(line.per_win),
            "revenue": _number(line.revenue),
            "return": line.returned,
            **_interval("return", line.return_interval),
            "verdict": line.verdict,
        }
        for line in found.lines
    ]
    return [Table(f"{level}s", lines), *compared_tables("sources", filters)]


def team_tables(filters: Filters, _params: Mapping[str, str]) -> list[Table]:
    """SDRs, then AEs."""
    found = team(filters)
    sdrs = [
        {
            "sdr": str(line.user),
            "external_id": line.user.external_id if line.user else None,
            "leads": line.received.leads,
            "promises_kept": line.received.kept,
            "promises": line.received.promised,
            "median_seconds_to_touch": _number(line.received.p50),
            "sql": line.received.sqls,
            "opportunities": line.deals.count,
            "accepted": line.deals.accepted,
            "refused": line.deals.refused,
            "won": line.deals.won,
            "revenue": _number(line.deals.revenue),
        }
        for line in found.sdrs
    ]
    aes = [
        {
            "ae": str(line.user),
            "external_id": line.user.external_id if line.user else None,
            "opportunities": line.deals.count,
            "offered": line.deals.offered,
            "accepted": line.deals.accepted,
            "refused": line.deals.refused,
            "median_seconds_to_decision": _number(line.deals.decision),
            "open": line.deals.open,
            "won": line.deals.won,
            "lost": line.deals.lost,
            "win_rate": line.deals.win_rate,
            **_interval("win_rate", line.deals.win_interval),
            "revenue": _number(line.deals.revenue),
        }
        for line in found.aes
    ]
    spread = [_work(line) for line in work(filters)]
    return [Table("sdrs", sdrs), Table("aes", aes), Table("work", spread), *compared_tables("team", filters)]


def _work(line: WorkLine) -> dict[str, Any]:
    order = line.turns
    return {
        "rep": str(line.user),
        "external_id": line.user.external_id,
        "leads_at_hand_now": line.has,
        "calls": line.done.calls,
        "mails": line.done.mails,
        "meetings": line.done.meetings,
        "leads_worked": line.done.leads,
        "due_from_pools": _number(line.due.due if line.due else None),
        "got_from_pools": _number(line.due.got if line.due else None),
        "first_touches": order.touches if order else 0,
        "out_of_turn": order.out_of_turn if order else 0,
        "cherry_picking_index": order.index if order else None,
        **_interval("cherry_picking_index", order.interval if order else None),
    }


def attribution_tables(filters: Filters, params: Mapping[str, str]) -> list[Table]:
    """Revenue of the deals that closed in the period, by source or campaign and by model."""
    level = "campaign" if params.get("level") == "campaign" else "source"
    found = attribution(filters, level)
    lines = [
        {
            level: line.name or None,
            "won_deals_touched": line.touched,
            **{
                name: value
                for model, one in zip(MODELS, line.estimates, strict=True)
                for name, value in ((model, float(one.amount)), *_interval(model, one.interval).items())
            },
            "group": line.group,
            "cost": _number(line.cost),
        }
        for line in found.channels
    ]
    whole = {"deals": found.deals, "won": found.wins, "revenue": float(found.revenue)}
    return [Table("total", [whole]), Table(f"{level}s", lines), *compared_tables("attribution", filters)]


def leaks_tables(filters: Filters, _params: Mapping[str, str]) -> list[Table]:
    """Leads that run out now, by way. Expected value in the organisation's currency."""
    found = leaks(filters)
    lines = [
        {
            "leak": one.kind,
            "leads": one.count,
            "oldest": one.oldest,
            "expected_value": _number(one.value),
            "url": one.url,
        }
        for one in found.leaks
    ]
    tables = [Table("total", [{"leads": found.total, "working": found.working}]), Table("leaks", lines)]
    past = history(filters)
    if past is None:
        return tables
    flows = [{"leak": one.kind, "before": one.before, **_parts(one)} for one in past.flows]
    course = [{"day": day.isoformat(), "leads": count} for day, count in past.course]
    return [*tables, Table("period", flows), Table("course", course), *compared_tables("leaks", filters)]


def _parts(flow: Flow) -> dict[str, int]:
    return {"came": flow.came, "stopped": flow.stopped, "left": flow.left}


def morning_tables(filters: Filters, _params: Mapping[str, str]) -> list[Table]:
    """The last working day beside its usual, and what needs somebody."""
    found = morning(filters)
    measures = [
        {"figure": one.kind, "day": found.day, "count": one.count, "usual": one.usual, "verdict": one.verdict or None}
        for one in found.measures
    ]
    needs = [{"leak": one.kind, "leads": one.count, "oldest": one.oldest, "url": one.url} for one in found.needs]
    return [Table("changed", measures), Table("needs", needs)]


TABLES: dict[str, Callable[[Filters, Mapping[str, str]], list[Table]]] = {
    "funnel": funnel_tables,
    "speed": speed_tables,
    "sources": sources_tables,
    "attribution": attribution_tables,
    "leaks": leaks_tables,
    "morning": morning_tables,
    "scoring": scoring_tables,
    "nurture": nurture_tables,
    "sync": sync_tables,
    "team": team_tables,
}


def _promises(line: Line) -> dict[str, Any]:
    return {
        "promised": line.promised,
        "kept": line.kept,
        "late": line.late,
        "never": line.never,
        "running": line.running,
        "share_kept": line.share,
        **_interval("share_kept", line.interval),
        "p50_seconds": _number(line.p50),
        "p90_seconds": _number(line.p90),
        "p99_seconds": _number(line.p99),
    }


def _interval(name: str, found: Interval | None) -> dict[str, float | None]:
    return {f"{name}_low": found.low if found else None, f"{name}_high": found.high if found else None}


def _number(value: Any) -> float | None:
    return None if value is None or isinf(value) else float(value)

"""Scoring, sync and nurture as plain tables."""

from collections.abc import Mapping

from leadmgmt.reports.compared import compared_tables
from leadmgmt.reports.filters import Filters
from leadmgmt.reports.nurturing import nurturing
from leadmgmt.reports.scoring import scoring
from leadmgmt.reports.syncing import syncing
from leadmgmt.reports.table import Table


def scoring_tables(filters: Filters, _params: Mapping[str, str]) -> list[Table]:
    """Grades and letters, then the chances."""
    found = scoring(filters)
    cells = [*found.cells.values(), *found.letters]
    grades = [
        {"grade": one.grade, "leads": one.leads, "sql": one.sql, "won": one.won, "share_sql": one.rate} for one in cells
    ]
    bands = [
        {"band": one.band, "leads": one.leads, "expected": one.expected, "won": one.won, "fits": one.fits}
        for one in found.bands
    ]
    return [Table("grades", grades), Table("chances", bands), *compared_tables("scoring", filters)]


def sync_tables(filters: Filters, _params: Mapping[str, str]) -> list[Table]:
    """By CRM, then by day. Times in seconds."""
    found = syncing(filters)
    lines = [
        {
            "crm": one.connection.slug,
            "sent": one.sent,
            "sent_p50_seconds": one.sent_p50,
            "sent_p99_seconds": one.sent_p99,
            "sent_within_minute": one.within_minute,
            "tries": one.tries,
            "came": one.came,
            "came_p50_seconds": one.came_p50,
            "came_p99_seconds": one.came_p99,
            "known": one.known,
            "held": one.held,
            "stuck": one.stuck_total,
            "conflicts": sum(count for _rule, count in one.conflicts),
        }
        for one in found.lines
    ]
    days = [{"day": day, "sent": count} for day, count in found.days]
    return [Table("crms", lines), Table("days", days), *compared_tables("sync", filters)]


def nurture_tables(filters: Filters, _params: Mapping[str, str]) -> list[Table]:
    """By reason, then by programme."""
    found = nurturing(filters)
    reasons = [
        {
            "reason": one.reason.code,
            "kind": one.reason.kind,
            "leads": one.slept,
            "asleep": one.asleep,
            "woken": one.woken,
            "returned": one.returned,
            "stopped": one.stopped,
            "won": one.won,
        }
        for one in found.reasons
    ]
    programmes = [
        {
            "programme": one.programme.name,
            "written_to": one.worth.written.leads if one.worth else 0,
            "written_to_returned": one.worth.written.returned if one.worth else 0,
            "held_out": one.worth.held_out.leads if one.worth else 0,
            "held_out_returned": one.worth.held_out.returned if one.worth else 0,
            "times_as_often": one.worth.lift if one.worth and one.worth.says else None,
        }
        for one in found.lines
    ]
    return [Table("reasons", reasons), Table("programmes", programmes), *compared_tables("nurture", filters)]

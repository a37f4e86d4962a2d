"""Doors for the queue: each takes keys, calls one service and says in a few words what was done."""

from crmsync.services import convert, drift, hints, pull, push
from crmsync.services import dry_run as planned


def push_connection(connection_id: int) -> str:
    """Send what waits for this CRM."""
    return push.push_connection(connection_id)


def pull_connection(connection_id: int) -> str:
    """Read what changed in this CRM."""
    return pull.pull_connection(connection_id)


def pull_record(connection_id: int, remote_id: str) -> str:
    """Read one record that a hint named."""
    return pull.pull_record(connection_id, remote_id)


def follow_hints(connection_id: int) -> str:
    """Read the records that webhooks named."""
    return hints.follow_hints(connection_id)


def dry_run(run_id: int) -> str:
    """Plan what a connection would write."""
    return planned.carry_out(run_id)


def reconcile_connection(connection_id: int) -> str:
    """Compare both sides."""
    return drift.compare(connection_id)


def apply_inbox(connection_id: int) -> str:
    """Apply what was read and not applied yet."""
    return f"{pull.apply_inbox(connection_id)} applied"


def convert_waiting(lead_id: int) -> str:
    """Try a conversion again that found no AE."""
    return convert.retry_conversion(lead_id)

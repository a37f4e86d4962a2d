"""Doors for the queue: a primary key in, one service called, a short word out."""

from routing.services import replays
from routing.services.deliver import deliver


def deliver_notification(notification_id: int) -> str:
    """Send one e-mail."""
    return deliver(notification_id)


def run_replay(run_id: int) -> str:
    """Make past decisions again by another version of the rules."""
    return replays.run_replay(run_id)

"""How many calls of the day a CRM has left, as it says itself, and what waits when there are few (CRM_CONTRACT 5.4).

A day's calls are shared with everybody who uses the CRM. What people do goes as long as any are left. Deals that were
there before their connection stop at half of them, and reading takes no more than its share: a poll every 15 seconds
with four calls would be 23,000 calls a day, more than a small Salesforce organisation has.
"""

from datetime import timedelta

from django.db.models import F, Q, QuerySet

from crmsync.adapters.wire import limits_told
from crmsync.models import Connection
from leadmgmt.core.now import now

# Below this share of the day's calls nothing is brought up to date; below the other one an admin is told.
RESERVE, SCARCE = 0.5, 0.1
# Polls take at most this share of a day's calls.
READING = 0.3
DAY = 86_400
# However few they are: one poll that had much to read would make the next one wait for hours.
LONGEST_PAUSE = 300.0
# What was told longer ago says nothing: a call finds out.
KNOWN = timedelta(hours=1)
POLL_SECONDS = 15


def note(connection: Connection) -> None:
    """Keep what the CRM has told with the answers of this job; nothing where it told nothing."""
    limits = limits_told()
    if limits is None:
        return
    told: dict[str, object] = {"told_rate": limits.per_second} if limits.per_second else {}
    if limits.left is not None and limits.most:
        told |= {"quota_left": limits.left, "quota_most": limits.most, "quota_at": now()}
    Connection.objects.filter(pk=connection.pk).update(**told)
    for name, value in told.items():
        setattr(connection, name, value)


def may_fill(connection: Connection) -> bool:
    """Whether deals that were there before may be sent: nobody has said wait, and more than half of the day is left."""
    return connection.is_filling and not _is_below(connection, RESERVE)


def is_scarce(connection: Connection) -> bool:
    """Whether the day's calls run out."""
    return _is_below(connection, SCARCE)


def _is_below(connection: Connection, share: float) -> bool:
    left, most, told_at = connection.quota_left, connection.quota_most, connection.quota_at
    if left is None or most is None or told_at is None:
        return False
    return told_at > now() - KNOWN and left < share * most


def not_filling() -> QuerySet[Connection]:
    """Connections where what was there before has to wait."""
    is_low = Q(quota_left__lt=F("quota_most") * RESERVE, quota_at__gt=now() - KNOWN)
    return Connection.objects.filter(Q(is_filling=False) | is_low)


def poll_pause(connection: Connection) -> timedelta:
    """How long after a poll the next one is due: as configured, or longer where polls would take too much of a day."""
    configured = float(connection.config.get("poll_seconds", POLL_SECONDS))
    fair = connection.poll_calls * DAY / (READING * connection.quota_most) if connection.quota_most else 0.0
    return timedelta(seconds=max(configured, min(fair, LONGEST_PAUSE)))

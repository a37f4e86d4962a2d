"""How fast a CRM may be called: a token bucket per connection and scope, shared by all workers.

A limit that the CRM names empties the bucket and halves its rate, and every quiet while lets it grow again. A
connection without a limit has no bucket until the CRM complains for the first time.
"""

import time
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from crmsync.adapters.base import Capabilities
from crmsync.models import Connection, RateBucket
from leadmgmt.core.now import now

CALLS, SEARCH = "calls", "search"
# After a first complaint of a CRM that has told no limit.
FIRST_RATE = 5.0
LEAST_RATE = 0.2
FREE_AGAIN = 50.0
QUIET = timedelta(seconds=10)
GROWTH = 1.25
# So many calls may come at once.
BURST_SECONDS = 2.0
# A worker waits so many seconds for its turn; beyond that it makes room for others, and the clock comes back.
LONGEST_WAIT = 1.0


def limit_of(can: Capabilities, scope: str) -> float | None:
    """What the vendor allows a second, None where it does not say."""
    return can.searches_per_second if scope == SEARCH else can.calls_per_second


def take(connection: Connection, can: Capabilities, scope: str, at: datetime) -> float:
    """A turn for one call: the seconds until it comes, 0 for now. Call it with no transaction open.

    Beyond LONGEST_WAIT no turn is kept: ask again then.
    """
    limit = limit_of(can, scope)
    if limit is None and not RateBucket.objects.filter(connection=connection, scope=scope).exists():
        return 0.0
    with transaction.atomic():
        bucket = _locked(connection, scope, limit or FIRST_RATE, at)
        _refill(bucket, limit, at)
        wait = max(0.0, (1 - bucket.tokens) / bucket.rate)
        if limit is None and bucket.rate >= FREE_AGAIN:
            bucket.delete()
            return 0.0
        if wait <= LONGEST_WAIT:
            bucket.tokens -= 1
        bucket.save()
    return wait


def turn(connection: Connection, can: Capabilities, scope: str) -> bool:
    """Wait for a turn if it comes soon; False where it does not, and the caller makes room for others."""
    wait = take(connection, can, scope, now())
    if 0 < wait <= LONGEST_WAIT:
        time.sleep(wait)
    return wait <= LONGEST_WAIT


def charge(connection: Connection, scope: str, calls: int, since: datetime) -> None:
    """What a turn that began at ``since`` has cost beyond its one call; the next one waits for it.

    A complaint of the CRM has set the bucket already.
    """
    if calls > 0:
        quiet = Q(complained_at=None) | Q(complained_at__lt=since)
        buckets = RateBucket.objects.filter(quiet, connection=connection, scope=scope)
        buckets.update(tokens=F("tokens") - calls)


def complain(connection: Connection, can: Capabilities, scope: str, seconds: float, at: datetime) -> None:
    """The CRM said “too many”: nothing goes for ``seconds``, then half as fast as before."""
    with transaction.atomic():
        bucket = _locked(connection, scope, limit_of(can, scope) or FIRST_RATE, at)
        bucket.rate = max(LEAST_RATE, bucket.rate / 2)
        # An empty bucket that is refilled to one call when the wait is over.
        bucket.tokens = 1 - seconds * bucket.rate
        bucket.refilled_at = bucket.complained_at = at
        bucket.save()


def _locked(connection: Connection, scope: str, rate: float, at: datetime) -> RateBucket:
    fresh = {"rate": rate, "tokens": rate * BURST_SECONDS, "refilled_at": at}
    RateBucket.objects.get_or_create(connection=connection, scope=scope, defaults=fresh)
    return RateBucket.objects.select_for_update().get(connection=connection, scope=scope)


def _refill(bucket: RateBucket, limit: float | None, at: datetime) -> None:
    passed = max(0.0, (at - bucket.refilled_at).total_seconds())
    bucket.tokens = min(max(1.0, bucket.rate * BURST_SECONDS), bucket.tokens + passed * bucket.rate)
    bucket.refilled_at = max(bucket.refilled_at, at)
    if bucket.complained_at is not None and at - bucket.complained_at >= QUIET:
        bucket.rate = min(limit or FREE_AGAIN, bucket.rate * GROWTH)
        bucket.complained_at = at

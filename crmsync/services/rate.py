"""How fast a CRM may be called: a token bucket per connection and scope, shared by all workers.

A complaint of the CRM empties the bucket for as long as it asks, unless it is a short one that stands alone among
answered calls: that holds back only the call it was about. How fast the bucket fills is judged every few seconds by
the share of calls that the CRM complained about: many, and it goes down to what was taken; few, and it grows. To halve
it at each complaint would end at less than a call a second with a CRM that refuses one call of thirty at random.
A connection without a limit has no bucket until the CRM complains for the first time.
"""

import time
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from crmsync.adapters.base import Capabilities
from crmsync.models import Connection, RateBucket
from leadmgmt.core.now import now
from leadmgmt.core.rows import locked_row

CALLS, SEARCH, FILLING = "calls", "search", "filling"
# Deals that were there before take at most this share of the calls.
SHARE_TO_FILL = 0.3
# After a first complaint of a CRM that has told no limit.
FIRST_RATE = 25.0
LEAST_RATE = 0.2
FREE_AGAIN = 50.0
# How often the rate is judged, and by which shares of the calls that the CRM complained about.
PERIOD = timedelta(seconds=5)
MANY, FEW = 0.1, 0.05
# So many complaints about most of the calls are judged at once.
FLOOD = 3
# A complaint of so many seconds at most may stand alone.
SHORT = 2.0
GROWTH, MOST_PERIODS = 1.25, 24
# A little less than what the CRM took.
CAREFUL = 0.9
# So many calls may come at once.
BURST_SECONDS = 2.0
# A worker waits so many seconds for its turn; beyond that it makes room for others, and the clock comes back.
LONGEST_WAIT = 2.0


def limit_of(connection: Connection, can: Capabilities, scope: str) -> float | None:
    """What the vendor allows a second, as it tells with its answers or is known to; None where neither says."""
    if scope == SEARCH:
        return can.searches_per_second
    limit = connection.told_rate or can.calls_per_second
    return limit * SHARE_TO_FILL if limit and scope == FILLING else limit


def take(connection: Connection, can: Capabilities, scope: str, at: datetime) -> float:
    """A turn for one call: the seconds until it comes, 0 for now. Call it with no transaction open.

    Beyond LONGEST_WAIT no turn is kept: ask again then.
    """
    limit = limit_of(connection, can, scope)
    if limit is None and not RateBucket.objects.filter(connection=connection, scope=scope).exists():
        return 0.0
    with transaction.atomic():
        bucket = _locked(connection, scope, limit or FIRST_RATE, at)
        _refill(bucket, at)
        _judge(bucket, limit, at)
        wait = max(0.0, (1 - bucket.tokens) / bucket.rate)
        if limit is None and bucket.rate >= FREE_AGAIN:
            bucket.delete()
            return 0.0
        if wait <= LONGEST_WAIT:
            bucket.tokens -= 1
            bucket.calls += 1
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
        buckets.update(tokens=F("tokens") - calls, calls=F("calls") + calls)


def complain(connection: Connection, can: Capabilities, scope: str, seconds: float, at: datetime) -> None:
    """The CRM said “too many”: nothing goes for ``seconds``, and slower from then on if it says so often."""
    limit = limit_of(connection, can, scope)
    with transaction.atomic():
        bucket = _locked(connection, scope, limit or FIRST_RATE, at)
        bucket.complaints += 1
        bucket.calls = max(bucket.calls, bucket.complaints)
        is_alone = seconds <= SHORT and bucket.complaints <= max(1.0, MANY * bucket.calls)
        _judge(bucket, limit, at)
        # An empty bucket that is refilled to one call when the wait is over; what others were told before stays true.
        ready_at = bucket.refilled_at + timedelta(seconds=(1 - bucket.tokens) / bucket.rate)
        wait = max(seconds, (ready_at - at).total_seconds())
        if not is_alone:
            bucket.tokens = 1 - wait * bucket.rate
            bucket.refilled_at = at
        bucket.complained_at = at
        bucket.save()


def _locked(connection: Connection, scope: str, rate: float, at: datetime) -> RateBucket:
    fresh = {"rate": rate, "tokens": rate * BURST_SECONDS, "refilled_at": at, "judged_at": at}
    # One that is free again is removed while others ask for it.
    return locked_row(RateBucket, connection=connection, scope=scope, made_with=fresh)


def _refill(bucket: RateBucket, at: datetime) -> None:
    passed = max(0.0, (at - bucket.refilled_at).total_seconds())
    bucket.tokens = min(max(1.0, bucket.rate * BURST_SECONDS), bucket.tokens + passed * bucket.rate)
    bucket.refilled_at = max(bucket.refilled_at, at)


def _judge(bucket: RateBucket, limit: float | None, at: datetime) -> None:
    """Set the rate by what became of the calls since it was judged last."""
    span, before = at - bucket.judged_at, bucket.rate
    is_flood = bucket.complaints >= FLOOD and bucket.complaints * 2 > bucket.calls
    if span < PERIOD and not is_flood:
        return
    if bucket.complaints > MANY * bucket.calls:
        taken = 0.0 if is_flood else CAREFUL * (bucket.calls - bucket.complaints) / span.total_seconds()
        bucket.rate = max(LEAST_RATE, bucket.rate / 2, min(taken, bucket.rate))
    elif bucket.complaints <= FEW * bucket.calls:
        periods = min(span // PERIOD, MOST_PERIODS)
        bucket.rate = min(limit or FREE_AGAIN, bucket.rate * GROWTH**periods)
    bucket.rate = min(bucket.rate, limit or bucket.rate)
    if bucket.tokens < 1:
        # Who was told to wait is not told anew.
        bucket.tokens = 1 - (1 - bucket.tokens) * bucket.rate / before
    bucket.judged_at, bucket.calls, bucket.complaints = at, 0, 0

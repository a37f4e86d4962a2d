"""How much a provider may still be asked: its questions a minute, and its budget a month."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import QuerySet, Sum

from leadmgmt.core.kept_words import worded
from leads.models import EnrichmentRequest, Provider

MINUTE = timedelta(minutes=1)
UNLIMITED = 10_000
# Questions that nobody could pay for are not kept waiting for the next month.
SPENT = worded("The budget of this month is spent.")


def spent_this_month(provider: Provider, at: datetime) -> Decimal:
    """What its answers have cost since the month began (UTC)."""
    begin = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    rows = EnrichmentRequest.objects.filter(provider=provider, finished_at__gte=begin)
    return rows.aggregate(total=Sum("cost"))["total"] or Decimal(0)


def allowance(provider: Provider, at: datetime) -> int:
    """How many questions may be asked now. With a spent budget none, and those that wait are given up.

    Within the caller's transaction. One job claims at a time, so that the minute is counted right.
    """
    most = UNLIMITED
    if provider.rate_per_minute is not None:
        lately = EnrichmentRequest.objects.filter(provider=provider, started_at__gt=at - MINUTE).count()
        most = max(0, provider.rate_per_minute - lately)
        if most == 0:
            _put_off(provider, at)
    if provider.budget is not None and provider.price > 0:
        left = provider.budget - spent_this_month(provider, at)
        affordable = max(0, int(left / provider.price))
        if affordable == 0:
            _give_up(provider, at)
        # Those that are being asked may cost as much; whether they do is known when they have answered.
        running = EnrichmentRequest.objects.filter(provider=provider, status=EnrichmentRequest.Status.RUNNING)
        most = max(0, min(most, affordable - running.count()))
    return most


def _waiting(provider: Provider) -> QuerySet[EnrichmentRequest]:
    return EnrichmentRequest.objects.filter(provider=provider, status=EnrichmentRequest.Status.WAITING)


def _put_off(provider: Provider, at: datetime) -> None:
    """The minute is used up: the others wait for the next, their leads go on at the deadline."""
    _waiting(provider).filter(next_try_at__isnull=True).update(
        next_try_at=at + timedelta(seconds=5),
        error=worded("Put off: as many questions as allowed were asked this minute."),
    )


def _give_up(provider: Provider, at: datetime) -> None:
    _waiting(provider).update(status=EnrichmentRequest.Status.EMPTY, finished_at=at, error=SPENT)

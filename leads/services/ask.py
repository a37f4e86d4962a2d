"""Asking providers over the network: claim, call with no transaction open, record.

One job asks all providers for everybody who waits. Threads make the calls, none of them touches the database. So a
provider that hangs holds up one worker at most, and no other provider; after some failures in a row nobody asks it for
a while.
"""

import logging
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from traceback import extract_tb
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q

from leadmgmt.core.errors import ConfigurationError, PermanentError, RetryableError
from leadmgmt.core.kept_words import worded
from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue
from leads.models import EnrichmentRequest, Provider
from leads.services.enrich import ASK, NETWORK, close_due_rounds, waiting_requests
from leads.services.record_answer import FAILURES_TO_PAUSE, record_answer, record_failure
from leads.services.spending import allowance

log = logging.getLogger(__name__)

# Calls at once: to one provider, to all of them.
AT_ONCE = 16
MOST_THREADS = 64
# A job hands over to the next one after this long, well under the queue's timeout.
LONGEST_SECONDS = 30.0
LOOK_SECONDS = 0.1
# What a call may take beyond its deadline (name resolution, a header that drips) before it is given up.
GRACE_SECONDS = 1.0
# "lead" and "asks": whoever holds this session lock claims.
LOCK = 0x6C65616461736B73
Call = Future[Any]


class _Turn:
    """The right to claim, which one job has at a time; it ends with the database session if the worker dies."""

    def __init__(self) -> None:
        self.is_mine = _said_yes("SELECT pg_try_advisory_lock(%s)")

    def end(self) -> None:
        """Let the next job claim."""
        if self.is_mine:
            _said_yes("SELECT pg_advisory_unlock(%s)")
            self.is_mine = False


def _said_yes(query: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(query, [LOCK])
        return bool(cursor.fetchone()[0])


@dataclass(frozen=True)
class _Asked:
    request: EnrichmentRequest
    given_up_at: float


def ask_providers() -> str:
    """Ask providers whatever waits for them; returns what was done. At most one such job claims at a time."""
    turn = _Turn()
    if not turn.is_mine:
        return "asked already"
    try:
        asked = _pump(turn)
    finally:
        turn.end()
    # Who came while the last call ended found the door locked.
    if waiting_providers(now()):
        enqueue(ASK)
    return f"{asked} asked"


def waiting_providers(at: datetime) -> list[int]:
    """The providers that somebody waits for and that may be asked now."""
    heard = Q(provider__paused_until__isnull=True) | Q(provider__paused_until__lte=at)
    waiting = EnrichmentRequest.objects.filter(waiting_requests(at), heard, provider__is_active=True)
    return list(waiting.order_by().values_list("provider", flat=True).distinct())


def _pump(turn: _Turn) -> int:
    """Claim, call and record until nobody waits or it is another job's turn; returns how many were asked."""
    ends, asked = time.monotonic() + LONGEST_SECONDS, 0
    running: dict[Call, _Asked] = {}
    threads = ThreadPoolExecutor(MOST_THREADS)
    try:
        while True:
            if time.monotonic() < ends:
                asked += _claim_all(threads, running)
            elif turn.is_mine:
                turn.end()
                enqueue(ASK)
            if not running:
                return asked
            wait(running, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
            for call in [call for call in running if call.done() or running[call].given_up_at < time.monotonic()]:
                _record(running.pop(call).request, call)
            # Whoever is still being waited for must not hold up the score beyond its deadline.
            close_due_rounds(now())
    finally:
        # A call that does not end although its deadline is long over is left to itself.
        threads.shutdown(wait=False, cancel_futures=True)


def _claim_all(threads: ThreadPoolExecutor, running: dict[Call, _Asked]) -> int:
    claimed = 0
    for provider_id in waiting_providers(now()):
        busy = sum(one.request.provider_id == provider_id for one in running.values())
        for request in claim(provider_id, now(), running=busy):
            claimed += 1
            try:
                speaker: Any = NETWORK[request.provider.kind](request.provider)
                question = speaker.question(request.lead.contact)
            except ConfigurationError as error:
                record_failure(request, error, now())
                continue
            until = time.monotonic() + question.seconds + GRACE_SECONDS
            running[threads.submit(speaker.ask, question)] = _Asked(request, until)
    return claimed


def claim(provider_id: int, at: datetime, *, running: int = 0) -> list[EnrichmentRequest]:
    """Take waiting questions, as many as may run at once; a provider that failed a lot is tried with a single one."""
    with transaction.atomic():
        provider = Provider.objects.get(pk=provider_id)
        if not provider.is_active or (provider.paused_until and provider.paused_until > at):
            return []
        most = max(0, (1 if provider.failures >= FAILURES_TO_PAUSE else AT_ONCE) - running)
        most = min(most, allowance(provider, at))
        rows = list(
            EnrichmentRequest.objects.select_for_update(of=("self",), skip_locked=True)
            .filter(waiting_requests(at), provider=provider_id)
            .select_related("provider", "lead__contact")
            .order_by("pk")[:most]
        )
        EnrichmentRequest.objects.filter(pk__in=[row.pk for row in rows]).update(
            status=EnrichmentRequest.Status.RUNNING, started_at=at, attempts=F("attempts") + 1
        )
    for row in rows:
        row.attempts += 1
        row.started_at = at
    return rows


def _record(request: EnrichmentRequest, call: Call) -> None:
    if not call.done():
        record_failure(request, RetryableError(worded("The call did not end at its deadline.")), now())
        return
    error = call.exception()
    if error is None:
        record_answer(request, call.result(), now())
        return
    if not isinstance(error, RetryableError | PermanentError | ConfigurationError):
        # Where it happened, not what it says: the address of a person may stand in that.
        place = extract_tb(error.__traceback__)[-1]
        log.error("Asking %s: %s in %s:%s", request.provider.slug, type(error).__name__, place.filename, place.lineno)
        error = PermanentError(worded("Our own mistake: %(kind)s.", kind=type(error).__name__))
    record_failure(request, error, now())

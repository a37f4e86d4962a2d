"""Asking providers over the network: claim, call with no transaction open, record.

One job asks one provider for everybody who waits (several threads make the calls, none of them touches the database),
so a provider that hangs holds up one worker at most; after some failures in a row nobody asks it for a while.
"""

import logging
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q

from leadmgmt.core.backoff import next_try
from leadmgmt.core.errors import ConfigurationError, PermanentError, RetryableError
from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue
from leads.enrichers.base import Offered
from leads.enrichers.http_json import HttpJson, ask
from leads.models import Company, Contact, EnrichmentRequest, Lead, Provider
from leads.services.enrich import ASK, close_due_rounds, close_round, tell_late, waiting_requests
from leads.services.provenance import Offer, offer_all

log = logging.getLogger(__name__)

AT_ONCE = 16
# A job hands over to the next one after this long, well under the queue's timeout.
LONGEST_SECONDS = 20.0
LOOK_SECONDS = 0.05
GIVE_UP_AFTER = timedelta(seconds=30)
FAILURES_TO_PAUSE = 5
PAUSE = timedelta(seconds=15)
# How long beyond its deadline a call may stay unrecorded before its worker counts as lost.
LOST_AFTER = timedelta(seconds=10)
LOCK = 0x656E7269
Call = Future[Any]


def ask_provider(provider_id: int) -> str:
    """Ask one provider whatever waits for it; returns what was done. At most one such job works at a time."""
    with _alone(provider_id) as is_alone:
        if not is_alone:
            return "asked already"
        asked = _pump(provider_id)
    # Who came while the last call ended found the door locked; and a long row is handed over to the next job.
    if EnrichmentRequest.objects.filter(
        waiting_requests(now()), provider=provider_id, provider__is_active=True
    ).exists():
        enqueue(ASK, provider_id)
    return f"{asked} asked"


@contextmanager
def _alone(provider_id: int) -> Iterator[bool]:
    """Hold a session lock on this provider; the lock ends with the session if the worker dies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK, provider_id])
        is_alone = bool(cursor.fetchone()[0])
    try:
        yield is_alone
    finally:
        if is_alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK, provider_id])


def _pump(provider_id: int) -> int:
    """Claim, call and record until nobody waits or it is another job's turn; returns how many were asked."""
    ends = time.monotonic() + LONGEST_SECONDS
    running: dict[Call, EnrichmentRequest] = {}
    asked = 0
    with ThreadPoolExecutor(AT_ONCE) as threads:
        while True:
            if time.monotonic() < ends:
                for request in claim(provider_id, now(), running=len(running)):
                    asked += 1
                    if started := _start(threads, request):
                        running[started] = request
            if not running:
                break
            done, _ = wait(running, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
            for one in done:
                _record(running.pop(one), one)
            # Whoever is still being waited for must not hold up the score beyond its deadline.
            close_due_rounds(now())
    return asked


def claim(provider_id: int, at: datetime, *, running: int = 0) -> list[EnrichmentRequest]:
    """Take waiting questions, as many as may run at once; a provider that failed a lot is tried with a single one."""
    with transaction.atomic():
        provider = Provider.objects.get(pk=provider_id)
        if not provider.is_active or (provider.paused_until and provider.paused_until > at):
            return []
        most = max(0, (1 if provider.failures >= FAILURES_TO_PAUSE else AT_ONCE) - running)
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


def _start(threads: ThreadPoolExecutor, request: EnrichmentRequest) -> Call | None:
    try:
        question = HttpJson(request.provider).question(request.lead.contact)
    except ConfigurationError as error:
        record_failure(request, error, now())
        return None
    return threads.submit(ask, question)


def _record(request: EnrichmentRequest, done: Call) -> None:
    error = done.exception()
    if error is None:
        record_answer(request, done.result(), now())
        return
    if not isinstance(error, RetryableError | PermanentError | ConfigurationError):
        log.error("asking provider %s failed: %s", request.provider.slug, type(error).__name__, exc_info=error)
        error = PermanentError(f"Our own mistake: {type(error).__name__}.")
    record_failure(request, error, now())


def record_answer(request: EnrichmentRequest, answer: Any, at: datetime) -> None:
    """Keep what the provider said and put it to use. Does nothing if the question was settled meanwhile."""
    offered, problems = HttpJson(request.provider).read(answer) if answer is not None else ([], [])
    status = EnrichmentRequest.Status.DONE if offered else EnrichmentRequest.Status.EMPTY
    kept = {f"{one.subject}.{one.field}": _plain(one.value) for one in offered}
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=request.lead_id)
        if not _settle(request, status, at, answer=kept, error="\n".join(problems)):
            return
        Provider.objects.filter(pk=request.provider_id).update(failures=0, paused_until=None)
        changed = _use(lead.contact_id, offered, request.provider, at)
        if changed and lead.enrich_by is None:
            tell_late(lead.pk, request.provider.slug, changed, at)
    close_round(request.lead_id, at)


def record_failure(request: EnrichmentRequest, error: Exception, at: datetime) -> None:
    """Keep why there is no answer, and when to try again if that may help."""
    again = _next_try(request, error, at)
    with transaction.atomic():
        status = EnrichmentRequest.Status.WAITING if again else EnrichmentRequest.Status.FAILED
        if not _settle(request, status, at, error=str(error), next_try_at=again):
            return
        if isinstance(error, RetryableError):
            _count_failure(request.provider_id, at)
    close_round(request.lead_id, at)


def _next_try(request: EnrichmentRequest, error: Exception, at: datetime) -> datetime | None:
    if not isinstance(error, RetryableError):
        return None
    again = next_try(request.attempts, at=at)
    if error.retry_after is not None:
        again = max(again, at + timedelta(seconds=error.retry_after))
    return again if again <= request.asked_at + GIVE_UP_AFTER else None


def _settle(request: EnrichmentRequest, status: str, at: datetime, **fields: Any) -> bool:
    """Conditional update: only the attempt that was claimed may record."""
    return bool(
        EnrichmentRequest.objects.filter(
            pk=request.pk, status=EnrichmentRequest.Status.RUNNING, attempts=request.attempts
        ).update(status=status, finished_at=None if status == "waiting" else at, **fields)
    )


def _count_failure(provider_id: int, at: datetime) -> None:
    Provider.objects.filter(pk=provider_id).update(failures=F("failures") + 1)
    until = at + PAUSE
    if Provider.objects.filter(pk=provider_id, failures__gte=FAILURES_TO_PAUSE).update(paused_until=until):
        waiting = EnrichmentRequest.objects.filter(provider=provider_id, status=EnrichmentRequest.Status.WAITING)
        waiting.filter(Q(next_try_at__isnull=True) | Q(next_try_at__lt=until)).update(next_try_at=until)


def _use(contact_id: int, offered: list[Offered], provider: Provider, at: datetime) -> list[str]:
    contact = Contact.objects.select_related("company").get(pk=contact_id)
    subjects: dict[str, Contact | Company | None] = {"contact": contact, "company": contact.company}
    changed = []
    for name, subject in subjects.items():
        offers = [Offer(one.field, one.value, provider.slug, one.confidence) for one in offered if one.subject == name]
        if subject is not None and offers:
            changed += [f"{name}.{field}" for field in offer_all(subject, offers, at=at)]
    return changed


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) else float(value)


def nudge_requests(at: datetime) -> int:
    """Clock: ask what is due, take back what a lost worker held, give up what nobody could ask. Returns how many."""
    lost = 0
    running = EnrichmentRequest.objects.filter(status=EnrichmentRequest.Status.RUNNING).select_related("provider")
    for request in running.filter(started_at__lt=at - LOST_AFTER)[:500]:
        allowed = timedelta(milliseconds=request.provider.deadline_ms) + LOST_AFTER
        if request.started_at and request.started_at + allowed < at:
            record_failure(request, RetryableError("The worker was lost during the call."), at)
            lost += 1
    waiting = EnrichmentRequest.objects.filter(status=EnrichmentRequest.Status.WAITING)
    gone = waiting.filter(
        Q(provider__is_active=False) | Q(provider__failures__gt=0, next_try_at__isnull=False),
        asked_at__lt=at - GIVE_UP_AFTER,
    ).update(status=EnrichmentRequest.Status.FAILED, finished_at=at)
    due = (
        EnrichmentRequest.objects.filter(waiting_requests(at)).order_by().values_list("provider", flat=True).distinct()
    )
    providers = list(due)
    for provider_id in providers:
        enqueue(ASK, provider_id)
    return lost + gone + len(providers)


def retry_requests(request_ids: list[int]) -> int:
    """An admin's retry: ask failed questions again with a clean count. Returns how many."""
    at = now()
    with transaction.atomic():
        failed = EnrichmentRequest.objects.filter(pk__in=request_ids, status=EnrichmentRequest.Status.FAILED)
        open_ones = EnrichmentRequest.objects.filter(status__in=["waiting", "running"], lead__enrichments__in=failed)
        taken = set(open_ones.values_list("lead", "provider"))
        chosen: dict[tuple[int, int], int] = {(row.lead_id, row.provider_id): row.pk for row in failed}
        ids = [pk for key, pk in chosen.items() if key not in taken]
        count = EnrichmentRequest.objects.filter(pk__in=ids).update(
            status=EnrichmentRequest.Status.WAITING,
            attempts=0,
            error="",
            next_try_at=None,
            asked_at=at,
            finished_at=None,
        )
        for provider_id in {provider for _, provider in chosen}:
            enqueue(ASK, provider_id)
    return count

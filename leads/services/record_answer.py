"""What became of a question to a provider: an answer put to use, a failure with its next try, or the end of trying."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from leadmgmt.core.backoff import next_try
from leadmgmt.core.errors import RetryableError
from leadmgmt.core.kept_words import worded
from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue
from leads.enrichers.base import Offered
from leads.models import Company, Contact, EnrichmentRequest, Lead, Provider
from leads.services.enrich import ASK, NETWORK, close_round, tell_late, waiting_requests
from leads.services.provenance import Offer, offer_all

TELL_COLLEAGUES = "leads.tasks.tell_colleagues"
GIVE_UP_AFTER = timedelta(seconds=30)
FAILURES_TO_PAUSE = 5
PAUSE = timedelta(seconds=15)
# How long beyond its deadline a call may stay unrecorded before its worker counts as lost.
LOST_AFTER = timedelta(seconds=10)


def record_answer(request: EnrichmentRequest, answer: Any, at: datetime) -> None:
    """Keep what the provider said and put it to use. Does nothing if the question was settled meanwhile."""
    offered, problems = (
        NETWORK[request.provider.kind](request.provider).read(answer) if answer is not None else ([], [])
    )
    status = EnrichmentRequest.Status.DONE if offered else EnrichmentRequest.Status.EMPTY
    kept = {f"{one.subject}.{one.field}": _plain(one.value) for one in offered}
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=request.lead_id)
        cost = request.provider.price if offered else 0
        if not _settle(request, status, at, answer=kept, error="\n".join(problems), cost=cost):
            return
        Provider.objects.filter(pk=request.provider_id).update(failures=0, paused_until=None)
        changed = _use(lead.contact_id, offered, request.provider, at)
        if changed and lead.enrich_by is None:
            tell_late(lead.pk, request.provider.slug, changed, at)
        if any(name.startswith("company.") for name in changed):
            enqueue(TELL_COLLEAGUES, request.pk)
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
    finished = None if status == EnrichmentRequest.Status.WAITING else at
    return bool(
        EnrichmentRequest.objects.filter(
            pk=request.pk, status=EnrichmentRequest.Status.RUNNING, attempts=request.attempts
        ).update(status=status, finished_at=finished, **fields)
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
            record_failure(request, RetryableError(worded("The worker was lost during the call.")), at)
            lost += 1
    waiting = EnrichmentRequest.objects.filter(status=EnrichmentRequest.Status.WAITING)
    gone = waiting.filter(
        Q(provider__is_active=False) | Q(provider__failures__gt=0, next_try_at__isnull=False),
        asked_at__lt=at - GIVE_UP_AFTER,
    ).update(status=EnrichmentRequest.Status.FAILED, finished_at=at)
    due = EnrichmentRequest.objects.filter(waiting_requests(at)).exists()
    if due:
        enqueue(ASK)
    return lost + gone + due


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
        enqueue(ASK)
    return count

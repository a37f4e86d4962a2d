"""Enrichment in real worker processes: a provider that hangs, and a worker that is killed during the call."""

from collections.abc import Iterator

import pytest
from django.utils import timezone

from leads.models import EnrichmentRequest, Lead, Provider
from leads.services.capture import receive
from tests.factories import make_channel
from tests.leads.provider_server import Service, running_service
from tests.worker import running_workers, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("OUTBOUND_ALLOW_PRIVATE", "127.0.0.1")
    monkeypatch.setenv("ENRICHMENT_WAIT_SECONDS", "1")
    with running_service() as running:
        config = {"url": f"{running.url}/?q={{email}}", "mapping": {"company.staff": "company.size"}}
        Provider.objects.create(slug="cognita", name="C", kind="http_json", config=config, deadline_ms=4000)
        yield running


def capture(number: int) -> None:
    receive(
        make_channel("website"), {"email": f"p{number}@firma{number}.de", "subject": "demo"}, received_at=timezone.now()
    )


def test_no_lead_waits_longer_than_the_wait_whatever_hangs(service: Service) -> None:
    service.behaviour = "hang"
    Provider.objects.update(deadline_ms=8000)

    with running_workers(2):
        for number in range(20):
            capture(number)
        wait_until(lambda: Lead.objects.filter(enriched_at__isnull=False).count() == 20, within=30)

    leads = Lead.objects.all()
    took = [(lead.enriched_at - lead.captured_at).total_seconds() for lead in leads if lead.enriched_at is not None]
    # One second of waiting and what a shared machine takes for twenty leads: before any call can have ended.
    assert min(took) >= 1.0
    assert max(took) < 8.0, sorted(took)


def test_a_worker_killed_during_the_call_loses_neither_lead_nor_question(service: Service) -> None:
    service.behaviour = "hang"
    Provider.objects.update(deadline_ms=1000)

    with running_workers(1) as workers:
        capture(1)
        wait_until(lambda: service.asked)
        workers.kill_all()
        service.behaviour = "good"
    with running_workers(1):
        wait_until(lambda: Lead.objects.filter(enriched_at__isnull=False).exists(), within=15)
        wait_until(lambda: EnrichmentRequest.objects.filter(status="done").exists(), within=30)

    assert EnrichmentRequest.objects.get().attempts == 2
    assert Lead.objects.get().contact.company.staff == 420

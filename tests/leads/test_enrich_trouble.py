"""Providers that misbehave: the row says why, the lead goes on, and nobody asks for ever."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from leadmgmt.core.errors import RetryableError
from leadmgmt.core.http import call
from leads.enrichers.http_json import HttpJson, check_config
from leads.models import Contact, EnrichmentRequest, FieldValue, LeadEvent, Provider
from leads.services.ask import ask_providers, claim
from leads.services.enrich import close_due_rounds, close_round
from leads.services.record_answer import FAILURES_TO_PAUSE, nudge_requests, record_answer, retry_requests
from tests.leads.provider_server import Service
from tests.leads.rounds import MAPPING, begun, enriched_events, in_threads, make_provider

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("behaviour", "status", "words"),
    [
        ("html", "failed", "text/html, not JSON"),
        ("huge", "failed", "larger than 1 MB"),
        ("deep", "failed", "not JSON"),
        ("scalar", "failed", "neither an object nor a list"),
        ("empty", "empty", ""),
        ("unknown", "empty", ""),
        ("forbidden", "failed", "403"),
        ("busy", "failed", "429"),
        ("broken", "waiting", "503"),
        ("moved", "failed", "pointed elsewhere"),
    ],
)
def test_the_row_says_why_there_is_no_answer(service: Service, behaviour: str, status: str, words: str) -> None:
    make_provider(service, deadline_ms=2000)
    service.behaviour = behaviour
    lead = begun()

    ask_providers()

    request = EnrichmentRequest.objects.get()
    assert request.status == status
    assert words in request.error
    lead.refresh_from_db()
    # It waits for a second try only until its time is up.
    close_due_rounds(timezone.now() + timedelta(seconds=1))
    assert len(enriched_events(lead)) == 1


def test_values_of_the_wrong_type_are_left_out_and_named(service: Service) -> None:
    make_provider(service)
    service.answer = {"company": {"size": "many", "sector": ["a"]}, "person": {"titles": ["CTO"]}}
    lead = begun()

    ask_providers()

    request = EnrichmentRequest.objects.get()
    assert request.status == "done"
    assert request.answer == {"contact.job_title": "CTO"}
    assert request.error.splitlines() == [
        "company.staff: a whole number was expected, not this text.",
        "company.industry: text was expected, not a list.",
    ]
    contact = Contact.objects.select_related("company").get(pk=lead.contact_id)
    assert contact.company is not None
    assert contact.company.staff is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("behaviour", ["hang", "drip", "drip_headers"])
def test_a_hanging_provider_holds_up_the_lead_for_the_wait_and_no_longer(service: Service, behaviour: str) -> None:
    make_provider(service, deadline_ms=4000)
    service.behaviour = behaviour
    lead = begun()
    started = time.monotonic()
    asked_meanwhile: list[str] = []

    def watch() -> None:
        while not asked_meanwhile and time.monotonic() - started < 15:
            request = EnrichmentRequest.objects.get()
            if LeadEvent.objects.filter(lead=lead, kind="lead.enriched").exists():
                asked_meanwhile.append(request.status)
            time.sleep(0.02)

    in_threads(watch, 1, beside=lambda: ask_providers())

    # The lead went on after the wait (1 s), before the provider was given up (4 s), long before it fell silent (20 s).
    assert asked_meanwhile == ["running"]
    assert lead.enrich_by is not None
    assert LeadEvent.objects.get(lead=lead, kind="lead.enriched").at >= lead.enrich_by
    assert time.monotonic() - started < 15
    data = enriched_events(lead)
    assert [one.get("not_waited_for") for one in data] == [["cognita"]]
    request = EnrichmentRequest.objects.get()
    assert request.status == "waiting"
    assert request.next_try_at is not None
    assert request.error


def test_a_late_answer_is_used_and_told_once(service: Service) -> None:
    make_provider(service)
    lead = begun()
    close_due_rounds(timezone.now() + timedelta(seconds=5))

    ask_providers()
    ask_providers()

    data = enriched_events(lead)
    assert [one.get("late") for one in data] == [None, True]
    assert data[1]["provider"] == "cognita"
    assert data[1]["fields"] == ["company.industry", "company.staff", "contact.job_title"]


def test_a_late_answer_that_says_nothing_new_is_not_told(service: Service) -> None:
    make_provider(service)
    service.behaviour = "empty"
    lead = begun()
    close_due_rounds(timezone.now() + timedelta(seconds=5))

    ask_providers()

    assert len(enriched_events(lead)) == 1


def test_a_private_address_is_refused_before_anything_is_sent(service: Service, settings: Any) -> None:
    settings.OUTBOUND_ALLOW_PRIVATE = []
    make_provider(service)
    begun()

    ask_providers()

    request = EnrichmentRequest.objects.get()
    assert request.status == "failed"
    assert "private network" in request.error
    assert service.asked == []


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "gopher://127.0.0.1/", "http://{domain}/x", "http:///x", "/relative", 5, None]
)
def test_an_address_that_cannot_be_right_is_refused_in_the_config(url: Any) -> None:
    assert "url" in check_config({"url": url, "mapping": MAPPING})


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ([], "config"),
        ({"mapping": {}}, "mapping"),
        ({"mapping": {"company.size": "a"}}, "mapping.company.size"),
        ({"mapping": {"company.staff": 5}}, "mapping.company.staff"),
        ({"method": "DELETE"}, "method"),
        ({"headers": {"X": 5}}, "headers"),
        ({"confidence": 3}, "confidence"),
        ({"colour": 1}, "colour"),
    ],
)
def test_a_wrong_config_is_named(config: Any, field: str) -> None:
    whole = {"url": "https://data.example/{email}", "mapping": MAPPING} | config if isinstance(config, dict) else config

    assert list(check_config(whole)) == [field]


def test_a_broken_config_fails_the_question_and_not_the_lead(service: Service) -> None:
    make_provider(service, config={"mapping": {"company.shoes": "x"}})
    lead = begun()

    ask_providers()

    assert "No such field" in EnrichmentRequest.objects.get().error
    assert len(enriched_events(lead)) == 1


def test_several_failures_in_a_row_pause_the_provider_and_a_success_ends_that(service: Service) -> None:
    provider = make_provider(service)
    service.behaviour = "broken"
    for n in range(FAILURES_TO_PAUSE):
        begun(email=f"p{n}@firma.de")
    ask_providers()
    provider.refresh_from_db()
    assert provider.failures == FAILURES_TO_PAUSE
    assert provider.paused_until is not None

    service.asked.clear()
    lead = begun(email="later@firma.de")

    # Nobody is waited for while the provider is paused: the lead goes on at once.
    assert len(enriched_events(lead)) == 1
    assert ask_providers() == "0 asked"
    assert service.asked == []
    service.behaviour = "good"
    Provider.objects.update(paused_until=timezone.now() - timedelta(seconds=1))
    EnrichmentRequest.objects.update(next_try_at=timezone.now() - timedelta(seconds=1))
    ask_providers()
    provider.refresh_from_db()
    assert provider.failures == 0
    assert EnrichmentRequest.objects.filter(status="done").count() == FAILURES_TO_PAUSE + 1
    assert enriched_events(lead)[-1]["late"] is True


def test_a_lost_worker_does_not_lose_the_question(service: Service) -> None:
    provider = make_provider(service, deadline_ms=1000)
    begun()
    claimed = claim(provider.pk, timezone.now())
    assert len(claimed) == 1
    OrmQ.objects.all().delete()

    nudge_requests(timezone.now() + timedelta(seconds=5))
    assert EnrichmentRequest.objects.get().status == "running"
    nudge_requests(timezone.now() + timedelta(seconds=12))

    request = EnrichmentRequest.objects.get()
    assert request.status == "waiting"
    assert "worker was lost" in request.error
    nudge_requests(timezone.now() + timedelta(seconds=25))
    assert "leads.tasks.ask_providers" in [job.task["func"] for job in OrmQ.objects.all()]


def test_an_answer_after_the_question_was_settled_changes_nothing(service: Service) -> None:
    provider = make_provider(service)
    lead = begun()
    (request,) = claim(provider.pk, timezone.now())
    EnrichmentRequest.objects.update(status="failed")

    record_answer(request, service.answer, timezone.now())

    assert not FieldValue.objects.filter(origin="cognita").exists()
    assert EnrichmentRequest.objects.get().status == "failed"
    assert close_round(lead.pk, timezone.now()) is True


def test_nobody_asks_for_ever(service: Service) -> None:
    make_provider(service)
    service.behaviour = "broken"
    begun()
    ask_providers()

    nudge_requests(timezone.now() + timedelta(seconds=40))

    request = EnrichmentRequest.objects.get()
    assert request.status == "failed"
    assert "503" in request.error
    assert retry_requests([request.pk]) == 1
    service.behaviour = "good"
    Provider.objects.update(failures=0)
    ask_providers()
    assert EnrichmentRequest.objects.get().status == "done"


def test_reading_an_answer_never_fails() -> None:
    provider = Provider(slug="p", kind="http_json", config={"mapping": MAPPING})
    for answer in ({}, [], {"company": None}, {"company": {"size": {}}}, {"person": {"titles": {}}}, {"person": []}):
        offered, _problems = HttpJson(provider).read(answer)
        assert offered == []


@pytest.mark.parametrize("behaviour", ["drip", "drip_headers"])
def test_calls_have_a_deadline_for_the_whole_of_them(service: Service, behaviour: str) -> None:
    service.behaviour = behaviour
    started = time.monotonic()

    with pytest.raises(RetryableError, match="deadline"):
        call("GET", service.url, seconds=0.5)

    # The service drips for 20 seconds.
    assert 0.4 < time.monotonic() - started < 10

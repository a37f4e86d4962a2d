"""Rounds of enrichment: what is worked out, who is asked, when the lead goes on."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from leadmgmt.core.http import call
from leadmgmt.core.secrets import seal
from leads.enrichers.http_json import HttpJson, check_config
from leads.events import record_event
from leads.models import Company, Contact, EnrichmentRequest, FieldValue, Lead, LeadEvent, Provider
from leads.services.ask import ask_providers, claim
from leads.services.enrich import begin_enrichment, close_due_rounds, close_round
from leads.services.record_answer import FAILURES_TO_PAUSE, nudge_requests, record_answer, retry_requests
from tests.factories import make_company, make_contact, make_lead, make_touchpoint
from tests.leads.provider_server import Service, running_service

pytestmark = pytest.mark.django_db

MAPPING = {
    "company.staff": "company.size",
    "company.industry": "company.sector",
    "contact.job_title": "person.titles.0",
}


@pytest.fixture
def service(settings: Any) -> Iterator[Service]:
    settings.OUTBOUND_ALLOW_PRIVATE = ["127.0.0.1"]
    settings.ENRICHMENT_WAIT_SECONDS = 1
    with running_service() as running:
        yield running


@pytest.fixture(autouse=True)
def no_jobs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Jobs wait in a list: these tests run them themselves."""
    queued: list[tuple[Any, ...]] = []
    for module in ("leads.services.enrich", "leads.services.ask", "leads.services.record_answer", "leads.events"):
        monkeypatch.setattr(f"{module}.enqueue", lambda *job: queued.append(job))
    return queued


def make_provider(service: Service, **fields: Any) -> Provider:
    config = {"url": f"{service.url}/people?email={{email}}", "mapping": MAPPING, "confidence": 0.9}
    config |= fields.pop("config", {})
    return Provider.objects.create(
        **{"slug": "cognita", "name": "Cognita", "kind": "http_json", "position": 10, "config": config, **fields}
    )


def captured(lead: Lead) -> LeadEvent:
    return record_event(lead, "lead.captured")


def begun(**contact: Any) -> Lead:
    contact.setdefault("email", "a.hoffmann@rheintal.example")
    lead = make_lead(contact=make_contact(company=make_company(name="Rheintal", staff=None), **contact))
    begin_enrichment(lead, captured(lead))
    lead.refresh_from_db()
    return lead


def enriched_events(lead: Lead) -> list[dict[str, Any]]:
    return list(lead.events.filter(kind="lead.enriched").order_by("pk").values_list("data", flat=True))


# Without a network


def test_what_follows_from_what_is_known_is_worked_out_at_once() -> None:
    contact = make_contact(
        email="anna.hoffmann@rheintal-technik.de",
        first_name="",
        last_name="",
        phone="+497215550184",
        country="",
        job_title="Leiterin Kundendienst",
    )
    lead = make_lead(contact=contact)
    make_touchpoint(lead, message="Wir planen unsere Techniker in Excel und suchen ein System für die Saison.")

    begin_enrichment(lead, captured(lead))

    contact.refresh_from_db()
    shown = {name: getattr(contact, name) for name in ("email_class", "country", "city", "time_zone", "language")}
    assert shown == {
        "email_class": "business",
        "country": "DE",
        "city": "Karlsruhe",
        "time_zone": "Europe/Berlin",
        "language": "de",
    }
    assert (contact.first_name, contact.last_name) == ("Anna", "Hoffmann")
    assert (contact.seniority, contact.department) == ("head", "service")
    assert contact.company is not None
    assert (contact.company.domain, contact.company.name) == ("rheintal-technik.de", "Rheintal Technik")
    assert contact.company.name_key == "rheintal technik"
    origins = dict(FieldValue.objects.filter(contact=contact).values_list("field", "origin"))
    assert origins["seniority"] == "job_title"
    lead.refresh_from_db()
    assert lead.enriched_at is not None
    assert len(enriched_events(lead)) == 1


def test_the_step_run_twice_enriches_once() -> None:
    lead = make_lead(contact=make_contact(email="a@firma.de"))
    event = captured(lead)

    begin_enrichment(lead, event)
    begin_enrichment(lead, event)

    assert len(enriched_events(lead)) == 1
    assert FieldValue.objects.filter(contact=lead.contact, field="email_class").count() == 1


def test_a_person_without_address_or_number_goes_on_too() -> None:
    lead = make_lead(contact=make_contact(email="", phone="", country=""))

    begin_enrichment(lead, captured(lead))

    assert len(enriched_events(lead)) == 1


def test_a_private_address_makes_no_company() -> None:
    lead = make_lead(contact=make_contact(email="ann@gmx.de"))

    begin_enrichment(lead, captured(lead))

    lead.contact.refresh_from_db()
    assert lead.contact.company is None
    assert not Company.objects.exists()


def test_a_local_enricher_can_be_switched_off_and_renamed() -> None:
    Provider.objects.create(slug="titles", name="Titles", kind="job_title", is_active=False)
    Provider.objects.create(slug="addresses", name="Addresses", kind="email_class")
    lead = make_lead(contact=make_contact(email="a@firma.de", job_title="CEO"))

    begin_enrichment(lead, captured(lead))

    lead.contact.refresh_from_db()
    assert lead.contact.seniority == ""
    assert FieldValue.objects.get(contact=lead.contact, field="email_class").origin == "addresses"


# Asking a provider


def test_the_lead_goes_on_when_the_provider_has_answered(service: Service) -> None:
    make_provider(service)

    lead = begun()
    assert lead.enrich_by is not None
    assert enriched_events(lead) == []

    assert ask_providers() == "1 asked"

    lead.refresh_from_db()
    assert lead.enrich_by is None
    assert [data.get("late") for data in enriched_events(lead)] == [None]
    contact = Contact.objects.select_related("company").get(pk=lead.contact_id)
    assert contact.company is not None
    assert (contact.company.staff, contact.company.industry) == (420, "Refrigeration")
    assert contact.job_title == "Head of Service"
    request = EnrichmentRequest.objects.get()
    assert request.status == "done"
    assert request.answer == {
        "company.staff": 420,
        "company.industry": "Refrigeration",
        "contact.job_title": "Head of Service",
    }
    value = FieldValue.objects.get(company=contact.company, field="staff")
    assert (value.value, value.origin, value.confidence) == (420, "cognita", 0.9)


def test_address_and_credential_travel_as_configured(service: Service) -> None:
    provider = make_provider(
        service,
        secret=seal("s3cret"),
        config={
            "url": f"{service.url}/d/{{domain}}?who={{email}}",
            "method": "POST",
            "headers": {"Authorization": "Bearer {secret}"},
            "body": {"person": {"email": "{email}"}},
        },
    )
    begun(email="a+b@firma.de")

    ask_providers()

    method, path, headers, body = service.asked[0]
    assert (method, path) == ("POST", "/d/firma.de?who=a%2Bb%40firma.de")
    assert headers["Authorization"] == "Bearer s3cret"
    assert body.replace(" ", "") == '{"person":{"email":"a+b@firma.de"}}'
    assert "s3cret" not in provider.secret


def test_the_job_run_twice_asks_once(service: Service) -> None:
    make_provider(service)
    lead = begun()

    ask_providers()
    assert ask_providers() == "0 asked"

    assert len(service.asked) == 1
    assert len(enriched_events(lead)) == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_do_not_ask_the_same_question(service: Service) -> None:
    make_provider(service)
    for n in range(10):
        begun(email=f"p{n}@firma.de")
    service.seconds = 0.1

    in_threads(lambda: ask_providers(), 4)

    assert len(service.asked) == 10
    assert EnrichmentRequest.objects.filter(status="done", attempts=1).count() == 10


def test_what_the_lead_said_itself_stays(service: Service) -> None:
    make_provider(service)
    lead = begun(job_title="Chief Cooling Officer")

    ask_providers()

    lead.contact.refresh_from_db()
    assert lead.contact.job_title == "Chief Cooling Officer"
    assert FieldValue.objects.filter(contact=lead.contact, origin="cognita", value="Head of Service").exists()


def test_who_answered_lately_is_not_asked_again(service: Service) -> None:
    make_provider(service)
    lead = begun()
    ask_providers()

    lead.refresh_from_db()
    begin_enrichment(lead, record_event(lead, "lead.touched"))

    assert EnrichmentRequest.objects.count() == 1
    assert len(enriched_events(lead)) == 2


def test_a_touch_during_a_round_joins_it(service: Service) -> None:
    make_provider(service)
    lead = begun()

    begin_enrichment(lead, record_event(lead, "lead.touched"))
    ask_providers()

    assert EnrichmentRequest.objects.count() == 1
    assert len(enriched_events(lead)) == 1


def test_a_provider_for_business_addresses_is_not_asked_about_private_ones(service: Service) -> None:
    make_provider(service, config={"needs": "business"})

    begun(email="ann@gmx.de")

    assert not EnrichmentRequest.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_hanging_provider_does_not_hold_up_another(service: Service) -> None:
    asked: list[float] = []
    with running_service() as hanging:
        hanging.behaviour = "hang"
        make_provider(hanging, slug="hanging", position=20, deadline_ms=3000)
        make_provider(service)
        lead = begun()
        started = time.monotonic()

        def watch() -> None:
            while not asked and time.monotonic() - started < 10:
                if EnrichmentRequest.objects.filter(provider__slug="cognita", status="done").exists():
                    asked.append(time.monotonic() - started)
                time.sleep(0.02)

        in_threads(watch, 1, beside=ask_providers)

    assert asked[0] < 1.0
    assert enriched_events(lead) == [{"not_waited_for": ["hanging"]}]


# A provider that misbehaves


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
    make_provider(service, deadline_ms=2500)
    service.behaviour = behaviour
    lead = begun()
    started = time.monotonic()
    went_on: list[float] = []

    def watch() -> None:
        while not went_on and time.monotonic() - started < 10:
            if LeadEvent.objects.filter(lead=lead, kind="lead.enriched").exists():
                went_on.append(time.monotonic() - started)
            time.sleep(0.02)

    in_threads(watch, 1, beside=lambda: ask_providers())

    assert 0.8 < went_on[0] < 1.6
    assert time.monotonic() - started < 6
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


def test_a_lost_worker_does_not_lose_the_question(service: Service, no_jobs: list[tuple[Any, ...]]) -> None:
    provider = make_provider(service, deadline_ms=1000)
    begun()
    claimed = claim(provider.pk, timezone.now())
    assert len(claimed) == 1
    no_jobs.clear()

    nudge_requests(timezone.now() + timedelta(seconds=5))
    assert EnrichmentRequest.objects.get().status == "running"
    nudge_requests(timezone.now() + timedelta(seconds=12))

    request = EnrichmentRequest.objects.get()
    assert request.status == "waiting"
    assert "worker was lost" in request.error
    nudge_requests(timezone.now() + timedelta(seconds=25))
    assert ("leads.tasks.ask_providers",) in no_jobs


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


def test_calls_have_a_deadline_for_the_whole_of_them(service: Service) -> None:
    service.behaviour = "drip"
    started = time.monotonic()

    with pytest.raises(Exception, match="deadline"):
        call("GET", service.url, seconds=0.5)

    assert time.monotonic() - started < 2


def in_threads(work: Callable[[], Any], count: int, *, beside: Callable[[], Any] | None = None) -> None:
    """Run ``work`` in several threads with connections of their own; raises what they raised."""
    errors: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    if beside is not None:
        beside()
    for thread in threads:
        thread.join(30)
    assert not errors, errors
    assert connection.is_usable()

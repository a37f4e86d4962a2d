"""Rounds of enrichment: what is worked out, who is asked, when the lead goes on."""

import time

import pytest
from django.conf import LazySettings

from leadmgmt.core.secrets import seal
from leads.events import record_event
from leads.models import Company, Contact, EnrichmentRequest, FieldValue, Provider
from leads.services.ask import ask_providers
from leads.services.enrich import begin_enrichment
from tests.factories import make_contact, make_lead, make_touchpoint
from tests.leads.provider_server import Service, running_service
from tests.leads.rounds import begun, captured, enriched_events, in_threads, make_provider

pytestmark = pytest.mark.django_db


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
def test_a_hanging_provider_does_not_hold_up_another(service: Service, settings: LazySettings) -> None:
    settings.ENRICHMENT_WAIT_SECONDS = 3
    meanwhile: list[str] = []
    with running_service() as hanging:
        hanging.behaviour = "hang"
        make_provider(hanging, slug="hanging", position=20, deadline_ms=5000)
        make_provider(service)
        lead = begun()
        started = time.monotonic()

        def watch() -> None:
            while not meanwhile and time.monotonic() - started < 15:
                other = EnrichmentRequest.objects.get(provider__slug="hanging").status
                if EnrichmentRequest.objects.filter(provider__slug="cognita", status="done").exists():
                    meanwhile.append(other)
                time.sleep(0.02)

        in_threads(watch, 1, beside=ask_providers)

    # The one has answered while the other one still hung, and in time for the lead.
    assert meanwhile == ["running"]
    assert enriched_events(lead) == [{"not_waited_for": ["hanging"]}]

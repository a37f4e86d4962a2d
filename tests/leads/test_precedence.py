"""Whose word counts for a field, what a company's people share, and where an IP address is."""

import ipaddress
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from mmdb_writer import MMDBWriter

from leads.enrichers.email_class import classify
from leads.enrichers.homepage import linkedin_page, read_page
from leads.enrichers.ip_place import check_file, look_up
from leads.models import Capture, Company, EnrichmentRequest, Provider
from leads.services.ask import ask_providers
from leads.services.capture import process_capture, take_in
from leads.services.enrich import begin_enrichment, tell_colleagues
from leads.services.enrichment_account import accounts
from leads.services.provenance import offer
from tests.factories import make_channel, make_company, make_contact, make_lead, make_user
from tests.leads.provider_server import Service
from tests.leads.rounds import begun, captured, enriched_events, make_provider

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def provider(slug: str, position: int, **config: Any) -> Provider:
    return Provider.objects.create(slug=slug, name=slug, kind="http_json", position=position, config=config)


def test_a_provider_comes_first_for_a_field_whatever_came_when() -> None:
    provider("general", 1)
    provider("finance", 50, first_for=["company.revenue"])
    company = make_company(staff=None, industry="")

    for origin in ("finance", "general"):
        offer(company, "revenue", 5 if origin == "finance" else 7, origin, at=AT)
        offer(company, "industry", origin, origin, at=AT)
    company.refresh_from_db()

    assert (company.revenue, company.industry) == (5, "general")


def test_coming_first_for_a_field_of_the_company_is_not_coming_first_for_the_persons() -> None:
    provider("general", 1)
    provider("places", 50, first_for=["company.city"])
    contact = make_contact(city="")

    offer(contact, "city", "Bonn", "general", at=AT)
    offer(contact, "city", "Köln", "places", at=AT)
    contact.refresh_from_db()

    assert contact.city == "Bonn"


def test_a_guess_gives_way_to_who_is_sure() -> None:
    provider("guesses", 1, first_for=["company.staff"])
    provider("knows", 50)
    company = make_company(staff=None)

    offer(company, "staff", 10, "guesses", 0.3, at=AT)
    offer(company, "staff", 400, "knows", 0.9, at=AT)
    offer(company, "staff", 20, "guesses", 0.4, at=AT + timedelta(days=1))
    company.refresh_from_db()

    assert company.staff == 400


def test_the_account_counts_the_value_that_is_shown() -> None:
    general, finance = provider("general", 1), provider("finance", 50, first_for=["company.revenue"])
    company = make_company(staff=None)
    make_lead(contact=make_contact(company=company), captured_at=timezone.now())
    offer(company, "revenue", 7, "general", at=AT)
    offer(company, "revenue", 5, "finance", at=AT)

    told = accounts([general, finance], timezone.now())

    assert (told[general.pk].shown_on, told[finance.pk].shown_on) == (0, 1)


COMPANY_ALONE = {"company.staff": "company.size", "company.industry": "company.sector"}


def test_a_companys_people_ask_about_it_once_and_all_learn_of_the_answer(service: Service) -> None:
    make_provider(service, config={"mapping": COMPANY_ALONE})
    first = begun()
    company = Company.objects.get(pk=first.contact.company_id)
    second = make_lead(contact=make_contact(company=company))
    begin_enrichment(second, captured(second))
    Company.objects.filter(pk=company.pk).update(industry="")

    assert EnrichmentRequest.objects.count() == 1
    ask_providers()
    request = EnrichmentRequest.objects.get()
    assert tell_colleagues(request.pk) == 1
    # The job may run twice.
    assert tell_colleagues(request.pk) == 0

    late = [one for one in enriched_events(second) if one.get("late")]
    assert [(one["provider"], one["fields"]) for one in late] == [("cognita", ["company.industry", "company.staff"])]


def test_who_knows_nothing_of_a_company_is_not_asked_again_by_a_colleague(service: Service) -> None:
    service.behaviour = "unknown"
    make_provider(service, config={"mapping": COMPANY_ALONE})
    first = begun()
    ask_providers()
    second = make_lead(contact=make_contact(company=Company.objects.get(pk=first.contact.company_id)))
    begin_enrichment(second, captured(second))

    assert EnrichmentRequest.objects.count() == 1
    second.refresh_from_db()
    assert second.enriched_at is not None


def test_what_a_provider_tells_of_people_is_asked_for_each_of_them(service: Service) -> None:
    make_provider(service)
    first = begun()
    second = make_lead(contact=make_contact(company=Company.objects.get(pk=first.contact.company_id)))
    begin_enrichment(second, captured(second))
    assert EnrichmentRequest.objects.count() == 2


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("https://www.linkedin.com/company/nord-kaelte/about?trk=x", "https://www.linkedin.com/company/nord-kaelte"),
        ("http://de.linkedin.com/company/nord.kaelte", "https://www.linkedin.com/company/nord.kaelte"),
        ("https://linkedin.com/in/somebody", ""),
        ("https://linkedin.com.evil.example/company/nord", ""),
        ("javascript:alert(1)//linkedin.com/company/nord", ""),
    ],
)
def test_a_link_to_the_companys_page_is_kept_without_what_follows(href: str, expected: str) -> None:
    assert linkedin_page(href) == expected
    assert read_page(f'<a href="{href}">us</a>').get("linkedin", "") == expected


def test_structured_data_names_it_too() -> None:
    block = {"@type": "Organization", "sameAs": ["https://x.example", "https://linkedin.com/company/nord"]}
    page = f'<script type="application/ld+json">{json.dumps(block)}</script>'
    assert read_page(page)["linkedin"] == "https://www.linkedin.com/company/nord"


@pytest.fixture
def places(tmp_path: Path) -> str:
    """A small file in MaxMind's format."""
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="GeoLite2-City")
    told = {
        "country": {"iso_code": "CH"},
        "city": {"names": {"en": "Basel"}},
        "location": {"time_zone": "Europe/Zurich"},
    }
    from netaddr import IPSet

    writer.insert_network(IPSet(["8.8.4.0/24"]), told)
    writer.insert_network(IPSet(["8.8.8.0/24"]), {"country": "nonsense"})
    path = tmp_path / "places.mmdb"
    writer.to_db_file(str(path))
    return str(path)


def test_the_place_of_an_address_is_looked_up(places: str) -> None:
    config = {"file": places}
    assert look_up("8.8.4.4", config) == {"country": "CH", "city": "Basel", "time_zone": "Europe/Zurich"}
    for unknown in ("8.8.8.8", "9.9.9.9", "10.0.0.1", "::1", "nonsense", ""):
        assert look_up(unknown, config) == {}
    assert look_up("8.8.4.4", {"file": places + ".gone"}) == {}
    assert ipaddress.ip_address("8.8.4.4").is_global


def test_a_file_that_cannot_be_used_is_named(places: str, tmp_path: Path) -> None:
    (tmp_path / "text.mmdb").write_text("no database")
    assert check_file({"file": places}) == ""
    assert "Name the file" in check_file({})
    assert "not there" in check_file({"file": str(tmp_path / "gone.mmdb")})
    assert "format" in check_file({"file": str(tmp_path / "text.mmdb")})


def captured_from(address: str, **payload: str) -> Capture:
    told = {"email": "ann@firm.example", **payload}
    channel = make_channel("site", kind="api")
    return process_capture(str(take_in(channel, told, context={"ip": address}).capture.pk))


def test_a_lead_gets_the_place_of_its_visit_where_nothing_better_is_known(places: str) -> None:
    Provider.objects.create(
        slug="ip_place", name="Place", kind="ip_place", position=1100, config={"file": places}, is_active=True
    )
    lead = captured_from("8.8.4.4").lead
    assert lead is not None
    begin_enrichment(lead, captured(lead))
    lead.contact.refresh_from_db()
    assert (lead.contact.country, lead.contact.city) == ("CH", "Basel")


def test_a_phone_number_says_more_than_where_the_visit_came_from(places: str) -> None:
    Provider.objects.create(slug="ip_place", name="Place", kind="ip_place", position=1100, config={"file": places})
    lead = captured_from("8.8.4.4", phone="+43 1 5550100").lead
    assert lead is not None
    begin_enrichment(lead, captured(lead))
    lead.contact.refresh_from_db()
    assert lead.contact.country == "AT"


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(make_user("admin"))
    return client


def test_precedence_is_set_on_the_page(admin: Client, service: Service) -> None:
    row = make_provider(service)
    page = admin.get("/setup/enrichment/cognita/").content.decode()
    assert "Comes first for" in page
    assert "company.revenue" not in page
    told = {"name": "C", "kind": "http_json", "position": 5, "deadline_ms": 2000, "price": "0", "is_active": "on"}
    told |= {"config": json.dumps(row.config), "first_for": ["company.staff"]}
    assert admin.post("/setup/enrichment/cognita/", told).status_code == 302
    row.refresh_from_db()
    assert row.config["first_for"] == ["company.staff"]
    assert row.config["mapping"]
    del told["first_for"]
    admin.post("/setup/enrichment/cognita/", told)
    row.refresh_from_db()
    assert "first_for" not in row.config


def test_the_file_is_set_up_and_tried_on_the_page(admin: Client, places: str) -> None:
    admin.post("/setup/enrichment/add/", {"vendor": "ip_place"})
    row = Provider.objects.get()
    assert (row.is_active, row.position) == (False, 1100)
    told = {"name": "Place", "kind": "ip_place", "position": 1100, "deadline_ms": 2000, "price": "0"}
    wrong = admin.post("/setup/enrichment/ip_place/", {**told, "config": '{"file": "/nowhere"}'})
    assert wrong.status_code == 422
    assert "not there" in wrong.content.decode()
    told |= {"config": json.dumps({"file": places}), "is_active": "on"}
    assert admin.post("/setup/enrichment/ip_place/", told).status_code == 302
    page = admin.post("/setup/enrichment/ip_place/test/", {"email": "8.8.4.4"}).content.decode()
    assert "Basel" in page


def test_throw_away_domains_are_known_by_the_thousand() -> None:
    assert classify("x@mailinator.com") == "disposable"
    assert classify("x@sub.guerrillamail.com") == "disposable"
    assert classify("x@gmail.com") == "free"
    assert classify("x@bosch.com") == "business"

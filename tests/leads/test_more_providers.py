"""Homepages, mail exchangers, price, budget and pace of providers, their account and their page."""

import html
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import dns.message
import dns.rcode
import dns.rrset
import pytest
from django.test import Client
from django.utils import timezone

from leadmgmt.core.errors import PermanentError, RetryableError
from leads.enrichers.homepage import Homepage, read_page
from leads.enrichers.homepage import Question as Page
from leads.enrichers.http_json import check_config
from leads.enrichers.mail_exchange import MailExchange
from leads.enrichers.mail_exchange import Question as Domain
from leads.enrichers.vendors import VENDORS
from leads.models import Company, EnrichmentRequest, FieldValue, Provider
from leads.services.ask import ask_providers
from leads.services.enrich import begin_enrichment
from leads.services.enrichment_account import accounts
from leads.services.spending import SPENT
from tests.factories import make_user
from tests.leads.provider_server import Service, _Handler
from tests.leads.rounds import begun, captured, make_provider

pytestmark = pytest.mark.django_db

PAGE = """<html><head><title>Home | Nord Kälte</title><meta name="description" content="Cold storage for the north.">
<script type="application/ld+json">{"@context": "https://schema.org", "@graph": [{"@type": ["Organization"],
"name": "Nord Kälte GmbH", "numberOfEmployees": {"value": 120},
"address": {"addressLocality": "Kiel", "addressCountry": "DE"}}]}</script>
<script type="application/ld+json">{broken</script></head><body>x</body></html>"""


def test_a_homepage_says_who_they_are() -> None:
    assert read_page(PAGE) == {
        "name": "Nord Kälte GmbH",
        "description": "Cold storage for the north.",
        "city": "Kiel",
        "country": "DE",
        "staff": 120,
    }


@pytest.mark.parametrize("page", ["", "<", "<title>", "<script type=application/ld+json>[[[[", "\x00\xff" * 50])
def test_no_page_breaks_the_reader(page: str) -> None:
    read_page(page)


@pytest.fixture
def site(service: Service, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[int, str, dict[str, str]]]:
    """Pages by path, with status and headers."""
    pages: dict[str, tuple[int, str, dict[str, str]]] = {"/": (200, PAGE, {}), "/robots.txt": (404, "", {})}

    def content(self: Any, _behaviour: str) -> tuple[int, str, bytes, dict[str, str]]:
        status, text, headers = pages.get(self.path, (404, "", {}))
        return status, "text/html; charset=utf-8", text.encode(), headers

    monkeypatch.setattr(_Handler, "_content", content)
    return pages


def test_the_homepage_is_read_and_its_words_are_kept(service: Service, site: Any) -> None:
    Provider.objects.create(slug="homepage", name="Homepage", kind="homepage", config={"url": service.url + "/"})
    lead = begun()
    Company.objects.filter(pk=lead.contact.company_id).update(domain="rheintal.example")
    lead.contact.refresh_from_db()
    begin_enrichment(lead, captured(lead))
    ask_providers()
    company = Company.objects.get(pk=lead.contact.company_id)
    assert company.description == "Cold storage for the north."
    assert FieldValue.objects.filter(company=company, origin="homepage").exists()


def test_robots_are_respected(service: Service, site: Any) -> None:
    site["/robots.txt"] = (200, "User-agent: *\nDisallow: /", {})
    assert Homepage.ask(Page(service.url + "/", 2)) is None
    site["/robots.txt"] = (200, "User-agent: Other\nDisallow: /", {})
    assert Homepage.ask(Page(service.url + "/", 2)) is not None


def test_a_page_that_leads_elsewhere_is_followed_a_few_times_and_checked_anew(service: Service, site: Any) -> None:
    site["/"] = (302, "", {"Location": "/de/"})
    site["/de/"] = (200, PAGE, {})
    told = Homepage.ask(Page(service.url + "/", 2))
    assert told is not None
    assert told["city"] == "Kiel"
    site["/de/"] = (302, "", {"Location": "/"})
    with pytest.raises(PermanentError, match="on and on"):
        Homepage.ask(Page(service.url + "/", 2))
    site["/"] = (302, "", {"Location": "http://169.254.169.254/"})
    with pytest.raises(Exception, match="private network"):
        Homepage.ask(Page(service.url + "/", 2))


class _Names(socketserver.BaseRequestHandler):
    """A name server that knows three domains."""

    def handle(self) -> None:
        data, line = self.request
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(), question.rdtype
        answer = dns.message.make_response(query)
        if name == "silent.example.":
            return
        if name == "gone.example.":
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif name == "mail.example." and kind == 15:
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "MX", "10 mx.mail.example."))
        elif name == "nomail.example." and kind == 15:
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "MX", "0 ."))
        elif name == "bare.example." and kind == 1:
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.1"))
        line.sendto(answer.to_wire(), self.client_address)


@contextmanager
def name_server() -> Iterator[int]:
    server = socketserver.ThreadingUDPServer(("127.0.0.1", 0), _Names)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("mail.example", "receives"),
        ("bare.example", "receives"),
        ("nomail.example", "none"),
        ("gone.example", "none"),
        ("empty.example", "none"),
    ],
)
def test_the_name_server_says_whether_mail_arrives(settings: Any, domain: str, expected: str) -> None:
    with name_server() as port:
        settings.DNS_SERVERS, settings.DNS_PORT = ["127.0.0.1"], port
        assert MailExchange.ask(Domain(domain, 1.0)) == expected


def test_a_silent_name_server_is_asked_again_later(settings: Any) -> None:
    with name_server() as port:
        settings.DNS_SERVERS, settings.DNS_PORT = ["127.0.0.1"], port
        with pytest.raises(RetryableError, match="no answer"):
            MailExchange.ask(Domain("silent.example", 0.5))


@pytest.mark.parametrize("slug", [slug for slug, vendor in VENDORS.items() if "kind" not in vendor])
def test_every_ready_made_configuration_can_be_used(slug: str) -> None:
    assert check_config(VENDORS[slug]["config"]) == {}


def test_what_is_known_is_not_paid_for_again(service: Service) -> None:
    make_provider(service, config={"mapping": {"contact.job_title": "person.titles.0"}})
    lead = begun(job_title="CEO")
    assert not EnrichmentRequest.objects.exists()
    assert lead.enriched_at is not None


def test_an_answer_costs_its_price_and_a_spent_budget_ends_the_asking(service: Service) -> None:
    provider = make_provider(service, price=Decimal("0.40"), budget=Decimal("1.00"))
    for number in range(4):
        begun(email=f"a{number}@firm{number}.example")
    ask_providers()
    paid = EnrichmentRequest.objects.filter(cost=Decimal("0.4"))
    assert paid.count() == 2
    given_up = EnrichmentRequest.objects.filter(error=SPENT)
    assert given_up.count() == 2
    assert set(given_up.values_list("status", flat=True)) == {"empty"}
    account = accounts([provider], timezone.now())[provider.pk]
    assert (account.asked, account.answered, account.cost) == (4, 2, Decimal("0.8"))
    assert account.cost_per_value is not None
    assert account.shown_on == 2


def test_nothing_known_costs_nothing(service: Service) -> None:
    service.behaviour = "unknown"
    make_provider(service, price=Decimal("0.40"))
    begun()
    ask_providers()
    assert EnrichmentRequest.objects.get().cost == 0


def test_no_more_are_asked_in_a_minute_than_is_allowed(service: Service) -> None:
    make_provider(service, rate_per_minute=2)
    for number in range(5):
        begun(email=f"a{number}@firm{number}.example")
    ask_providers()
    assert len(service.asked) == 2
    EnrichmentRequest.objects.filter(status="done").update(started_at=timezone.now() - timedelta(minutes=2))
    EnrichmentRequest.objects.filter(status="waiting").update(next_try_at=None)
    ask_providers()
    assert len(service.asked) == 4


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(make_user("admin"))
    return client


def text(response: Any) -> str:
    return html.unescape(response.content.decode())


def test_a_ready_made_provider_is_added_switched_off_and_its_key_never_shown(admin: Client) -> None:
    page = text(admin.post("/setup/enrichment/add/", {"vendor": "hunter"}, follow=True))
    provider = Provider.objects.get()
    assert (provider.slug, provider.is_active) == ("hunter", False)
    told = {"name": "Hunter", "kind": "http_json", "position": 5, "deadline_ms": 2000, "price": "0.02"}
    told["is_active"] = "on"
    told |= {"new_secret": "top-secret", "config": json.dumps(provider.config)}
    admin.post("/setup/enrichment/hunter/", told)
    provider.refresh_from_db()
    assert provider.is_active
    assert "top-secret" not in provider.secret
    page = text(admin.get("/setup/enrichment/hunter/"))
    assert "top-secret" not in page
    assert "Hunter" in text(admin.get("/setup/enrichment/"))


def test_a_configuration_that_cannot_be_used_is_said_beside_its_field(admin: Client) -> None:
    admin.post("/setup/enrichment/add/", {"vendor": "", "name": "Ours"})
    told = {"name": "Ours", "kind": "http_json", "position": 5, "deadline_ms": 50, "price": "0"}
    told["config"] = '{"url": "x"}'
    response = admin.post(f"/setup/enrichment/{Provider.objects.get().slug}/", told)
    assert response.status_code == 422
    assert "Write the address" in text(response)
    assert "Write 100 to 30000" in text(response)


def test_the_try_button_shows_what_would_be_offered_and_keeps_nothing(admin: Client, service: Service) -> None:
    make_provider(service)
    page = text(admin.post("/setup/enrichment/cognita/test/", {"email": "ann@firm.example"}))
    assert "Refrigeration" in page
    assert not FieldValue.objects.exists()
    assert not EnrichmentRequest.objects.exists()
    service.behaviour = "forbidden"
    assert "403" in text(admin.post("/setup/enrichment/cognita/test/", {"email": "ann@firm.example"}))
    assert "@-sign" in text(admin.post("/setup/enrichment/cognita/test/", {"email": "nonsense"}))


def test_only_admins_set_providers_up(client: Client) -> None:
    client.force_login(make_user("marketing"))
    assert client.get("/setup/enrichment/").status_code == 403

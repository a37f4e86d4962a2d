"""Rounds of enrichment for tests: a configured provider, a lead whose round has begun, threads of their own."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection, connections

from leads.events import record_event
from leads.models import Lead, LeadEvent, Provider
from leads.services.enrich import begin_enrichment
from tests.factories import make_company, make_contact, make_lead
from tests.leads.provider_server import Service

MAPPING = {
    "company.staff": "company.size",
    "company.industry": "company.sector",
    "contact.job_title": "person.titles.0",
}


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

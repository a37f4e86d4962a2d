"""Leads as a CSV, streamed: no cell becomes a formula, no row waits for another."""

import csv
from collections.abc import Iterator
from typing import Any

from leadmgmt.core.csv_cells import Echo, safe_row
from leads.models import Lead
from leads.querysets import LeadQuerySet

HEADINGS = (
    "lead",
    "first_name",
    "last_name",
    "email",
    "phone",
    "job_title",
    "company",
    "country",
    "stage",
    "grade",
    "win_probability",
    "owner",
    "source",
    "campaign",
    "subject",
    "first_seen_at",
    "last_touch_at",
    "first_touched_at",
    "reason",
)


def csv_lines(leads: LeadQuerySet) -> Iterator[str]:
    """The heading and one line per lead; times in UTC as ISO 8601. Begins with a mark that spreadsheets need."""
    writer = csv.writer(Echo())
    yield "\ufeff"
    yield writer.writerow(HEADINGS)
    for lead in leads.with_people().iterator(chunk_size=2000):
        yield writer.writerow(safe_row(_cells(lead)))


def _cells(lead: Lead) -> list[Any]:
    contact = lead.contact
    return [
        lead.pk,
        contact.first_name,
        contact.last_name,
        contact.email,
        contact.phone or contact.phone_raw,
        contact.job_title,
        contact.company.name if contact.company else "",
        contact.country,
        lead.stage,
        lead.grade,
        lead.win_probability,
        lead.owner.email if lead.owner else "",
        lead.source.slug if lead.source else "",
        lead.campaign.key if lead.campaign else "",
        lead.subject,
        lead.first_seen_at.isoformat(),
        lead.last_touch_at.isoformat(),
        lead.first_touched_at.isoformat() if lead.first_touched_at else "",
        lead.reason.code if lead.reason else "",
    ]

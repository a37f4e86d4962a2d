"""A file in bulk is the same as each of its rows through the one service."""

from pathlib import Path
from typing import Any

import pytest

from leads.imports.batch import row_key, row_payload
from leads.imports.propose import propose
from leads.imports.run import import_file
from leads.imports.table import open_table
from leads.models import (
    Campaign,
    Capture,
    Company,
    Consent,
    Contact,
    FieldValue,
    ImportRun,
    Lead,
    LeadEvent,
    Source,
    Touchpoint,
)
from leads.normalise.refusal import Refused
from leads.services.capture import receive
from tests.factories import make_channel
from tests.leads.test_import_leads import write

pytestmark = pytest.mark.django_db

MIXED = """email,external_id,first_name,phone,company,country,source,utm_campaign,date,subject,size
ann@firm.example,,Ann,0721 5550 1840,Firm GmbH,Germany,google,spring,2026-03-01,demo,30
,x1,,,,,,,2026-03-02,,
ANN@firm.example,,Anna,,FIRM,DE,linkedin,,2026-03-04,pricing,40
bob@firm.example,x2,Bob,,,,Google,spring,2026-03-05,,
,x2,Robert,,,,,,2026-03-06,demo,
cleo@gmail.com,x1,Cleo,,Other AG,FR,unknown,,2026-03-07,,
,,Dan,0721 5550 1999,,,,,2026-03-08,,
,,Daniel,+49 721 55501999,,,,,2026-03-09,,
eve@gmail.com,,Eve,call me,Firm,,,,2026-03-10,,7
eve@gmail.com,,Eve,,Firm,,,,2026-02-10,,8
frank@other.example,,Frank,,,,GOOGLE,autumn,2026-03-11,,
not an address,x9,Gil,,,Narnia,,,2026-03-12,,
cleo@gmail.com,,Cleo,,,,,,2026-03-13,,
"""


def _picture() -> dict[str, Any]:
    """Everything that counts, without numbers given by the database."""
    contacts = {contact.pk: index for index, contact in enumerate(Contact.objects.order_by("pk"))}
    leads = {lead.pk: index for index, lead in enumerate(Lead.objects.order_by("pk"))}
    return {
        "contacts": [
            (
                c.email,
                c.email_key,
                c.phone,
                c.phone_raw,
                c.full_name,
                c.country,
                c.attributes,
                c.company and c.company.name,
            )
            for c in Contact.objects.select_related("company").order_by("pk")
        ],
        "identities": sorted(
            (identity.external_id, contacts[identity.contact_id])
            for contact in Contact.objects.all()
            for identity in contact.identities.all()
        ),
        "companies": sorted(Company.objects.values_list("name", "name_key", "domain", "country")),
        "leads": [
            (
                contacts[lead.contact_id],
                lead.stage,
                lead.subject,
                lead.first_seen_at,
                lead.last_touch_at,
                lead.is_history,
                lead.source and lead.source.name,
                lead.campaign and lead.campaign.key,
            )
            for lead in Lead.objects.select_related("source", "campaign").order_by("pk")
        ],
        "touches": [
            (leads[t.lead_id], t.at, t.kind, t.subject, t.utm_campaign, t.source and t.source.name)
            for t in Touchpoint.objects.select_related("source").order_by("pk")
        ],
        "events": [
            (leads[e.lead_id], e.kind, e.at, e.needs_step, e.data["match"], e.data["source"])
            for e in LeadEvent.objects.order_by("pk")
        ],
        "values": sorted(
            (contacts[v.contact_id], v.field, str(v.value), v.origin, v.at, str(v.replaced))
            for v in FieldValue.objects.filter(contact__isnull=False)
            if v.contact_id
        ),
        "captures": [
            (c.status, c.match_reason, c.external_id, c.occurred_at, c.problems, c.payload)
            for c in Capture.objects.filter(status="accepted").order_by("touchpoint__pk")
        ],
    }


@pytest.mark.parametrize("history", [True, False])
@pytest.mark.parametrize("copies", [1, 40])
def test_a_file_in_bulk_is_the_same_as_each_row_through_the_one_service(
    tmp_path: Path, history: bool, copies: int
) -> None:
    """With many rows COPY and set-based updates write, with few the ORM: all three have to agree."""
    head, *lines = MIXED.strip().split("\n")
    people = [_another(line, number) for number in range(copies) for line in lines]
    path = write(tmp_path, "\n".join([head, *people]) + "\n")
    table = open_table(path)
    mapper = propose(table.headers, table.sample())
    object.__setattr__(mapper, "history", history)

    channel = make_channel("file", kind="import")
    outcome = import_file(path, channel, mapper)
    bulk = _picture()
    _forget_all()
    record = ImportRun.objects.create(
        channel=channel, file_name="x", started_at=outcome.run.started_at, mapping=mapper.as_json()
    )
    refused = 0
    for row in table.rows():
        raw = row_payload(row)
        context = {"run": record.pk, "line": row.line} | ({"history": True} if history else {})
        try:
            receive(
                channel,
                raw,
                received_at=outcome.run.started_at,
                idempotency_key=row_key(raw),
                external_id=raw.get("external_id", ""),
                context=context,
            )
        except Refused:
            refused += 1
    single = _picture()

    assert len(bulk["touches"]) == outcome.rows - outcome.refused_count >= 12 * copies
    for part, expected in single.items():
        assert bulk[part] == expected, part
    assert outcome.refused_count == refused


def _another(line: str, number: int) -> str:
    """The same story about other people of the same companies."""
    return line.replace("5550", f"5{500 + number}").replace("@", f"{number}@").replace(",x", f",x{number}-")


def _forget_all() -> None:
    models: tuple[Any, ...] = (Touchpoint, LeadEvent, Consent, Capture, Lead, Contact, Company, Campaign, Source)
    for model in models:
        model.objects.all().delete()

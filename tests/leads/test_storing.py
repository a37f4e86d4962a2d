"""Statements that are put together once write what the ORM would have written."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leads.models import Company, Contact, FieldValue, LeadEvent
from leads.services.storing import insert_many, update_one, upsert_many
from tests.factories import make_company, make_contact, make_lead

pytestmark = pytest.mark.django_db


def test_inserted_rows_get_their_numbers_in_order() -> None:
    lead = make_lead()
    rows = [
        LeadEvent(lead=lead, kind=f"test.{n}", at=timezone.now(), recorded_at=timezone.now(), data={"n": n})
        for n in range(3)
    ]

    with CaptureQueriesContext(connection) as queries:
        insert_many(rows)

    assert len(queries) == 1
    assert [LeadEvent.objects.get(pk=row.pk).data["n"] for row in rows] == [0, 1, 2]
    assert not any(row._state.adding for row in rows)


def test_a_row_points_at_one_that_got_its_number_after_it_was_assigned() -> None:
    company = Company(name="Nordwind", name_key="nordwind")
    contact = Contact(company=company, first_name="Ada")
    insert_many([company])
    insert_many([contact])

    assert contact.company_id == company.pk
    assert contact.company is company
    assert Contact.objects.get(pk=contact.pk).company_id == company.pk


def test_times_of_writing_are_those_of_each_write() -> None:
    first, second = Company(name="One", name_key="one"), Company(name="Two", name_key="two")
    insert_many([first])
    insert_many([second])
    first.refresh_from_db(), second.refresh_from_db()
    assert first.created_at < second.created_at
    assert first.created_at == first.updated_at

    update_one(first, ("name", "updated_at"))
    first.refresh_from_db()
    assert first.updated_at > second.updated_at
    assert first.created_at < second.created_at


def test_an_update_writes_the_named_fields_only() -> None:
    contact = make_contact(first_name="Ada", last_name="Lovelace", company=None)
    contact.first_name, contact.last_name, contact.company = "Grace", "Hopper", make_company()
    contact.attributes = {"size": "ü"}

    update_one(contact, ("first_name", "company", "attributes"))

    kept = Contact.objects.get(pk=contact.pk)
    assert (kept.first_name, kept.last_name) == ("Grace", "Lovelace")
    assert kept.company == contact.company
    assert kept.attributes == {"size": "ü"}


@pytest.mark.parametrize("count", [2, 150])
def test_known_rows_are_updated_and_unknown_ones_inserted(count: int) -> None:
    contact, at = make_contact(), timezone.now()
    unique, names = ("contact", "field", "origin"), ("value", "at")
    insert_many([FieldValue(contact=contact, field="city", origin="origin-0", value="Ulm", confidence=0.5, at=at)])

    upsert_many(
        [
            FieldValue(
                contact=contact, field="city", origin=f"origin-{n}", value=n, confidence=1, at=at + timedelta(hours=1)
            )
            for n in range(count)
        ],
        unique,
        names,
    )

    assert FieldValue.objects.filter(contact=contact, field="city").count() == count
    known = FieldValue.objects.get(contact=contact, origin="origin-0")
    assert (known.value, known.confidence, known.at) == (0, 0.5, at + timedelta(hours=1))

"""Values with their origin: everybody's is kept, the best one is shown."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from leads.models import Company, FieldValue, Provider
from leads.services.provenance import Offer, offer, offer_all
from tests.factories import make_company, make_contact

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def blank_company() -> Company:
    return make_company(staff=None, industry="", country="")


def test_belief_goes_person_then_lead_then_crm_then_providers_by_position() -> None:
    Provider.objects.create(slug="first", name="First", kind="http_json", position=1)
    Provider.objects.create(slug="second", name="Second", kind="http_json", position=2)
    company = blank_company()

    shown = []
    for origin, staff in (
        ("phone", 1),
        ("second", 2),
        ("first", 3),
        ("second", 4),
        ("crm:local", 5),
        ("first", 6),
        ("form", 7),
        ("crm:local", 8),
        ("person", 9),
        ("form", 10),
    ):
        offer(company, "staff", staff, origin, at=AT)
        company.refresh_from_db()
        shown.append(company.staff)

    assert shown == [1, 2, 3, 3, 5, 5, 7, 7, 9, 9]
    assert FieldValue.objects.filter(company=company, field="staff").count() == 6


def test_within_one_rank_the_surer_then_the_newer_value_counts() -> None:
    company = blank_company()

    assert offer(company, "industry", "Heating", "phone", 0.5, at=AT)
    assert offer(company, "industry", "Cooling", "place", 0.9, at=AT)
    assert not offer(company, "industry", "Plumbing", "email_class", 0.7, at=AT + timedelta(days=1))
    assert offer(company, "industry", "Refrigeration", "company_domain", 0.9, at=AT + timedelta(days=1))

    company.refresh_from_db()
    assert company.industry == "Refrigeration"


def test_a_new_word_of_the_same_origin_replaces_the_old_and_keeps_it() -> None:
    company = blank_company()
    offer(company, "revenue", "61000000.5", "first", at=AT)

    offer(company, "revenue", 62000000, "first", at=AT + timedelta(days=1))

    company.refresh_from_db()
    row = FieldValue.objects.get(field="revenue")
    assert company.revenue == Decimal("62000000.00")
    assert (row.value, row.at) == (62000000.0, AT + timedelta(days=1))
    assert row.replaced == {"value": 61000000.5, "at": AT.isoformat()}


def test_saying_the_same_again_changes_nothing(django_assert_max_num_queries: Any) -> None:
    company = blank_company()
    offer(company, "staff", 420, "first", at=AT)

    with django_assert_max_num_queries(6):
        assert offer(company, "staff", 420, "first", at=AT + timedelta(days=1)) is False

    row = FieldValue.objects.get()
    assert (row.at, row.replaced) == (AT, None)


def test_what_stands_there_without_an_origin_stays_unless_a_person_or_the_lead_says_otherwise() -> None:
    contact = make_contact(city="Karlsruhe")

    assert not offer(contact, "city", "Mannheim", "phone", 0.9, at=AT)
    assert offer(contact, "city", "Pforzheim", "form", at=AT)

    contact.refresh_from_db()
    assert contact.city == "Pforzheim"


def test_a_company_that_is_renamed_is_found_by_its_new_name() -> None:
    company = make_company(name="Rheintal", name_key="rheintal")
    offer(company, "name", "Rheintal", "company_domain", 0.2, at=AT)

    offer(company, "name", "Rheintal Kältetechnik GmbH", "first", 0.9, at=AT)

    company.refresh_from_db()
    assert (company.name, company.name_key) == ("Rheintal Kältetechnik GmbH", "rheintal kaltetechnik")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("staff", "many"),
        ("staff", True),
        ("staff", -1),
        ("staff", 1.5),
        ("staff", None),
        ("revenue", "nan"),
        ("revenue", 10**14),
        ("revenue", [1]),
        ("country", "Atlantis"),
        ("website", "javascript:alert(1)"),
        ("industry", ""),
        ("industry", "x" * 121),
        ("industry", {"a": 1}),
    ],
)
def test_a_value_that_the_field_cannot_hold_is_refused_and_nothing_is_kept(field: str, value: Any) -> None:
    company = blank_company()

    with pytest.raises(ValueError, match="expected"):
        offer_all(company, [Offer("city", "Karlsruhe", "first"), Offer(field, value, "first")], at=AT)

    company.refresh_from_db()
    assert company.city == ""
    assert not FieldValue.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        ("country", "Deutschland", "DE"),
        ("time_zone", "Europe/Berlin", "Europe/Berlin"),
        ("language", "de-AT", "de"),
        ("seniority", "HEAD", "head"),
        ("phone", "+497215550184", "+497215550184"),
    ],
)
def test_values_are_stored_in_one_form(field: str, value: Any, stored: str) -> None:
    contact = make_contact(country="", phone="", first_name="")

    offer(contact, field, value, "first", at=AT)

    contact.refresh_from_db()
    assert getattr(contact, field) == stored


@pytest.mark.parametrize(
    ("field", "value"),
    [("time_zone", "Mars/Base"), ("time_zone", "../../etc/passwd"), ("language", "9"), ("phone", "0721"), ("phone", 5)],
)
def test_a_person_gets_no_nonsense_either(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match="expected"):
        offer(make_contact(), field, value, "first", at=AT)

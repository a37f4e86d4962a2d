"""Companies by domain, by further domains and names, and what counts for a subsidiary."""

from typing import Any

import pytest
from django.utils import timezone

from leadmgmt.core.errors import InvalidInput
from leads.conditions import parse
from leads.models import Capture, Company, Contact, Lead
from leads.services.capture import receive
from leads.services.companies import add_alias, rematch
from tests.factories import make_channel, make_user

pytestmark = pytest.mark.django_db


def got(**payload: Any) -> Contact:
    capture: Capture = receive(make_channel("website"), payload).capture
    assert capture.contact is not None
    return capture.contact


def test_a_further_domain_leads_to_the_company() -> None:
    nord = got(email="ann@nord.example", company="Nord GmbH").company
    assert nord is not None
    add_alias(nord, "domain", "https://www.nord-gruppe.example/")
    assert got(email="ben@nord-gruppe.example").company == nord
    assert Company.objects.count() == 1


def test_a_further_name_leads_to_the_company() -> None:
    nord = got(email="ann@nord.example", company="Nord GmbH").company
    assert nord is not None
    add_alias(nord, "name", "Nordland Holding AG")
    assert got(phone="+49 30 901820", company="NORDLAND").company == nord


def test_who_is_known_already_moves_in_and_only_once() -> None:
    nord = got(email="ann@nord.example", company="Nord GmbH").company
    ben = got(email="ben@nord-gruppe.example")
    assert nord is not None
    assert ben.company != nord
    add_alias(nord, "domain", "nord-gruppe.example")
    ben.refresh_from_db()
    assert ben.company == nord
    assert rematch(nord) == 0


def test_a_free_mail_domain_is_no_companys() -> None:
    nord = got(email="ann@nord.example", company="Nord GmbH").company
    assert nord is not None
    with pytest.raises(InvalidInput):
        add_alias(nord, "domain", "gmail.com")


def test_a_domain_leads_to_one_company() -> None:
    nord = got(email="ann@nord.example", company="Nord GmbH").company
    sued = got(email="ben@sued.example", company="Sued GmbH").company
    assert nord is not None
    assert sued is not None
    add_alias(nord, "domain", "both.example")
    with pytest.raises(InvalidInput, match="Nord"):
        add_alias(sued, "domain", "both.example")


def test_an_owner_and_a_customer_above_count_for_the_subsidiary() -> None:
    owner = make_user("ae")
    parent = Company.objects.create(name="Group", domain="group.example", account_owner=owner, is_customer=True)
    nord = got(email="ann@nord.example", company="Nord GmbH").company
    assert nord is not None
    assert nord.keeper_id is None
    Company.objects.filter(pk=nord.pk).update(parent=parent)
    assert Company.objects.get(pk=nord.pk).keeper_id == owner.pk
    condition = parse({"fact": "company.is_customer", "op": "is_true"})
    assert Lead.objects.filter(condition.to_q(timezone.now())).exists()

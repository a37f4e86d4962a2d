"""Lists of companies, and whether a lead's company has a deal that is open."""

from typing import Any

import pytest
from django.urls import reverse

from crmsync.models import Opportunity
from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leads.conditions import parse
from leads.facts import facts_of, lead_facts
from leads.models import Lead, NamedList, NamedListEntry
from leads.normalise.company import name_key
from leads.services.named_lists import ListInUse, delete_list, save_list
from tests.factories import make_company, make_contact, make_lead, make_user
from tests.routing.things import ALWAYS, make_rules, page, signed_in

pytestmark = pytest.mark.django_db
NAME = "company.has_open_opportunity"


def is_true(fact: str) -> dict[str, Any]:
    return {"fact": fact, "op": "is_true"}


def both_ways(fact: str, leads: list[Lead]) -> list[bool]:
    """What Python says of each lead; SQL has to say the same."""
    condition, at = parse(is_true(fact)), leads[0].captured_at
    facts = facts_of([lead.pk for lead in leads], at)
    told = [condition.holds(facts[lead.pk]) for lead in leads]
    found = set(Lead.objects.filter(condition.to_q(at)).values_list("pk", flat=True))
    assert [lead.pk in found for lead in leads] == told
    refused = set(Lead.objects.filter(parse({"not": is_true(fact)}).to_q(at)).values_list("pk", flat=True))
    assert [lead.pk not in refused for lead in leads] == told
    return told


def test_a_list_of_domains_knows_company_and_address() -> None:
    save_list("target", "Targets", "domain", "https://www.Nord.example/contact\n\nsued.example\n")
    leads = [
        make_lead(contact=make_contact(company=make_company(name="Nord", domain="nord.example"))),
        make_lead(contact=make_contact(email="ann@SUED.example")),
        make_lead(contact=make_contact(email="ann@west.example", company=make_company(name="W", domain=None))),
        make_lead(contact=make_contact(email="")),
    ]

    assert both_ways("list.target", leads) == [True, True, False, False]


def test_a_list_of_names_reads_names_as_matching_does() -> None:
    save_list("target", "Targets", "company", "Müller & Söhne GmbH\nOst AG")
    leads = [
        make_lead(contact=make_contact(company=make_company(name=name, name_key=name_key(name), domain=None)))
        for name in ("MÜLLER & SÖHNE", "Ost GmbH", "West")
    ]

    assert both_ways("list.target", leads) == [True, True, False]


def test_a_list_is_taken_whole_or_not_at_all() -> None:
    save_list("target", "Targets", "domain", "nord.example")

    with pytest.raises(InvalidInput) as wrong:
        save_list("target", "Targets", "domain", "sued.example\nno domain\nwest.example\n???")

    assert wrong.value.fields["entries"].split("\n") == [
        "Line 2: “no domain” is no domain.",
        "Line 4: “???” is no domain.",
    ]
    assert list(NamedListEntry.objects.values_list("key", flat=True)) == ["nord.example"]


def test_a_list_that_a_rule_asks_for_stays() -> None:
    save_list("target", "Targets", "domain", "nord.example")
    make_rules(("Targets", is_true("list.target"), None), ("Rest", ALWAYS, None))
    with pytest.raises(ListInUse):
        delete_list("target", [is_true("list.target")])

    answer = signed_in(make_user("admin")).post(reverse("routing:named_list_delete", args=["target"]))

    assert answer.status_code in (302, 409)
    assert NamedList.objects.exists()


def test_it_says_itself() -> None:
    save_list("target", "Targets", "domain", "nord.example")
    condition = parse(is_true("list.target"))

    assert condition.sentence("en") == "the company is on the list “Targets”"
    assert condition.sentence("de") == "das Unternehmen steht auf der Liste „Targets“"


def test_pages() -> None:
    client = signed_in(make_user("admin"))
    form = {"name": "Targets", "slug": "target", "kind": "domain", "entries": "nord.example\nsued.example"}

    made = client.post(reverse("routing:named_list_new"), form)
    again = client.post(reverse("routing:named_list_new"), form)
    broken = client.post(reverse("routing:named_list", args=["target"]), form | {"entries": "?"})

    assert made.status_code == 302
    assert (again.status_code, broken.status_code) == (422, 422)
    assert "“?” is no domain" in broken.content.decode()
    assert "Targets" in page(client, "routing:named_list_list")
    assert "on the list “Targets”" in page_of_new_rule(client)
    for role in ("sdr", "manager"):
        other = signed_in(make_user(role))
        assert other.get(reverse("routing:named_list", args=["target"])).status_code == 200
        assert other.post(reverse("routing:named_list", args=["target"]), form).status_code == 404
        assert other.post(reverse("routing:named_list_delete", args=["target"])).status_code == 403
    client.post(reverse("routing:named_list_delete", args=["target"]))
    assert not NamedList.objects.exists()


def page_of_new_rule(client: Any) -> str:
    make_rules(("All", ALWAYS, None), status="draft")
    return page(client, "routing:rule_add")


def test_an_open_deal_of_the_company_is_known_to_its_other_leads() -> None:
    company, other = make_company(name="Nord", domain="nord.example"), make_company(name="Süd", domain="sued.example")
    first, second, third, alone = (
        make_lead(contact=make_contact(company=one)) for one in (company, company, other, None)
    )
    deal = Opportunity.objects.create(lead=first, name="Deal", created_at=now())

    # A lead's own deal says nothing about it that its stage does not.
    assert both_ways(NAME, [first, second, third, alone]) == [False, True, False, False]
    Opportunity.objects.filter(pk=deal.pk).update(stage="lost", closed_at=second.captured_at)
    assert lead_facts(second, second.captured_at)[NAME] is False

"""Facts: what is known about a lead, in a fixed number of queries."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leads.facts import FACTS, Bundle, Fact, Family, fact_named, facts_of, lead_facts, register_fact, register_family
from leads.facts.lists import named_lists
from leads.facts.places import divisions
from leads.facts.registry import FAMILIES
from leads.models import Channel, Lead, Source
from qualification.models import Answer, Framework, Question
from tests.factories import make_channel, make_company, make_contact, make_lead, make_source, make_touchpoint

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def known_lead() -> Lead:
    company = make_company(name="Rheintal Technik", domain="rheintal.example", staff=420, revenue="61000000.50")
    contact = make_contact(
        email="A.Hoffmann@rheintal.example",
        company=company,
        country="DE",
        email_class="business",
        attributes={"technicians": "45", "newsletter": True, "list": [1], "nothing": None},
    )
    lead = make_lead(
        at=AT - timedelta(days=3, hours=1),
        contact=contact,
        channel=make_channel("demo", kind=Channel.Kind.FORM),
        source=make_source("google-ads", kind=Source.Kind.PAID),
        subject="demo",
        fit=80,
        engagement=70,
        grade="A2",
    )
    make_touchpoint(lead, at=AT - timedelta(days=3), utm_source="google", landing_page="/first")
    make_touchpoint(lead, at=AT - timedelta(days=1), utm_source="", utm_campaign="spring", landing_page="/last")
    return lead


def test_facts_are_flat_named_and_json() -> None:
    facts = lead_facts(known_lead(), AT)

    assert json.loads(json.dumps(facts)) == facts
    expected = {
        "now": AT.isoformat(),
        "lead.stage": "new",
        "lead.subject": "demo",
        "lead.source": "google-ads",
        "lead.source_kind": "paid",
        "lead.channel": "demo",
        "lead.channel_kind": "form",
        "lead.campaign": None,
        "lead.age_days": 3,
        "lead.is_reachable": True,
        "contact.email_domain": "rheintal.example",
        "contact.email_class": "business",
        "contact.seniority": None,
        "company.staff": 420,
        "company.revenue": 61000000.5,
        "company.is_customer": False,
        "company.has_owner": False,
        "touch.count": 2,
        "touch.last_kind": "form",
        "touch.utm_source": None,
        "touch.utm_campaign": "spring",
        "touch.landing_page": "/last",
        "score.fit": 80,
        "score.grade": "A2",
        "attributes.technicians": "45",
        "attributes.newsletter": True,
    }
    assert {name: facts[name] for name in expected} == expected
    assert "attributes.list" not in facts
    assert "attributes.nothing" not in facts


def test_a_lead_of_which_nothing_is_known_has_facts_too() -> None:
    lead = make_lead(contact=make_contact(email="", phone="", country=""), at=AT)

    facts = lead_facts(lead, AT)

    assert facts["lead.is_reachable"] is False
    assert facts["company.name"] is None
    assert facts["touch.count"] == 0
    assert facts["score.fit"] is None


def test_the_number_of_queries_does_not_grow(django_assert_max_num_queries: Any) -> None:
    leads = [known_lead_like(n) for n in range(20)]

    divisions(), named_lists()
    # One of them asks whether territories and lists are still the same, one for deals of the companies.
    with django_assert_max_num_queries(5):
        one = lead_facts(leads[0], AT)
    with django_assert_max_num_queries(5):
        many = facts_of([lead.pk for lead in leads], AT)

    assert len(many) == 20
    assert many[leads[0].pk] == one


def known_lead_like(number: int) -> Lead:
    lead = make_lead(contact=make_contact(company=make_company()), at=AT)
    make_touchpoint(lead, at=AT)
    return lead


def test_answers_are_facts() -> None:
    lead = make_lead(at=AT)
    question = Question.objects.create(
        framework=Framework.objects.create(slug="x", name="X"), key="budget", label_en="B"
    )
    Answer.objects.create(lead=lead, question=question, value="31000", is_met=False, at=AT, superseded_at=AT)
    Answer.objects.create(lead=lead, question=question, value="18000", is_met=True, at=AT)

    facts = lead_facts(lead, AT)

    assert facts["answers.budget"] == "18000"
    assert facts["answers.budget.met"] is True


def test_higher_apps_add_facts_and_families() -> None:
    def read(bundle: Bundle) -> int:
        return bundle.touches * 2

    try:
        register_fact(Fact("test.double", "number", "double", "doppelt", read))
        register_family(
            Family("test", lambda key: None, lambda bundles: {one.lead.pk: {"test.x": 1} for one in bundles})
        )
        lead = make_lead(at=AT)
        make_touchpoint(lead, at=AT)

        facts = lead_facts(lead, AT)

        assert facts["test.double"] == 2
        assert facts["test.x"] == 1
    finally:
        FACTS.pop("test.double")
        FAMILIES.pop("test")


def test_facts_are_found_by_name() -> None:
    found = fact_named("attributes.technicians")

    assert found is not None
    assert found.kind == "any"
    assert fact_named("attributes.") is None
    assert fact_named("contact.shoe_size") is None
    labels = [(fact.label_en, fact.label_de) for fact in FACTS.values()]
    assert all(en and de for en, de in labels)

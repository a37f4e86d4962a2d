"""A certificate can be run again, shows every change, and the database refuses to change it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from routing.certify import verify
from routing.models import Certificate, LedgerEntry
from routing.services.inspect import content_of, verify_certificate
from tests.factories import make_company, make_contact, make_lead, make_pool, make_rep
from tests.routing.things import ALWAYS, is_in, make_rules, route

pytestmark = pytest.mark.django_db


@pytest.fixture
def certificate() -> Certificate:
    """A decision by draw between two of three, the third stopped, after a rule that did not match."""
    company = make_company(staff=420, revenue="1234567.80")
    contact = make_contact(
        company=company, attributes={"budget": 1e22, "share": 0.1, "note": "Größe – „viel“", "n": 3.0}
    )
    pool = make_pool(make_rep(), make_rep(), make_rep(is_accepting=False))
    make_rules(
        ("France", is_in("contact.country", "FR"), pool),
        (
            "Large",
            {"all": [is_in("contact.country", "DE"), {"fact": "company.staff", "op": "gte", "value": 200}]},
            pool,
        ),
        ("Rest", ALWAYS, pool),
    )
    lead = make_lead(contact=contact)
    route(lead)
    return Certificate.objects.get(lead=lead)


def test_a_certificate_runs_again_from_itself_alone(certificate: Certificate) -> None:
    make_rules(version=2, status="draft")

    verdict = verify_certificate(certificate)

    assert (verdict.digest_holds, verdict.same_rule, verdict.same_rep, verdict.holds) == (True, True, True, True)
    assert certificate.draw["by"] == "draw"
    assert len(certificate.draw["tied"]) == 2


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("facts", lambda facts: facts | {"company.staff": 421}),
        ("rules", lambda rules: [rules[0] | {"held": True}, *rules[1:]]),
        ("candidates", lambda people: [people[0] | {"balance": "1"}, *people[1:]]),
        ("draw", lambda draw: draw | {"seed": "another"}),
        ("outcome", lambda outcome: "waiting"),
        ("decided_at", lambda when: when.replace(year=2025)),
    ],
)
def test_each_changed_part_shows(certificate: Certificate, part: str, change: Any) -> None:
    content = content_of(certificate)

    verdict = verify(content | {part: change(content[part])}, certificate.digest, certificate.rep_id)

    assert not verdict.digest_holds


def test_a_decision_that_comes_out_otherwise_shows_even_with_a_new_digest(certificate: Certificate) -> None:
    content = content_of(certificate)
    other = next(one for one in certificate.draw["tied"] if one != certificate.rep_id)

    facts = verify(content | {"facts": content["facts"] | {"company.staff": 5}}, certificate.digest, certificate.rep_id)
    rep = verify(content, certificate.digest, other)

    assert not facts.same_rule
    assert not rep.same_rep


def test_the_database_refuses_to_change_or_delete_a_certificate(certificate: Certificate) -> None:
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        Certificate.objects.filter(pk=certificate.pk).update(outcome="waiting")
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM routing_certificate WHERE id = %s", [certificate.pk])

    certificate.refresh_from_db()
    assert verify_certificate(certificate).holds


def test_an_erasure_may_delete_but_nothing_may_rewrite(certificate: Certificate) -> None:
    LedgerEntry.objects.all().delete()
    certificate.assignments.all().delete()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL leadmgmt.erasing = 'on'")
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            Certificate.objects.filter(pk=certificate.pk).update(outcome="waiting")
        certificate.delete()

    assert not Certificate.objects.exists()


def test_rules_below_the_match_are_named_but_not_read(certificate: Certificate) -> None:
    assert [(rule["name"], rule["held"]) for rule in certificate.rules] == [
        ("France", False),
        ("Large", True),
        ("Rest", None),
    ]
    assert certificate.rules[1]["trace"][1]["actual"] == 420
    assert certificate.decided_at <= datetime.now(UTC)

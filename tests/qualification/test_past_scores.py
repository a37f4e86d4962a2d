"""Scores of the past worked out again, and what questions are worth."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from leadmgmt.core.now import moment
from leads.events import record_event
from leads.models import Company, Lead
from qualification.models import Answer, Framework, Outcome, Question, Score, ScoringModel
from qualification.services.past_scores import score_as_of
from qualification.services.question_value import LEAST, Rate, worth_of
from qualification.services.score import fade_due, publish_model, rescore, score_anew
from tests.factories import make_company, make_contact, make_lead, make_touchpoint, make_user
from tests.qualification.test_score import rule, staff_at_least
from tests.routing.things import page, signed_in

pytestmark = pytest.mark.django_db
BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
RULES = [
    rule("large", 40, condition=staff_at_least(200)),
    rule("small", -20, condition={"fact": "company.staff", "op": "lt", "value": 50}),
    rule("form", 30, "engagement", touch="form", most=60),
    rule("often", 10, "engagement", touch="visit", least=2, within_days=5),
    rule("call", 5, "engagement", event="activity.logged"),
]


@pytest.mark.parametrize("seed", range(6))
def test_every_score_comes_out_as_it_was_given(seed: int) -> None:
    """Touches, calls, changed companies, new models, fading: at each kept score and between them."""
    chance, at = random.Random(seed), BEGIN
    with moment(at):
        publish_model(ScoringModel.objects.create(version=1, rules=RULES).pk)
        company = make_company(staff=300)
        lead = make_lead(contact=make_contact(company=company), at=at)
    remembered: list[tuple[datetime, tuple[int | None, int | None, str]]] = []
    for step in range(25):
        at += timedelta(hours=chance.choice([1, 7, 30, 90]))
        with moment(at):
            _something(chance, lead, company, at, step)
            rescore(lead.pk) if chance.random() < 0.6 else fade_due(at)
        lead.refresh_from_db()
        if lead.engagement_at == at:
            remembered.append((at, (lead.fit, lead.engagement, lead.grade)))

    assert len(remembered) > 8
    for then, kept in remembered:
        found = score_as_of(lead, then)
        assert found is not None
        assert (found.fit, found.engagement, found.grade) == kept
    for row in Score.objects.filter(lead=lead):
        found = score_as_of(lead, row.at)
        assert found is not None
        assert (found.fit, found.engagement, found.reasons) == (row.fit, row.engagement, row.reasons)
    assert score_as_of(lead, BEGIN - timedelta(days=1)) is None


def _something(chance: random.Random, lead: Lead, company: Company, at: datetime, step: int) -> None:
    what = chance.random()
    if what < 0.35:
        make_touchpoint(lead, at=at, kind=chance.choice(["form", "visit"]))
    elif what < 0.5:
        record_event(lead, "activity.logged", at=at, quiet=True)
    elif what < 0.65:
        Company.objects.filter(pk=company.pk).update(staff=chance.choice([10, 100, 300]))
    elif what < 0.75:
        rules = [one | {"points": chance.randint(5, 40)} if one["key"] == "form" else one for one in RULES]
        publish_model(ScoringModel.objects.create(version=step + 2, rules=rules, half_life_days=7).pk)


def ended(question: Question, *, met: bool | None, won: bool, at: datetime = BEGIN) -> None:
    lead = make_lead(at=at)
    event = record_event(lead, "stage.won" if won else "stage.recycled", at=at, quiet=True)
    Outcome.objects.create(lead=lead, event=event, kind="won" if won else "lost", at=at)
    if met is not None:
        Answer.objects.create(lead=lead, question=question, value="x", is_met=met, at=at)


def questions() -> tuple[Framework, Question, Question]:
    framework = Framework.objects.create(slug="x", name="X")
    made: Any = [
        Question.objects.create(framework=framework, key=key, position=place, label_en=key.title(), ask_en="?")
        for place, key in enumerate(("budget", "colour"))
    ]
    return framework, made[0], made[1]


def test_a_question_that_tells_is_told_from_one_that_nobody_asks() -> None:
    framework, budget, colour = questions()
    for number in range(40):
        ended(budget, met=True, won=number % 4 != 0)
        ended(budget, met=False if number % 2 else None, won=number % 8 == 0)

    worth = worth_of([framework])

    assert (worth[budget.pk].answered, worth[budget.pk].deals) == (60, 80)
    assert (worth[budget.pk].met, worth[budget.pk].other) == (Rate(30, 40), Rate(5, 40))
    assert worth[budget.pk].tells
    assert worth[colour.pk].is_never_answered
    assert not worth[colour.pk].tells
    text = page(signed_in(make_user("manager")), "qualification:framework_list")
    assert "answered for 60 of 80 deals that ended; won 75 % where it speaks for us, 13 % elsewhere" in text
    assert "tells who is won" in text
    assert "hardly ever answered" in text


def test_from_too_few_nothing_is_said() -> None:
    framework, budget, colour = questions()
    assert worth_of([framework]) == {}
    for number in range(LEAST - 1):
        ended(budget, met=True, won=True)
        ended(budget, met=False, won=number > 99)

    worth = worth_of([framework])

    assert not worth[budget.pk].tells
    assert "won" not in page(signed_in(make_user("manager")), "qualification:framework_list").split("Ready made")[0]
    assert worth[colour.pk].answered == 0


def test_the_interval_is_wilsons() -> None:
    low, high = Rate(8, 10).interval

    # Worked out by hand: centre (0.8 + z²/20) / (1 + z²/10) with z = 1.6449.
    assert (round(low, 3), round(high, 3)) == (0.541, 0.931)
    assert Rate(0, 0).interval == (0.0, 1.0)


def test_many_at_once_are_scored_as_one_by_one() -> None:
    chance = random.Random(3)
    with moment(BEGIN):
        publish_model(ScoringModel.objects.create(version=1, rules=RULES).pk)
        leads = [make_lead(contact=make_contact(company=make_company(staff=30 * n)), at=BEGIN) for n in range(12)]
        for lead in leads:
            for _touch in range(chance.randint(0, 4)):
                at = BEGIN - timedelta(hours=chance.randint(0, 90))
                make_touchpoint(lead, at=at, kind=chance.choice(["form", "visit"]))
            record_event(lead, "activity.logged", at=BEGIN, quiet=True)
        with transaction.atomic():
            for lead in leads:
                rescore(lead.pk)
            expected = told(leads)
            transaction.set_rollback(True)

        found = score_anew([lead.pk for lead in leads], BEGIN)

    assert told(leads) == expected
    assert (found.moved, found.may_move) == (12, [lead.pk for lead in leads])
    with moment(BEGIN):
        again = score_anew([lead.pk for lead in leads], BEGIN)
    assert (again.moved, again.may_move) == (0, [])
    assert Score.objects.count() == 12


def told(leads: list[Lead]) -> list[Any]:
    found = []
    for lead in leads:
        lead.refresh_from_db()
        row = Score.objects.get(lead=lead)
        kept = (row.fit, row.engagement, row.grade, row.reasons, row.facts)
        found.append((lead.fit, lead.engagement, lead.grade, lead.engagement_at, lead.scored_at, *kept))
    return found

"""Scores of the past worked out again, and what questions are worth."""

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from leadmgmt.core.now import moment, now
from leads.events import record_event
from leads.facts import NOW
from leads.models import Company, Lead
from qualification.models import Answer, Framework, Outcome, PredictionModel, Question, Score, ScoringModel
from qualification.services.defaults import install_defaults
from qualification.services.past_scores import reasons_of, score_as_of
from qualification.services.question_value import LEAST, Rate, worth_of
from qualification.services.score import (
    Rescored,
    compiled,
    fade_due,
    judge_of,
    publish_model,
    rescore,
    score_anew,
    score_locked,
)
from qualification.services.score_in_sql import MOVING, Chances, _statement, score_in_sql
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


@pytest.mark.parametrize("judge", [score_anew, score_locked])
def test_many_at_once_are_scored_as_one_by_one(judge: Callable[..., Rescored]) -> None:
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

        found = judge([lead.pk for lead in leads], BEGIN)

    assert told(leads) == expected
    assert found.moved == 12
    with moment(BEGIN):
        again = judge([lead.pk for lead in leads], BEGIN)
    assert again.moved == 0
    assert Score.objects.count() == 12


FACTS = [
    {"fact": "company.staff", "op": "gte", "value": 100},
    {"fact": "company.industry", "op": "in", "value": ["Maschinenbau", "ÄRZTE"]},
    {"fact": "contact.job_title", "op": "contains", "value": "Leiter"},
    {"fact": "contact.country", "op": "eq", "value": "de"},
    {"fact": "contact.postal_code", "op": "in_ranges", "value": ["70-79"]},
    {"fact": "lead.first_seen_at", "op": "older_than_days", "value": 3},
    {"fact": "touch.count", "op": "gt", "value": 2},
    {"fact": "touch.last_kind", "op": "ne", "value": "visit"},
    {"fact": "company.is_customer", "op": "is_false"},
    {"fact": "attributes.it's 100%", "op": "gte", "value": 5},
    {"fact": "company.country", "op": "eq", "fact_value": "contact.country"},
    {"fact": "company.name", "op": "is_unknown"},
    {"fact": "answers.budget", "op": "is_known"},
]


def _condition(chance: random.Random) -> dict[str, Any]:
    first, second = chance.sample(FACTS, 2)
    return chance.choice([{}, first, {"not": first}, {"all": [first, second]}, {"any": [{"not": first}, second]}])


def _model(chance: random.Random, version: int) -> ScoringModel:
    rules = []
    for number in range(chance.randint(6, 12)):
        part, more = chance.choice(["fit", "engagement"]), {}
        if part == "engagement" and chance.random() < 0.75:
            more = chance.choice(
                [
                    {"touch": "form", "subjects": ["Demo", "Übersicht"]},
                    {"touch": "any", "within_days": 4, "least": 2},
                    {"touch": "visit", "most": 12},
                    {"event": "activity.logged", "most": 9, "within_days": 6},
                ]
            )
        if chance.random() < 0.4:
            more = more | {"group": f"{part} together"}
        points = chance.choice([-17, -2.25, 3.05, 12.25, 30, 55])
        rules.append(rule(f"r{number}", points, part, condition=_condition(chance), **more))
    named = {"label_en": "Together", "most": 20}
    groups = [named | {"key": f"{part} together"} for part in ("fit", "engagement")]
    return ScoringModel.objects.create(version=version, rules=rules, groups=groups, half_life_days=9)


@pytest.mark.parametrize("seed", range(12))
def test_postgresql_says_of_all_what_is_said_of_each(seed: int) -> None:
    """Any model: the same parts, grade and reasons; facts the same but for those that the rules don't look at."""
    chance, at = random.Random(seed), BEGIN + timedelta(days=10)
    with moment(BEGIN):
        first = _model(chance, 1)
        publish_model(first.pk)
        _framework, budget, _colour = questions()
        leads = [_somebody(chance) for _ in range(15)]
        for lead in leads[::2]:
            Answer.objects.create(lead=lead, question=budget, value="20000", is_met=True, at=BEGIN)
        for lead in leads:
            rescore(lead.pk)
    second = _model(chance, 2)
    publish_model(second.pk)
    with moment(at):
        with transaction.atomic():
            for lead in leads:
                rescore(lead.pk)
            expected = [_judged(lead) for lead in leads]
            one_by_one = [Score.objects.filter(lead=lead).first() for lead in leads]
            transaction.set_rollback(True)

        assert len(score_in_sql([lead.pk for lead in leads], judge_of(second), Chances(None, {}), at)) == 15

        assert [_judged(lead) for lead in leads] == expected
    looked_at = {name for one in compiled(second).rules for name in one.condition.fact_names()}
    for lead, alone in zip(leads, one_by_one, strict=True):
        kept = Score.objects.filter(lead=lead).first()
        assert kept is not None
        assert alone is not None
        assert (kept.at, kept.is_whole, kept.model_id) == (at, False, second.pk)
        for name in {*looked_at, *MOVING, NOW, "score.grade", "contact.language"}:
            assert _plainly(kept.all_facts.get(name)) == _plainly(alone.all_facts.get(name)), name
        again = score_as_of(lead, at)
        assert again is not None
        assert (again.fit, again.engagement, _plain_reasons(again.reasons)) == _judged(lead)[:3]


def _judged(lead: Lead) -> tuple[Any, ...]:
    lead.refresh_from_db()
    row = Score.objects.filter(lead=lead)[0]
    of_lead = (lead.fit, lead.engagement, lead.grade, lead.scored_at)
    return (row.fit, row.engagement, _plain_reasons(reasons_of(row)), row.grade, *of_lead)


def _plain_reasons(reasons: list[dict[str, Any]]) -> list[Any]:
    """In their order; what a rule looked at, in words."""
    return [one | {"facts": {key: _plainly(value) for key, value in one["facts"].items()}} for one in reasons]


def _plainly(value: Any) -> Any:
    """Answers that nobody named are text for PostgreSQL; its times have no zeros at the end."""
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value):
        return datetime.fromisoformat(value)
    return str(value) if value is not None else None


def _somebody(chance: random.Random) -> Lead:
    company = make_company(
        staff=chance.choice([None, 20, 100, 400]),
        industry=chance.choice(["", "maschinenbau", "Ärzte", "Handel"]),
        country=chance.choice(["DE", "AT", ""]),
        is_customer=chance.random() < 0.3,
    )
    contact = make_contact(
        company=company if chance.random() < 0.8 else None,
        job_title=chance.choice(["", "Leiterin Einkauf", "LEITER", "Praktikant"]),
        country=chance.choice(["DE", "de", "FR"]),
        postal_code=chance.choice(["70173", "8 0331", ""]),
        attributes=chance.choice([{}, {"it's 100%": 7}, {"it's 100%": "5"}, {"it's 100%": "many"}]),
    )
    lead = make_lead(contact=contact, at=BEGIN)
    for _touch in range(chance.randint(0, 5)):
        then = BEGIN + timedelta(hours=chance.randint(-90, 300))
        subject = chance.choice(["demo", "ÜBERSICHT", "other"])
        make_touchpoint(lead, at=then, kind=chance.choice(["form", "visit"]), subject=subject)
    for _call in range(chance.randint(0, 2)):
        record_event(lead, "activity.logged", at=BEGIN + timedelta(hours=chance.randint(0, 300)), quiet=True)
    return lead


def test_the_chance_follows_the_grade_or_stays_as_it_was_predicted() -> None:
    with moment(BEGIN):
        publish_model(ScoringModel.objects.create(version=1, rules=RULES).pk)
        predicted, other = (
            make_lead(contact=make_contact(company=make_company(staff=300)), at=BEGIN) for _ in range(2)
        )
        for lead in (predicted, other):
            rescore(lead.pk)
    champion = PredictionModel.objects.create(version=1, horizon_days=90, trained_at=BEGIN, examples=0, wins=0, body={})
    Score.objects.filter(lead=predicted).update(prediction=champion, win_probability=0.4, win_low=0.3, win_high=0.5)
    Lead.objects.filter(pk=predicted.pk).update(win_probability=0.4)
    model = publish_model(ScoringModel.objects.create(version=2, rules=[*RULES, rule("more", 20)]).pk)
    pks, at = [predicted.pk, other.pk], BEGIN + timedelta(days=1)

    kept = score_in_sql(pks, judge_of(model), Chances(champion.pk, {}), at)

    assert kept == {predicted.pk: True}
    newest = Score.objects.filter(lead=predicted)[0]
    assert (newest.prediction, newest.win_probability, newest.win_low, newest.win_high) == (champion, 0.4, 0.3, 0.5)
    assert (newest.grade, newest.all_facts["score.win_probability"]) == ("B4", 0.4)

    score_in_sql(pks, judge_of(model), Chances(None, {"B4": (0.2, 0.1, 0.3)}), at + timedelta(days=1))

    for lead in (predicted, other):
        newest = Score.objects.filter(lead=lead)[0]
        lead.refresh_from_db()
        assert (newest.prediction, newest.win_probability, newest.win_low, newest.win_high) == (None, 0.2, 0.1, 0.3)
        assert (lead.win_probability, lead.grade) == (0.2, "B4")


def test_who_was_never_scored_is_scored_as_one_alone() -> None:
    """Too little is kept of them to say only what has changed."""
    with moment(BEGIN):
        publish_model(ScoringModel.objects.create(version=1, rules=RULES).pk)
        new, known = (make_lead(contact=make_contact(company=make_company(staff=300)), at=BEGIN) for _ in range(2))
        rescore(known.pk)
    publish_model(ScoringModel.objects.create(version=2, rules=RULES[:1]).pk)

    score_locked([new.pk, known.pk], BEGIN + timedelta(days=1))

    newest = {row.lead_id: row for row in Score.objects.order_by("at", "pk")}
    assert [newest[lead.pk].is_whole for lead in (new, known)] == [True, False]
    assert [newest[lead.pk].model.version for lead in (new, known)] == [2, 2]
    # Once more: it says only what has changed since the whole one, and nothing that was known is lost.
    publish_model(ScoringModel.objects.create(version=3, rules=RULES[1:]).pk)
    score_locked([new.pk, known.pk], BEGIN + timedelta(days=2))
    (third,) = Score.objects.filter(lead=known, model__version=3)
    assert third.all_facts["contact.email_class"] == newest[known.pk].all_facts["contact.email_class"]
    assert third.all_facts["company.staff"] == 300
    assert third.all_facts["now"] == (BEGIN + timedelta(days=2)).isoformat()


def told(leads: list[Lead]) -> list[Any]:
    found = []
    for lead in leads:
        lead.refresh_from_db()
        row = Score.objects.get(lead=lead)
        kept = (row.fit, row.engagement, row.grade, row.reasons, row.facts)
        found.append((lead.fit, lead.engagement, lead.grade, lead.engagement_at, lead.scored_at, *kept))
    return found


@pytest.mark.django_db
def test_the_planner_knows_that_it_writes_no_more_leads_than_it_reads() -> None:
    """Without that it takes the joins for thousands of rows more, and walks all leads there are for each block."""
    install_defaults()
    leads = [make_lead() for _lead in range(300)]
    for lead in leads:
        make_touchpoint(lead)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    row = ScoringModel.objects.get()
    statement, params = _statement([lead.pk for lead in leads], judge_of(row), Chances(None, {}), now())
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", params)
        plan = cursor.fetchone()[0][0]["Plan"]

    pointed = next(part for part in plan["Plans"] if part.get("Subplan Name") == "CTE pointed")

    assert pointed["Plan Rows"] <= 300

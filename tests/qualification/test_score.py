"""Scoring: the pure score, its storing, the chance to win."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import moment
from leads.events import record_event
from leads.models import Lead, LeadEvent
from qualification.default_data import SCORING
from qualification.models import Outcome, Score, ScoringModel
from qualification.scoring import Signal, grade, read_model, score
from qualification.services.chances import chance_of, estimate, forget_counts
from qualification.services.defaults import install_defaults
from qualification.services.score import fade_due, publish_model, rescore, score_lead
from qualification.services.score_reasons import told
from tests.factories import make_company, make_contact, make_lead, make_touchpoint

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def rule(key: str, points: float, part: str = "fit", **more: Any) -> dict[str, Any]:
    return {"key": key, "label_en": key, "part": part, "points": points, **more}


def staff_at_least(number: int) -> dict[str, Any]:
    return {"fact": "company.staff", "op": "gte", "value": number}


# The pure score


def test_each_point_comes_with_its_reason() -> None:
    model = read_model(
        [
            rule("large", 30, condition=staff_at_least(200)),
            rule("huge", 30, condition=staff_at_least(5000)),
            rule("base", 10),
        ],
        14,
    )

    result = score({"company.staff": 420}, [], [], model, AT)

    assert (result.fit, result.engagement, result.grade) == (40, 0, "C4")
    assert result.reasons == [
        {"key": "large", "points": 30.0, "facts": {"company.staff": 420}},
        {"key": "base", "points": 10.0, "facts": {}},
    ]


def test_engagement_halves_every_half_life() -> None:
    model = read_model([rule("form", 80, "engagement", touch="form")], 14)

    def engagement(days: float) -> int:
        return score({}, [Signal("form", AT - timedelta(days=days))], [], model, AT).engagement

    assert [engagement(days) for days in (0, 7, 14, 28, 140)] == [80, 57, 40, 20, 0]


def test_several_touches_add_up_to_the_most_and_subjects_narrow_them() -> None:
    model = read_model(
        [
            rule("demo", 40, "engagement", touch="any", subjects=["Demo"], most=60),
            rule("call", 5, "engagement", event="activity.logged"),
        ],
        14,
    )
    touches = [Signal("form", AT, "demo"), Signal("api", AT, "DEMO"), Signal("form", AT, "webinar")]

    result = score({}, touches, [Signal("activity.logged", AT), Signal("other", AT)], model, AT)

    assert result.engagement == 65
    assert [(one["key"], one["points"], one.get("times")) for one in result.reasons] == [
        ("demo", 60.0, 2),
        ("call", 5.0, None),
    ]


def test_what_has_not_happened_yet_does_not_count() -> None:
    model = read_model([rule("form", 80, "engagement", touch="form"), rule("again", 10, "engagement")], 14)

    assert score({}, [Signal("form", AT + timedelta(hours=1))], [], model, AT).engagement == 0


@pytest.mark.parametrize(
    ("fit", "engagement", "expected"),
    [(75, 75, "A1"), (74, 74, "B2"), (50, 50, "B2"), (49, 49, "C3"), (25, 25, "C3"), (24, 24, "D4"), (0, 100, "D1")],
)
def test_grades(fit: int, engagement: int, expected: str) -> None:
    assert grade(fit, engagement) == expected


@given(
    st.lists(st.tuples(st.integers(-100, 100).filter(bool), st.sampled_from(["fit", "engagement"])), max_size=8),
    st.floats(0, 400),
)
def test_parts_stay_between_0_and_100(points: list[tuple[int, str]], days: float) -> None:
    model = read_model([rule(f"r{n}", value, part) for n, (value, part) in enumerate(points)], 14)

    result = score({}, [Signal("form", AT - timedelta(days=days))], [], model, AT)

    assert 0 <= result.fit <= 100
    assert 0 <= result.engagement <= 100
    assert result.grade == grade(result.fit, result.engagement)


@pytest.mark.parametrize(
    ("rules", "place"),
    [
        ({}, "rules"),
        (["x"], "rules[0]"),
        ([rule("a", 5), rule("a", 5)], "rules[1].key"),
        ([rule("", 5)], "rules[0].key"),
        ([rule("a", 0)], "rules[0].points"),
        ([rule("a", 500)], "rules[0].points"),
        ([rule("a", 5, "luck")], "rules[0].part"),
        ([rule("a", 5, touch="form")], "rules[0].part"),
        ([rule("a", 5, colour="red")], "rules[0].colour"),
        ([rule("a", 5, condition={"fact": "company.staff", "op": "gte", "value": "x"})], "rules[0].condition.value"),
    ],
)
def test_a_model_that_cannot_be_read_names_the_place(rules: Any, place: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_model(rules, 14)

    assert list(refused.value.fields) == [place]


def test_the_model_of_a_fresh_installation_can_be_read() -> None:
    assert len(read_model(SCORING, 14).rules) == len(SCORING)


# Storing it


def enriched(lead: Lead, at: datetime = AT, **data: Any) -> LeadEvent:
    return record_event(lead, "lead.enriched", at=at, data=data)


def hot_lead() -> Lead:
    contact = make_contact(
        company=make_company(staff=420),
        email_class="business",
        seniority="head",
        department="service",
        time_zone="Europe/Berlin",
    )
    lead = make_lead(at=AT, contact=contact, subject="demo")
    make_touchpoint(lead, at=AT, subject="demo")
    return lead


@pytest.mark.django_db
def test_a_lead_is_scored_stored_and_told() -> None:
    install_defaults()
    lead = hot_lead()

    with moment(AT):
        score_lead(lead, event := enriched(lead))

    lead.refresh_from_db()
    row = Score.objects.get()
    assert (lead.fit, lead.engagement, lead.grade) == (100, 85, "A1")
    assert (row.fit, row.engagement, row.grade, row.at, row.model.version) == (100, 85, "A1", AT, 1)
    assert lead.scored_at == AT
    assert lead.win_probability is None
    assert row.facts["score.grade"] == "A1"
    assert row.facts["company.staff"] == 420
    assert {reason["key"] for reason in row.reasons} >= {"decides", "size_right", "hand_raise"}
    told = lead.events.get(kind="lead.scored")
    assert told.data == {"for": event.pk, "grade": "A1", "fit": 100, "engagement": 85, "model": 1}
    assert told.needs_step


@pytest.mark.django_db
def test_the_step_run_twice_scores_once() -> None:
    install_defaults()
    lead = hot_lead()
    event = enriched(lead)

    score_lead(lead, event)
    score_lead(lead, event)

    assert Score.objects.count() == 1
    assert lead.events.filter(kind="lead.scored").count() == 1


@pytest.mark.django_db
def test_without_a_published_model_the_lead_goes_on_unscored() -> None:
    lead = hot_lead()

    score_lead(lead, enriched(lead))

    lead.refresh_from_db()
    assert (lead.fit, lead.grade) == (None, "")
    assert lead.scored_at is not None
    assert lead.events.filter(kind="lead.scored").count() == 1


@pytest.mark.django_db
def test_a_late_answer_scores_again_and_says_so() -> None:
    install_defaults()
    lead = hot_lead()
    score_lead(lead, enriched(lead))
    lead.contact.company.__class__.objects.update(staff=5)

    score_lead(lead, enriched(lead, late=True))

    assert [row.fit for row in Score.objects.order_by("pk")] == [100, 65]
    assert [data.get("late") for data in lead.events.filter(kind="lead.scored").values_list("data", flat=True)] == [
        None,
        True,
    ]


@pytest.mark.django_db
def test_scoring_again_moves_and_tells_nothing() -> None:
    install_defaults()
    lead = hot_lead()

    rescore(lead.pk)

    assert Score.objects.count() == 1
    assert not lead.events.exists()


@pytest.mark.django_db
def test_engagement_fades_once_a_day_and_a_new_grade_is_a_new_score() -> None:
    install_defaults()
    lead = hot_lead()
    with moment(AT):
        rescore(lead.pk)

    assert fade_due(AT + timedelta(hours=23)) == 0
    assert fade_due(AT + timedelta(days=2)) == 1
    lead.refresh_from_db()
    assert (lead.engagement, lead.grade, lead.engagement_at) == (77, "A1", AT + timedelta(days=2))
    assert Score.objects.count() == 1

    assert fade_due(AT + timedelta(days=9)) == 1
    lead.refresh_from_db()
    assert (lead.engagement, lead.grade, lead.scored_at) == (54, "A2", AT)
    assert list(Score.objects.order_by("pk").values_list("grade", flat=True)) == ["A1", "A2"]
    assert not lead.events.exists()


@pytest.mark.django_db
def test_a_fit_that_has_changed_meanwhile_is_a_new_score_with_its_reasons() -> None:
    install_defaults()
    lead = hot_lead()
    with moment(AT):
        first = rescore(lead.pk)
    lead.contact.seniority = ""
    lead.contact.save()

    assert fade_due(AT + timedelta(days=2)) == 1

    lead.refresh_from_db()
    newest = Score.objects.latest("pk")
    assert first is not None
    assert newest.grade == first.grade
    assert newest.fit < first.fit
    assert (lead.fit, lead.engagement) == (newest.fit, newest.engagement)


@pytest.mark.django_db
def test_what_is_closed_or_was_never_scored_does_not_fade() -> None:
    install_defaults()
    make_lead(stage="won", engagement=50, fit=50, grade="B2", engagement_at=AT)
    make_lead(at=AT)

    assert fade_due(AT + timedelta(days=9)) == 0


@pytest.mark.django_db
def test_publishing_replaces_the_model_in_force_and_refuses_a_broken_one() -> None:
    install_defaults()
    good = ScoringModel.objects.create(version=2, rules=[rule("all", 60)])
    broken = ScoringModel.objects.create(version=3, rules=[rule("all", 0)])

    publish_model(good.pk)
    with pytest.raises(InvalidInput):
        publish_model(broken.pk)

    assert dict(ScoringModel.objects.values_list("version", "status")) == {1: "archived", 2: "published", 3: "draft"}
    lead = hot_lead()
    rescore(lead.pk)
    assert Score.objects.get().fit == 60


@pytest.mark.django_db
def test_defaults_can_be_installed_any_number_of_times() -> None:
    install_defaults()
    ScoringModel.objects.update(half_life_days=30)

    install_defaults()

    assert list(ScoringModel.objects.values_list("version", "half_life_days", "status")) == [(1, 30, "published")]


# The chance to win


def test_too_few_outcomes_give_no_chance() -> None:
    assert estimate({}, "A1") is None
    assert estimate({"A1": (5, 49)}, "A1") is None
    assert estimate({"A1": (4, 100)}, "A1") is None


def test_the_chance_is_the_grades_own_rate_drawn_to_the_overall_one() -> None:
    counts = {"A1": (40, 100), "B2": (10, 100), "D4": (0, 300)}

    a1, d4, unseen = estimate(counts, "A1"), estimate(counts, "D4"), estimate(counts, "C3")

    assert a1 is not None
    assert d4 is not None
    assert unseen is not None
    assert a1.mean == round((40 + 10 * 0.1) / 110, 4)
    assert d4.mean == round((0 + 10 * 0.1) / 310, 4)
    assert unseen.mean == 0.1
    assert a1.outcomes == 100
    assert 0 <= d4.low < d4.mean < d4.high < a1.low < a1.mean < a1.high <= 1
    assert unseen.high - unseen.low > a1.high - a1.low


def test_the_interval_is_the_one_of_wilson() -> None:
    found = estimate({"A1": (50, 200)}, "A1")

    assert found is not None
    p, n, z = (50 + 10 * 0.25) / 210, 210, 1.6449
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert (found.low, found.high) == (round(middle - half, 4), round(middle + half, 4))


@pytest.mark.django_db
def test_the_chance_is_counted_from_recorded_outcomes() -> None:
    forget_counts()
    assert chance_of("A1") is None
    lead = make_lead(at=AT)
    kinds = ["won"] * 15 + ["lost"] * 15 + ["recycled"] * 15 + ["disqualified"] * 15
    for n, kind in enumerate(kinds):
        facts = {"score.grade": "A1"} if n % 2 else {"score.grade": "D4"}
        Outcome.objects.create(lead=lead, event=record_event(lead, "note"), kind=kind, at=AT, facts=facts)
    # History without a score says nothing about a grade.
    Outcome.objects.create(lead=lead, event=record_event(lead, "note"), kind="won", at=AT, facts={})

    forget_counts()
    found = chance_of("A1")
    forget_counts()

    assert found is not None
    assert found.outcomes == 30
    assert found.mean == round((7 + 10 * 15 / 60) / 40, 4)


@pytest.mark.django_db
def test_reasons_are_told_in_the_words_of_the_model_of_then_most_points_first() -> None:
    rules = [
        rule("base", 10, label_de="Grundlage", group="few"),
        rule("more", 30, group="few"),
        rule("less", -20, "engagement"),
    ]
    groups = [{"key": "few", "label_en": "A few", "label_de": "Einige", "most": 25}]
    row = ScoringModel.objects.create(version=1, rules=rules, groups=groups)
    kept = [{"key": "base", "points": 10.0, "facts": {}}, {"key": "more", "points": 30.0, "facts": {}}]
    kept += [{"key": "cap:few", "points": -15.0, "facts": {}}, {"key": "old", "label_en": "Old", "points": 1.0}]
    made = Score.objects.create(lead=make_lead(), model=row, at=AT, fit=25, engagement=0, grade="D4", reasons=kept)

    assert [(one["key"], one.get("label_en"), one.get("label_de"), one.get("part")) for one in told(made)] == [
        ("more", "more", "more", "fit"),
        ("cap:few", "A few", "Einige", "fit"),
        ("base", "base", "Grundlage", "fit"),
        ("old", "Old", None, None),
    ]

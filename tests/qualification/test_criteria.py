"""What makes a lead an MQL or an SQL."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from leadmgmt.core.errors import InvalidInput
from leads.events import record_event
from leads.models import Lead
from qualification.desk.situation import known_questions
from qualification.models import Criteria, Framework, Question
from qualification.services.answers import give_answer
from qualification.services.criteria import (
    apply_mql_criteria,
    apply_sql_criteria,
    explain_criteria,
    missing_for_sql,
    publish_criteria,
)
from qualification.services.defaults import install_defaults
from tests.factories import make_contact, make_lead

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def defaults(db: None) -> None:
    install_defaults()


def scored(**fields: Any) -> Lead:
    lead = make_lead(**fields)
    apply_mql_criteria(lead, record_event(lead, "lead.scored"))
    lead.refresh_from_db()
    return lead


def answer(lead: Lead, key: str, *, is_met: bool = True) -> None:
    question = Question.objects.get(key=key)
    give_answer(lead.pk, question.pk, "yes", by=None, evidence="call", is_met=is_met)
    apply_sql_criteria(lead, lead.events.filter(kind="answer.given").latest("pk"))
    lead.refresh_from_db()


def test_who_fits_and_acts_becomes_an_mql_with_the_version_on_record() -> None:
    lead = scored(fit=50, engagement=25, grade="B3")

    assert lead.stage == "mql"
    event = lead.events.get(kind="stage.mql")
    assert event.actor_label == "criteria"
    assert {name: event.data[name] for name in ("from", "criteria_kind", "version")} == {
        "from": "new",
        "criteria_kind": "mql",
        "version": 1,
    }


@pytest.mark.parametrize(
    ("fields", "stage"),
    [
        ({"fit": 49, "engagement": 100}, "new"),
        ({"fit": 100, "engagement": 24}, "new"),
        ({"fit": 0, "engagement": 0, "subject": "Demo"}, "mql"),
        ({"fit": None, "subject": "pricing"}, "mql"),
        ({"fit": None, "subject": ""}, "new"),
    ],
)
def test_the_score_or_a_raised_hand_decides(fields: dict[str, Any], stage: str) -> None:
    assert scored(**fields).stage == stage


def test_a_hand_raised_from_a_throwaway_address_or_by_nobody_is_none() -> None:
    assert scored(subject="demo", contact=make_contact(email_class="disposable")).stage == "new"
    assert scored(subject="demo", contact=make_contact(email="", phone="")).stage == "new"


def test_the_step_run_twice_moves_once_and_leaves_others_alone() -> None:
    lead = scored(fit=80, engagement=80, grade="A1")
    apply_mql_criteria(lead, record_event(lead, "lead.scored"))
    working = make_lead(stage="sql", fit=80, engagement=80)

    apply_mql_criteria(working, record_event(working, "lead.scored"))

    assert lead.events.filter(kind="stage.mql").count() == 1
    working.refresh_from_db()
    assert working.stage == "sql"


def test_without_criteria_nothing_moves() -> None:
    Criteria.objects.all().delete()
    lead = make_lead(fit=100, engagement=100)

    apply_mql_criteria(lead, record_event(lead, "lead.scored"))
    apply_sql_criteria(lead, record_event(lead, "answer.given"))

    lead.refresh_from_db()
    assert lead.stage == "new"
    assert missing_for_sql(lead) == []
    assert explain_criteria(lead, "mql") is None


def test_four_answers_make_an_sql() -> None:
    lead = make_lead(stage="mql")

    stages = []
    for key in ("budget", "authority", "need", "timeline"):
        answer(lead, key)
        stages.append(lead.stage)

    assert stages == ["mql", "mql", "mql", "sql"]
    assert lead.events.get(kind="stage.sql").data["version"] == 1


def test_an_answer_that_is_too_old_keeps_a_lead_from_sql_until_it_is_given_anew() -> None:
    lead = make_lead(stage="mql", captured_at=timezone.now() - timedelta(days=200))
    Question.objects.filter(key="budget").update(valid_days=90)
    answer(lead, "budget")
    lead.answers.update(at=timezone.now() - timedelta(days=91))

    for key in ("authority", "need", "timeline"):
        answer(lead, key)

    assert lead.stage == "mql"
    assert [item.why for item in missing_for_sql(lead)] == ["Budget was answered too long ago."]
    assert len(known_questions([lead.pk])[lead.pk]) == 3
    answer(lead, "budget")
    assert (lead.stage, missing_for_sql(lead)) == ("sql", [])


def test_an_answer_holds_to_the_end_of_its_days_or_for_ever_without_any() -> None:
    lead = make_lead(stage="mql", captured_at=timezone.now() - timedelta(days=2000))
    Question.objects.filter(key="budget").update(valid_days=90)
    for key, days in (("budget", 89), ("authority", 1999), ("need", 0)):
        answer(lead, key)
        lead.answers.filter(question__key=key).update(at=timezone.now() - timedelta(days=days))

    answer(lead, "timeline")

    assert lead.stage == "sql"


def test_a_new_lead_passes_through_mql_on_its_way() -> None:
    lead = make_lead(stage="new")

    for key in ("budget", "authority", "need", "timeline"):
        answer(lead, key)

    assert lead.stage == "sql"
    assert list(lead.events.filter(kind__startswith="stage.").order_by("pk").values_list("kind", flat=True)) == [
        "stage.mql",
        "stage.sql",
    ]


def test_an_answer_that_speaks_against_us_does_not_count() -> None:
    lead = make_lead(stage="mql")

    answer(lead, "budget", is_met=False)
    for key in ("authority", "need", "timeline"):
        answer(lead, key)
    assert lead.stage == "mql"

    answer(lead, "budget")
    assert lead.stage == "sql"


def came_back() -> Lead:
    """A lead with four answers that was lost, slept, and stirs again."""
    lead = make_lead(stage="mql", at=timezone.now() - timedelta(days=90))
    for key in ("budget", "authority", "need", "timeline"):
        question = Question.objects.get(key=key)
        give_answer(lead.pk, question.pk, "yes", by=None, evidence="call", at=lead.captured_at + timedelta(hours=1))
    lead.captured_at = timezone.now() - timedelta(minutes=5)
    lead.save(update_fields=["captured_at"])
    return lead


def test_who_came_back_is_asked_again_before_an_ae_hears_of_it() -> None:
    lead = came_back()

    apply_sql_criteria(lead, record_event(lead, "stage.mql"))
    lead.refresh_from_db()
    assert lead.stage == "mql"
    (item,) = missing_for_sql(lead)
    assert (item.why, item.ask) == ("The answers are from before the lead came back.", "Ask whether they still hold.")
    explained = explain_criteria(lead, "sql")
    assert explained is not None
    assert not explained.holds

    answer(lead, "timeline")
    assert lead.stage == "sql"


def test_an_answer_that_speaks_against_us_now_counts_more_than_the_old_ones() -> None:
    lead = came_back()

    answer(lead, "budget", is_met=False)

    assert lead.stage == "mql"
    assert [item.why for item in missing_for_sql(lead)] == ["Budget speaks against us."]


def test_the_condition_must_hold_besides() -> None:
    Criteria.objects.filter(kind="sql").update(condition={"fact": "company.staff", "op": "gte", "value": 50})
    lead = make_lead(stage="mql")

    for key in ("budget", "authority", "need", "timeline"):
        answer(lead, key)

    assert lead.stage == "mql"
    (item,) = missing_for_sql(lead)
    assert item.question is None
    assert item.why == "It must hold that staff is at least 50."


def test_what_is_missing_is_named_with_how_to_ask() -> None:
    lead = make_lead(stage="mql")
    answer(lead, "need")
    answer(lead, "budget", is_met=False)

    items = missing_for_sql(lead)

    assert [(item.question.key if item.question else "", item.why) for item in items] == [
        ("budget", "Budget speaks against us."),
        ("authority", "Authority is not known."),
        ("timeline", "Timeline is not known."),
    ]
    assert items[1].ask == "Who else looks at this before you sign?"
    with translation.override("de"):
        assert missing_for_sql(lead)[1].ask == "Wer schaut noch darauf, bevor bei Ihnen unterschrieben wird?"


def test_the_judgement_is_explained_comparison_by_comparison() -> None:
    lead = make_lead(fit=60, engagement=10, subject="webinar")

    found = explain_criteria(lead, "mql")

    assert found is not None
    assert not found.holds
    assert "fit is at least 50" in found.sentence
    assert [(line["fact"], line["held"]) for line in found.trace][1:3] == [
        ("score.fit", True),
        ("score.engagement", False),
    ]
    sql = explain_criteria(lead, "sql")
    assert sql is not None
    assert not sql.holds


def test_publishing_criteria_archives_the_old_and_refuses_the_impossible() -> None:
    draft = Criteria.objects.create(
        kind="mql", version=2, name="Strict", condition={"fact": "score.fit", "op": "gte", "value": 90}
    )
    broken = Criteria.objects.create(kind="mql", version=3, name="Broken", condition={"fact": "x", "op": "eq"})
    bare = Criteria.objects.create(kind="sql", version=2, name="Bare")

    publish_criteria(draft.pk)
    for row in (broken, bare):
        with pytest.raises(InvalidInput):
            publish_criteria(row.pk)

    assert list(Criteria.objects.filter(status="published").order_by("kind").values_list("kind", "version")) == [
        ("mql", 2),
        ("sql", 1),
    ]
    assert scored(fit=80, engagement=80).stage == "new"


def test_questions_of_another_framework_do_not_matter() -> None:
    other = Framework.objects.create(slug="other", name="Other")
    Question.objects.create(framework=other, key="shoe", label_en="Shoe size")
    lead = make_lead(stage="mql", at=timezone.now() - timedelta(days=1))

    assert "shoe" not in [item.question.key for item in missing_for_sql(lead) if item.question]

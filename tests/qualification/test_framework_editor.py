"""A framework of one's own: changed in place where its meaning stays, else a new version with answers carried over."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from leadmgmt.audit import CHECKS, run
from leads.models import Lead
from qualification.models import Answer, Criteria, Framework, Question
from qualification.services.answers import give_answer
from qualification.services.criteria import apply_sql_criteria, missing_for_sql, published
from qualification.services.defaults import install_defaults
from qualification.services.framework_editor import FIELDS, QuestionData, save_framework
from tests.factories import make_contact, make_lead, make_user
from tests.qualification.desk_cast import as_user, make_cast
from tests.routing.things import signed_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def defaults(db: None) -> None:
    install_defaults()


def bant() -> Framework:
    return Framework.objects.get(slug="bant", is_active=True)


def as_data(framework: Framework, **changes: dict[str, Any]) -> list[QuestionData]:
    """The questions as they are, but for changes by key."""
    return [
        QuestionData(**{name: getattr(one, name) for name in FIELDS} | {"pk": one.pk} | changes.get(one.key, {}))
        for one in framework.questions.all()
    ]


def answered(lead: Lead, *keys: str) -> None:
    for key in keys:
        question = Question.objects.get(key=key, framework=bant())
        give_answer(lead.pk, question.pk, "yes", by=None, evidence="call")


def test_words_change_in_place_though_there_are_answers() -> None:
    old = bant()
    answered(make_lead(stage="mql"), "budget")

    made = save_framework("bant", "Our BANT", as_data(old, budget={"label_en": "Money", "valid_days": 90}))

    assert (made.pk, made.name, made.version) == (old.pk, "Our BANT", 1)
    question = Question.objects.get(key="budget")
    assert (question.label_en, question.valid_days) == ("Money", 90)


def test_without_answers_questions_come_and_go_in_place() -> None:
    old = bant()

    made = save_framework("bant", "BANT", [*as_data(old)[1:], QuestionData("Who signs?")])

    assert made.pk == old.pk
    assert list(made.questions.values_list("key", flat=True)) == ["authority", "need", "timeline", "who_signs"]


def test_a_question_more_makes_a_version_and_loses_no_answer() -> None:
    old = bant()
    working, closed = make_lead(stage="mql"), make_lead(stage="won")
    answered(working, "budget", "need")
    answered(closed, "budget")
    before = timezone.now() - timedelta(days=3)
    Answer.objects.update(at=before)

    made = save_framework("bant", "BANT", [*as_data(old), QuestionData("Legal")])

    assert (made.version, made.is_active, bant()) == (2, True, made)
    old.refresh_from_db()
    assert not old.is_active
    assert closed.answers.get().question.framework == old
    carried = working.answers.filter(question__framework=made)
    assert sorted(carried.values_list("question__key", "at")) == [("budget", before), ("need", before)]
    # What was asked for then is asked for in the new words now.
    criteria = published("sql")
    assert criteria is not None
    assert (criteria.framework, criteria.version) == (made, 2)
    assert [item.question.key for item in missing_for_sql(working) if item.question] == [
        "authority",
        "timeline",
        "legal",
    ]
    assert not [one for check, broken in run(CHECKS) for one in broken if check.name.startswith("qualification")]


def test_a_question_less_makes_those_an_sql_who_have_the_rest() -> None:
    old = bant()
    lead = make_lead(stage="mql")
    answered(lead, "budget", "authority", "need")
    apply_sql_criteria(lead, lead.events.filter(kind="answer.given").latest("pk"))
    lead.refresh_from_db()
    assert lead.stage == "mql"

    save_framework("bant", "BANT", [one for one in as_data(old) if one.label_en != "Timeline"])

    assert missing_for_sql(lead) == []


@pytest.mark.parametrize("change", [{"kind": "number"}, {"is_required": False}])
def test_a_changed_meaning_makes_a_version(change: dict[str, Any]) -> None:
    old = bant()
    lead = make_lead(stage="mql")
    answered(lead, "budget")

    made = save_framework("bant", "BANT", as_data(old, budget=change))

    assert made.version == 2
    # An answer in words is no number.
    assert lead.answers.filter(question__framework=made).exists() == ("kind" not in change)


class TestPage:
    def form(self, *rows: dict[str, Any], name: str = "Ours") -> dict[str, Any]:
        said: dict[str, Any] = {"name": name, "questions-TOTAL_FORMS": str(len(rows)), "questions-INITIAL_FORMS": "0"}
        for place, row in enumerate(rows):
            said |= {f"questions-{place}-{key}": value for key, value in {"kind": "text", **row}.items()}
        return said

    def test_a_new_one_is_written_with_choices_and_dates(self) -> None:
        admin = signed_in(make_user("admin"))
        rows = (
            {"label_en": "Size", "kind": "choice", "options": "small\nlarge", "is_required": "on", "shortcut": "s"},
            {"label_en": "Start", "kind": "date", "valid_days": "60"},
            {"label_en": ""},
        )

        admin.post("/frameworks/new/", self.form(*rows))

        made = Framework.objects.get(name="Ours")
        assert list(made.questions.values_list("key", "kind", "options", "is_required", "valid_days")) == [
            ("size", "choice", ["small", "large"], True, None),
            ("start", "date", [], False, 60),
        ]
        assert "Ours" in text_of(admin.get("/frameworks/").content.decode())
        page = admin.get(f"/frameworks/{made.slug}/edit/").content.decode()
        assert "small\nlarge" in page

    @pytest.mark.parametrize(
        ("rows", "name", "words"),
        [
            ([{"label_en": "A"}], " ", "Give the framework a name."),
            ([{"label_en": ""}], "X", "Ask at least one question."),
            ([{"label_en": "A", "kind": "choice", "options": "one"}], "X", "A choice needs at least two answers"),
            ([{"label_en": "A", "known_from": "no.such"}], "X", "There is no fact called no.such."),
            ([{"label_en": "A", "shortcut": "1"}], "X", "One letter from a to z."),
            (
                [{"label_en": "A", "shortcut": "x"}, {"label_en": "B", "shortcut": "x"}],
                "X",
                "Another question has this key.",
            ),
        ],
    )
    def test_what_lacks_is_said_where_it_lacks(self, rows: list[dict[str, Any]], name: str, words: str) -> None:
        response = signed_in(make_user("admin")).post("/frameworks/new/", self.form(*rows, name=name))

        assert response.status_code == 422
        assert words in response.content.decode()
        assert Framework.objects.count() == 1

    def test_only_admins(self) -> None:
        for role in ("sdr", "manager", "team_lead"):
            client = signed_in(make_user(role))
            assert client.get("/frameworks/bant/edit/").status_code == 403
            assert client.post("/frameworks/new/", self.form({"label_en": "A"})).status_code == 403
        assert Criteria.objects.filter(kind="sql").count() == 1


class TestKnownElsewhere:
    def test_what_they_told_a_form_is_offered_as_the_answer(self) -> None:
        cast = make_cast()
        Question.objects.filter(key="budget").update(known_from="attributes.budget")
        contact = make_contact(attributes={"budget": "30000 EUR"})
        lead = make_lead(contact=contact, owner=cast.ann, team=cast.ann.team, stage="mql")

        page = as_user(cast.ann).get(f"/leads/{lead.pk}/").content.decode()
        assert "They said: 30000 EUR" in page
        form = as_user(cast.ann).get(f"/leads/{lead.pk}/", {"answer": "budget"}).content.decode()
        assert 'value="30000 EUR"' in form
        assert '<option value="form" selected>' in form
        # It is no answer until somebody says so.
        assert not Answer.objects.exists()

"""Segments: whom a question is asked of and a step of a cadence is for, and how much of the qualification is there."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from leadmgmt.audit import CHECKS, run
from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import moment, now
from leads.conditions import parse
from leads.facts import lead_facts
from leads.models import Lead
from qualification.desk.asked import asked
from qualification.desk.panels import assessment
from qualification.desk.situation import situations
from qualification.models import Cadence, CadenceEnrolment, Criteria, Framework, Question, Segment
from qualification.services.answers import give_answer
from qualification.services.cadence_setup import StepData, save_cadence
from qualification.services.cadences import begin_cadence, step_done
from qualification.services.cadences_due import cadences_due
from qualification.services.criteria import apply_sql_criteria, explain_criteria, missing_for_sql, published
from qualification.services.defaults import install_defaults
from qualification.services.framework_editor import QuestionData, as_data, save_framework
from qualification.services.segments import SegmentInUse, delete_segment, save_segment
from tests.factories import make_contact, make_lead, make_user
from tests.qualification.test_cadences import cadence
from tests.routing.things import signed_in, text_of

pytestmark = pytest.mark.django_db

GERMAN = {"all": [{"fact": "contact.country", "op": "in", "value": ["DE"]}]}
FRENCH = {"all": [{"fact": "contact.country", "op": "in", "value": ["FR"]}]}
# A Tuesday, 11:00 in Berlin.
AT = datetime.fromisoformat("2026-05-05T09:00:00+00:00")


@pytest.fixture(autouse=True)
def defaults(db: None) -> None:
    install_defaults()


@pytest.fixture
def german(db: None) -> Segment:
    return save_segment(None, "German", GERMAN)


def bant() -> Framework:
    return Framework.objects.get(slug="bant", is_active=True)


def with_legal(german: Segment, **more: Any) -> Framework:
    questions = [as_data(one) for one in bant().questions.all()]
    return save_framework("bant", "BANT", [*questions, QuestionData("Legal", segment=german, **more)])


def lead_in(country: str, stage: str = "mql") -> Lead:
    return make_lead(contact=make_contact(country=country), stage=stage)


def answer(lead: Lead, *keys: str, **more: Any) -> None:
    for key in keys:
        question = Question.objects.get(framework=bant(), key=key)
        give_answer(lead.pk, question.pk, "yes", by=None, evidence="call", **more)


def to_sql(lead: Lead) -> str:
    apply_sql_criteria(lead, None)
    lead.refresh_from_db()
    return lead.stage


BANT = ("budget", "authority", "need", "timeline")


class TestAsking:
    def test_a_question_of_a_segment_is_asked_of_it_alone(self, german: Segment) -> None:
        with_legal(german)
        here, there = lead_in("DE"), lead_in("FR")
        for lead in (here, there):
            answer(lead, *BANT)

        assert [item.question.key for item in missing_for_sql(here) if item.question] == ["legal"]
        assert missing_for_sql(there) == []
        assert (to_sql(here), to_sql(there)) == ("mql", "sql")
        said = explain_criteria(here, "sql")
        assert said is not None
        assert not said.holds
        answer(here, "legal")
        assert to_sql(here) == "sql"
        assert not [one for check, broken in run(CHECKS) for one in broken if check.name.startswith("qualification")]

    def test_the_audit_misses_an_answer_that_a_segment_needed(self, german: Segment) -> None:
        with_legal(german)
        here, there = lead_in("DE"), lead_in("FR")
        for lead in (here, there):
            answer(lead, *BANT)
        answer(here, "legal")
        assert (to_sql(here), to_sql(there)) == ("sql", "sql")
        check = next(one for one in CHECKS if one.name == "qualification.sql_has_its_answers")
        assert [one for _check, broken in run([check]) for one in broken] == []

        here.answers.filter(question__key="legal").delete()

        assert [one for _check, broken in run([check]) for one in broken]

    def test_the_lead_and_the_queue_show_what_is_asked_of_whom(self, german: Segment) -> None:
        with_legal(german)
        here, there = lead_in("DE"), lead_in("FR")

        keys = {lead.pk: {item.question.key for item in assessment(lead, asked()).items} for lead in (here, there)}
        missing = {
            one.lead.pk: {question.key for question in one.missing}
            for one in situations(list(Lead.objects.all()), now(), asked())
        }

        assert keys == {here.pk: {*BANT, "legal"}, there.pk: set(BANT)}
        assert missing == keys

    def test_a_changed_segment_makes_a_version_and_leaves_the_old_sql_what_it_was(self, german: Segment) -> None:
        old = with_legal(german)
        lead = lead_in("FR")
        answer(lead, *BANT)

        save_segment(german.pk, "French", FRENCH)

        made = bant()
        assert (made.version, old.questions.get(key="legal").condition) == (old.version + 1, GERMAN)
        assert made.questions.get(key="legal").condition == FRENCH
        criteria = published("sql")
        assert criteria is not None
        assert criteria.framework == made
        assert [item.question.key for item in missing_for_sql(lead) if item.question] == ["legal"]

    def test_without_answers_it_changes_in_place(self, german: Segment) -> None:
        old = with_legal(german)

        save_segment(german.pk, "French", FRENCH)

        assert (bant().pk, old.questions.get(key="legal").condition) == (old.pk, FRENCH)

    def test_what_is_used_stays(self, german: Segment) -> None:
        other = save_segment(None, "French", FRENCH)
        with_legal(german)

        with pytest.raises(SegmentInUse, match=r"German is used by BANT"):
            delete_segment(german.pk)
        assert delete_segment(other.pk) == "French"
        assert Segment.objects.get() == german

    def test_it_cannot_turn_in_a_circle(self, german: Segment) -> None:
        circle = {"all": [{"fact": "qualification.share", "op": "gte", "value": 50}]}
        with_legal(german)

        with pytest.raises(InvalidInput) as error:
            save_segment(german.pk, "German", circle)

        assert "condition" in error.value.fields
        german.refresh_from_db()
        assert german.condition == GERMAN


class TestWeights:
    def test_the_share_is_of_the_weight_of_what_is_asked(self, german: Segment) -> None:
        with_legal(german, weight=6)
        here, there = lead_in("DE"), lead_in("FR")
        for lead in (here, there):
            answer(lead, "budget", "need")
            answer(lead, "authority", is_met=False)

        assert [lead_facts(lead, now())["qualification.share"] for lead in (here, there)] == [20, 50]
        assert [assessment(lead, asked()).share for lead in (here, there)] == [20, 50]

    @pytest.mark.parametrize(("value", "reached"), [(19, True), (20, True), (21, False)])
    def test_python_and_the_database_agree(self, german: Segment, value: int, reached: bool) -> None:
        with_legal(german, weight=6)
        lead = lead_in("DE")
        answer(lead, "budget", "need")
        condition = parse({"fact": "qualification.share", "op": "gte", "value": value})

        assert condition.holds(lead_facts(lead, now())) == reached
        assert Lead.objects.filter(condition.to_q(now()), pk=lead.pk).exists() == reached

    def test_an_answer_too_old_counts_no_more(self) -> None:
        Question.objects.filter(key="budget").update(valid_days=30)
        lead = lead_in("DE")
        answer(lead, "budget", "need", at=now() - timedelta(days=40))
        condition = parse({"fact": "qualification.share", "op": "gte", "value": 26})

        assert lead_facts(lead, now())["qualification.share"] == 25
        assert not Lead.objects.filter(condition.to_q(now()), pk=lead.pk).exists()

    def test_nothing_that_weighs_is_no_share(self) -> None:
        Question.objects.update(weight=0)
        lead = lead_in("DE")

        assert lead_facts(lead, now())["qualification.share"] is None
        unknown = parse({"fact": "qualification.share", "op": "is_unknown"})
        assert Lead.objects.filter(unknown.to_q(now()), pk=lead.pk).exists()

    def test_criteria_may_ask_for_a_share_of_questions_that_are_not_needed(self) -> None:
        Question.objects.update(is_required=False)
        Question.objects.filter(key="need").update(weight=2)
        condition = {"all": [{"fact": "qualification.share", "op": "gte", "value": 60}]}
        Criteria.objects.filter(kind="sql").update(condition=condition)
        lead = lead_in("DE")

        assert to_sql(lead) == "mql"
        answer(lead, "budget")
        assert to_sql(lead) == "mql"
        answer(lead, "need")
        assert to_sql(lead) == "sql"

    def test_another_weight_makes_a_version(self) -> None:
        lead = lead_in("DE")
        answer(lead, "budget")
        first, *rest = bant().questions.all()

        made = save_framework("bant", "BANT", [as_data(first), *(as_data(one) for one in rest)])
        assert made.version == 1
        heavier = QuestionData(**{**vars(as_data(first)), "weight": 5})

        assert save_framework("bant", "BANT", [heavier, *(as_data(one) for one in rest)]).version == 2

    def test_a_weight_has_its_bounds(self) -> None:
        with pytest.raises(InvalidInput) as error:
            save_framework("", "X", [QuestionData("A", weight=11)])

        assert "questions-0" in error.value.fields


class TestSteps:
    """Steps of cadences that are only for some."""

    def steps(self, german: Segment, days: int = 2) -> Cadence:
        return cadence(
            StepData("call", 0),
            StepData("task", days, hint="A card", segment=german),
            StepData("call", 1),
        )

    def begun(self, country: str, german: Segment, days: int = 2) -> CadenceEnrolment:
        contact = make_contact(country=country, time_zone="Europe/Berlin")
        lead = make_lead(contact=contact, stage="mql", at=AT, owner=self.ann)
        chosen = Cadence.objects.first() or self.steps(german, days)
        return begin_cadence(lead.pk, chosen.pk, by=self.ann, at=AT)

    @pytest.fixture(autouse=True)
    def people(self, db: None) -> None:
        self.ann = make_user("sdr")

    def test_whom_it_is_for_is_looked_at_when_it_is_due(self, german: Segment) -> None:
        enrolments = [self.begun(country, german) for country in ("DE", "FR")]
        for one in enrolments:
            step_done(one.lead_id, by=self.ann, at=AT)
            one.refresh_from_db()
            assert (one.step and one.step.kind, one.is_for_lead) == ("task", False)
        # They have moved meanwhile: what counts is how it is on the day.
        due = enrolments[0].due_at
        with moment(due - timedelta(minutes=1)):
            assert cadences_due(due - timedelta(minutes=1)) == 0

        with moment(due):
            cadences_due(due)
            assert cadences_due(due) == 0

        here, there = (CadenceEnrolment.objects.select_related("step").get(pk=one.pk) for one in enrolments)
        assert (here.step and here.step.kind, here.is_for_lead, here.due_at) == ("task", True, due)
        assert there.step is not None
        assert (there.step.kind, there.step.position, there.due_at > due) == ("call", 3, True)
        event = there.lead.events.filter(kind="cadence.step").latest("pk")
        assert event.data["skipped"] is True

    def test_what_is_due_at_once_is_looked_at_at_once(self, german: Segment) -> None:
        here, there = (self.begun(country, german, 0) for country in ("DE", "FR"))
        for one in (here, there):
            step_done(one.lead_id, by=self.ann, at=AT)
            one.refresh_from_db()

        assert here.step is not None
        assert there.step is not None
        assert (here.step.position, here.is_for_lead) == (2, True)
        assert there.step.position == 3

    def test_the_last_step_left_out_waits_for_the_answer(self, german: Segment) -> None:
        save_cadence_with_end(german)
        one = self.begun("FR", german)
        step_done(one.lead_id, by=self.ann, at=AT)
        one.refresh_from_db()

        with moment(one.due_at):
            cadences_due(one.due_at)

        one.refresh_from_db()
        assert (one.step, one.ended_at, one.is_for_lead) == (None, None, True)


def save_cadence_with_end(german: Segment) -> Cadence:
    return cadence(StepData("call", 0), StepData("task", 1, segment=german))


class TestPages:
    def form(self, **more: Any) -> dict[str, Any]:
        row = {"mode": "all", "fact-0": "contact.country", "op-0": "in", "value-0": "DE", "group-0": "0"}
        return {"name": "German", **row, **more}

    def test_an_admin_describes_changes_and_deletes_one(self) -> None:
        admin = signed_in(make_user("admin"))
        lead_in("DE")
        lead_in("DE", "disqualified")

        assert admin.post("/segments/new/", self.form()).status_code == 302

        made = Segment.objects.get()
        assert made.condition == GERMAN
        page = text_of(admin.get("/segments/").content.decode())
        assert "German" in page
        assert "1 lead to be qualified" in page
        assert "Not used yet" in page
        found = admin.get(f"/leads/?segment={made.pk}&stage=working").content.decode()
        assert "Segment: German" in text_of(found)
        admin.post(f"/segments/{made.pk}/", self.form(name="DACH"))
        assert Segment.objects.get().name == "DACH"
        admin.post(f"/segments/{made.pk}/delete/")
        assert not Segment.objects.exists()

    @pytest.mark.parametrize(
        ("more", "words"),
        [
            ({"name": " "}, "Give the segment a name."),
            ({"name": "Taken"}, "Another segment has this name."),
            ({"fact-0": "no.such"}, "no.such"),
        ],
    )
    def test_what_lacks_is_said(self, more: dict[str, Any], words: str) -> None:
        save_segment(None, "Taken", FRENCH)

        response = signed_in(make_user("admin")).post("/segments/new/", self.form(**more))

        assert response.status_code == 422
        assert words in response.content.decode()
        assert Segment.objects.count() == 1

    def test_everybody_is_no_segment(self) -> None:
        response = signed_in(make_user("admin")).post("/segments/new/", {"name": "All", "mode": "all"})

        assert response.status_code == 422
        assert "Say which leads belong to it." in response.content.decode()

    def test_others_read_or_are_kept_out(self, german: Segment) -> None:
        manager, sdr = signed_in(make_user("manager")), signed_in(make_user("sdr"))

        assert manager.get("/segments/").status_code == 200
        assert manager.get(f"/segments/{german.pk}/").status_code == 403
        assert manager.post(f"/segments/{german.pk}/delete/").status_code == 403
        assert sdr.get("/segments/").status_code == 403
        assert Segment.objects.exists()

    def test_questions_and_steps_take_their_segment_on_their_pages(self, german: Segment) -> None:
        admin = signed_in(make_user("admin"))
        said = {
            "name": "Ours", "questions-TOTAL_FORMS": "1", "questions-INITIAL_FORMS": "0",
            "questions-0-label_en": "Legal", "questions-0-kind": "text", "questions-0-weight": "4",
            "questions-0-segment": str(german.pk),
        }  # fmt: skip
        admin.post("/frameworks/new/", said)
        made = Question.objects.get(label_en="Legal")
        assert (made.weight, made.segment, made.condition) == (4, german, GERMAN)
        assert "weighs 4" in text_of(admin.get("/frameworks/").content.decode())

        row = save_cadence(None, FIELDS, {}, [StepData("call", 0), StepData("task", 1, segment=german)])
        page = text_of(admin.get("/outreach/cadences/").content.decode())
        assert "only for German" in page
        shown = admin.get(f"/outreach/cadences/{row.pk}/").content.decode()
        assert f'<option value="{german.pk}" selected>German</option>' in shown


FIELDS = {
    "name": "Plan", "position": 1, "is_active": True, "window_from": datetime.min.time().replace(hour=9),
    "window_to": datetime.min.time().replace(hour=17), "wait_days": 2, "recycle_reason": None, "most_mails_a_day": 50,
}  # fmt: skip

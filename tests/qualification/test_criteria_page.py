"""Criteria and frameworks on their pages: in words, changed beside last month's leads, put into force."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from qualification.models import Criteria, Framework, Question
from qualification.ready_made import READY_MADE
from qualification.services import criteria_drafts as drafts
from qualification.services.answers import give_answer
from qualification.services.apply_criteria import apply_spell
from qualification.services.criteria import published
from qualification.services.defaults import install_defaults
from qualification.services.frameworks import FrameworkExists, take_over
from tests.factories import make_contact, make_lead, make_user
from tests.routing.things import is_in, page, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def defaults(db: None) -> None:
    install_defaults()


def form(country: str = "DE", **more: str) -> dict[str, str]:
    row = {"fact-0": "contact.country", "op-0": "in", "value-0": country, "group-0": "0"}
    return {"name": "From there", "mode": "all", **row, **more}


class TestCriteria:
    def test_a_draft_begins_as_what_is_in_force_and_there_is_one(self) -> None:
        first, second = drafts.begin_criteria("mql"), drafts.begin_criteria("mql")

        assert first == second
        live = published("mql")
        assert live is not None
        assert (first.version, first.condition, first.status) == (2, live.condition, "draft")

    def test_what_lacks_is_named(self) -> None:
        draft = drafts.begin_criteria("sql")

        with pytest.raises(InvalidInput) as wrong:
            drafts.save_criteria(draft.pk, " ", {"fact": "no.such"}, None)

        assert set(wrong.value.fields) == {"name", "framework", "condition"}

    def test_putting_into_force_archives_the_one_before(self) -> None:
        draft = drafts.begin_criteria("mql")
        drafts.save_criteria(draft.pk, "Germans", is_in("contact.country", "DE"), None)

        drafts.put_into_force(draft.pk)

        assert published("mql") == draft
        assert Criteria.objects.get(kind="mql", version=1).status == "archived"
        with pytest.raises(drafts.NoCriteriaDraft):
            drafts.save_criteria(draft.pk, "Again", {}, None)

    def test_leads_that_wait_for_it_move_on_and_others_stay(self) -> None:
        german, french = (make_lead(contact=make_contact(country=code)) for code in ("DE", "FR"))
        old = make_lead(contact=make_contact(country="DE"), is_history=True)
        worked = make_lead(stage="mql", contact=make_contact(country="FR"))
        draft = drafts.begin_criteria("mql")
        drafts.save_criteria(draft.pk, "Germans", is_in("contact.country", "DE"), None)
        drafts.put_into_force(draft.pk)

        assert apply_spell(draft.pk, 0) == "1 moved"
        assert apply_spell(draft.pk, 0) == "0 moved"

        stages = [type(lead).objects.get(pk=lead.pk).stage for lead in (german, french, old, worked)]
        assert stages == ["mql", "new", "new", "mql"]
        event = german.events.get(kind="stage.mql")
        assert event.data["version"] == draft.version
        assert apply_spell(Criteria.objects.get(kind="mql", version=1).pk, 0) == "not in force"

    def test_answers_that_are_enough_now_make_an_sql(self) -> None:
        lead = make_lead(stage="mql", contact=make_contact(country="DE"))
        silent = make_lead(stage="mql", contact=make_contact(country="DE"))
        budget = Question.objects.get(framework__slug="bant", key="budget")
        give_answer(lead.pk, budget.pk, "50,000", by=None, evidence="call")
        Question.objects.filter(framework__slug="bant").exclude(pk=budget.pk).update(is_required=False)
        draft = drafts.begin_criteria("sql")
        drafts.save_criteria(draft.pk, "Budget is enough", {}, Framework.objects.get(slug="bant"))
        drafts.put_into_force(draft.pk)

        assert apply_spell(draft.pk, 0) == "1 moved"

        assert [type(one).objects.get(pk=one.pk).stage for one in (lead, silent)] == ["sql", "mql"]

    def test_an_admin_changes_them_on_the_page(self) -> None:
        client = signed_in(make_user("admin"))
        for country in ("DE", "DE", "FR"):
            make_lead(contact=make_contact(country=country))
        make_lead(contact=make_contact(country="DE"), at=now() - timedelta(days=40))
        url = reverse("qualification:criteria_edit", args=["mql"])
        client.get(url)

        client.post(url, form())
        shown = client.get(url)
        assert (shown.context["meets"], shown.context["recent"]) == (2, 3)
        listed = client.get(f"{reverse('qualification:lead_list')}?meets={shown.context['draft'].pk}")
        assert listed.context["page"].paginator.count == 2
        client.post(url, form("FR", act="publish"))

        live = published("mql")
        assert live is not None
        assert (live.version, live.condition) == (2, {"all": [is_in("contact.country", "FR")]})
        text = page(client, "qualification:criteria_list")
        assert "From there" in text
        assert "1 lead of the last 30 days meets the condition" in text

    def test_rows_are_added_without_saving(self) -> None:
        client = signed_in(make_user("admin"))
        url = reverse("qualification:criteria_edit", args=["mql"])
        client.get(url)

        partial = client.post(url, form(do="add"), HTTP_HX_REQUEST="true")

        assert partial.content.decode().count('class="condition"') == 2
        assert Criteria.objects.get(kind="mql", status="draft").name != "From there"

    @pytest.mark.parametrize(
        ("kind", "fields", "wrong"),
        [("mql", {"name": ""}, "name"), ("sql", {"framework": ""}, "framework")],
    )
    def test_what_does_not_fit_is_said_at_its_field(self, kind: str, fields: dict[str, str], wrong: str) -> None:
        client = signed_in(make_user("admin"))
        url = reverse("qualification:criteria_edit", args=[kind])
        client.get(url)

        answer = client.post(url, form(act="publish", **fields))

        assert answer.status_code == 422
        assert wrong in answer.context["form"].errors
        live = published(kind)
        assert live is not None
        assert live.version == 1

    def test_a_number_that_is_none_is_said_at_the_condition(self) -> None:
        client = signed_in(make_user("admin"))
        url = reverse("qualification:criteria_edit", args=["mql"])
        client.get(url)

        answer = client.post(url, form(**{"fact-0": "company.staff", "op-0": "gte", "value-0": "many"}))

        assert answer.status_code == 422
        assert "is no number" in answer.content.decode()

    def test_a_draft_can_be_thrown_away(self) -> None:
        client = signed_in(make_user("admin"))
        client.get(reverse("qualification:criteria_edit", args=["mql"]))

        client.post(reverse("qualification:criteria_discard", args=["mql"]))

        assert not Criteria.objects.filter(status="draft").exists()
        answer = client.post(reverse("qualification:criteria_edit", args=["mql"]), form())
        assert answer.status_code in (302, 409)

    @pytest.mark.parametrize("role", ["manager", "marketing", "team_lead"])
    def test_others_read(self, role: str) -> None:
        client = signed_in(make_user(role))

        assert "SQL" in page(client, "qualification:criteria_list")
        assert client.get(reverse("qualification:criteria_edit", args=["mql"])).status_code == 403
        assert client.post(reverse("qualification:framework_take", args=["meddic"])).status_code == 403

    def test_no_other_kind_is_known(self) -> None:
        client = signed_in(make_user("admin"))

        assert client.get(reverse("qualification:criteria_edit", args=["pql"])).status_code == 404
        assert client.get(f"{reverse('qualification:lead_list')}?meets=99999").context["page"].paginator.count == 0


class TestFrameworks:
    @pytest.mark.parametrize("slug", [slug for slug in READY_MADE if slug != "bant"])
    def test_each_ready_made_framework_can_be_taken_over(self, slug: str) -> None:
        made = take_over(slug)

        questions: list[Any] = list(Question.objects.filter(framework=made).order_by("position"))
        assert [one.key for one in questions] == [ask.key for ask in READY_MADE[slug][1]]
        assert all(one.label_en and one.label_de and one.ask_en and one.ask_de for one in questions)
        shortcuts = [one.shortcut for one in questions]
        assert len(set(shortcuts)) == len(shortcuts)
        with pytest.raises(FrameworkExists):
            take_over(slug)

    def test_the_page_takes_one_over_for_sql(self) -> None:
        client = signed_in(make_user("admin"))
        assert "MEDDIC" in page(client, "qualification:framework_list")

        client.post(reverse("qualification:framework_take", args=["meddic"]))

        framework = Framework.objects.get(slug="meddic")
        text = page(client, "qualification:framework_list")
        assert "Who can say yes when everybody else has said it?" in text
        url = reverse("qualification:criteria_edit", args=["sql"])
        client.get(url)
        client.post(url, form(framework=str(framework.pk), act="publish"))
        live = published("sql")
        assert live is not None
        assert live.framework == framework
        assert client.post(reverse("qualification:framework_take", args=["nothing"])).status_code == 404

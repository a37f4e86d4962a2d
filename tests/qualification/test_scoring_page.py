"""The scoring page: rules in words, weights tried on last month's leads, and every open lead scored anew."""

from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connection, transaction
from django.urls import reverse
from django_q.models import OrmQ

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leads.models import Lead
from qualification.models import Criteria, RescoreRun, Score, ScoringModel
from qualification.scoring import Signal, read_model, score
from qualification.services import scoring_drafts as drafts
from qualification.services.rescoring import LANES, begin_rescoring, nudge_rescoring, rescore_spell
from qualification.services.score import compiled, rescore
from qualification.services.trial_scores import compare
from tests.factories import make_company, make_contact, make_lead, make_touchpoint, make_user
from tests.qualification.test_score import AT, rule, staff_at_least
from tests.routing.things import page, signed_in
from tests.worker import drain


def model(*rules: dict[str, Any], groups: Any = (), half_life: int = 14) -> ScoringModel:
    return ScoringModel.objects.create(
        version=1, status="published", rules=list(rules), groups=list(groups), half_life_days=half_life
    )


LARGE = rule("large", 60, condition=staff_at_least(200))
FORM = rule("form", 30, "engagement", touch="form")
HTMX = {"HTTP_HX_REQUEST": "true"}


def scored(staff: int, **more: Any) -> Lead:
    lead = make_lead(contact=make_contact(company=make_company(staff=staff)), **more)
    make_touchpoint(lead, kind="form")
    rescore(lead.pk)
    lead.refresh_from_db()
    return lead


class TestModel:
    def test_a_group_gives_no_more_than_its_cap_and_says_what_it_took_off(self) -> None:
        groups = [{"key": "size", "label_en": "Size", "most": 40}]
        rules = [
            rule("large", 30, condition=staff_at_least(200), group="size"),
            rule("huge", 30, condition=staff_at_least(5000), group="size"),
            rule("base", 10),
        ]
        read = read_model(rules, 14, groups)

        one, two = (score({"company.staff": staff}, [], [], read, AT) for staff in (300, 9000))

        assert (one.fit, two.fit) == (40, 50)
        assert sum(reason["points"] for reason in two.reasons) == two.fit
        assert [reason["points"] for reason in two.reasons if reason["key"] == "cap:size"] == [-20.0]

    def test_a_group_caps_what_it_takes_as_well(self) -> None:
        groups = [{"key": "bad", "label_en": "Bad", "most": 10}]
        read = read_model([rule("base", 50), rule("a", -8, group="bad"), rule("b", -9, group="bad")], 14, groups)

        assert score({}, [], [], read, AT).fit == 40

    def test_frequency_and_window_narrow_what_counts(self) -> None:
        often = rule("often", 10, "engagement", touch="visit", least=3, within_days=7)
        read = read_model([often], 10_000)

        def engagement(*days: int) -> int:
            return score({}, [Signal("visit", AT - timedelta(days=day)) for day in days], [], read, AT).engagement

        assert [engagement(0, 1), engagement(0, 1, 2), engagement(0, 1, 8), engagement(0, 1, 2, 30)] == [0, 30, 0, 30]

    @pytest.mark.parametrize(
        ("rules", "groups", "place"),
        [
            ([rule("a", 5, group="x")], [], "rules[0].group"),
            ([rule("a", 5, group="g"), rule("b", 5, "engagement", group="g")], [("g", 5)], "rules[1].group"),
            ([rule("a", 5, least=2)], [], "rules[0].least"),
            ([rule("a", 5, "engagement", touch="form", within_days=0)], [], "rules[0].within_days"),
            ([], [("g", 0)], "groups[0].most"),
            ([], [("g", 5), ("g", 6)], "groups[1].key"),
        ],
    )
    def test_what_cannot_be_read_names_its_place(self, rules: Any, groups: Any, place: str) -> None:
        said = [{"key": key, "label_en": key, "most": most} for key, most in groups]

        with pytest.raises(InvalidInput) as wrong:
            read_model(rules, 14, said)

        assert list(wrong.value.fields) == [place]


@pytest.mark.django_db
class TestDraft:
    def test_a_draft_begins_as_what_scores_and_there_is_one(self) -> None:
        live = model(LARGE, FORM)

        first, second = drafts.begin_draft(), drafts.begin_draft()

        assert first == second
        assert (first.rules, first.version, first.status) == (live.rules, 2, "draft")

    def test_weights_are_changed_together(self) -> None:
        model(LARGE, FORM)
        draft = drafts.begin_draft()

        saved = drafts.save_weights(draft.pk, {"large": 45.5}, {}, 7, seen=drafts.mark_of(draft))

        assert [one["points"] for one in saved.rules] == [45.5, 30]
        assert saved.half_life_days == 7

    def test_of_two_who_edit_the_second_is_told(self) -> None:
        model(LARGE)
        draft = drafts.begin_draft()
        seen = drafts.mark_of(draft)
        drafts.save_weights(draft.pk, {"large": 10}, {}, 14, seen=seen)

        with pytest.raises(drafts.ScoringChanged):
            drafts.save_weights(draft.pk, {"large": 90}, {}, 14, seen=seen)
        with pytest.raises(drafts.ScoringChanged):
            drafts.discard_draft(draft.pk, seen=seen)

        draft.refresh_from_db()
        assert draft.rules[0]["points"] == 10

    def test_the_comparison_judges_with_the_facts_of_then(self) -> None:
        live = model(LARGE, FORM)
        lead = scored(300)
        make_touchpoint(lead, kind="form", at=now() + timedelta(hours=1))
        # Known later: the company has shrunk, which the score of then did not know.
        company = lead.contact.company
        assert company is not None
        company.staff = 5
        company.save()
        draft = drafts.begin_draft()
        draft.rules[0]["points"] = 20

        found = compare(compiled(live), compiled(draft), now() + timedelta(hours=2))

        (judged,) = found.judged
        assert judged.before is not None
        assert (judged.before.fit, judged.before.engagement) == (lead.fit, lead.engagement) == (60, 30)
        assert judged.after.fit == 20
        assert [one.lead_id for one in found.changed] == [lead.pk]


@pytest.mark.django_db(transaction=True)
class TestRescoring:
    def test_publishing_scores_every_open_lead_anew(self) -> None:
        model(LARGE, FORM)
        leads = [scored(300) for _ in range(3)]
        closed = scored(300, stage="disqualified")
        draft = drafts.begin_draft()
        drafts.save_weights(draft.pk, {"large": 20}, {}, 14, seen="")

        drafts.publish_draft(draft.pk, by=make_user("admin"), at=now(), note="Less for size")
        drain()

        run = RescoreRun.objects.get()
        assert (run.state, run.done, run.moved, run.total) == ("done", 3, 3, 3)
        for lead in leads:
            lead.refresh_from_db()
            assert lead.fit == 20
            newest = Score.objects.filter(lead=lead).first()
            assert newest is not None
            assert newest.model == draft
        closed.refresh_from_db()
        assert closed.fit == 60

    def test_who_meets_the_criteria_by_the_new_score_becomes_an_mql(self) -> None:
        model(LARGE, FORM)
        condition = {"fact": "score.fit", "op": "gte", "value": 90}
        Criteria.objects.create(kind="mql", version=1, name="Fits", condition=condition, status="published")
        lead, small = scored(300), scored(3)
        draft = drafts.begin_draft()
        drafts.save_weights(draft.pk, {"large": 95}, {}, 14, seen="")

        drafts.publish_draft(draft.pk, by=make_user("admin"), at=now())
        drain()

        assert [Lead.objects.get(pk=one.pk).stage for one in (lead, small)] == ["mql", "new"]

    def test_a_run_goes_on_where_its_worker_was_lost_and_a_second_job_changes_nothing(self) -> None:
        live = model(LARGE)
        leads = [scored(300) for _ in range(4)]
        run = begin_rescoring(live, now())
        RescoreRun.objects.update(done=2, heard_at=now() - timedelta(minutes=5))
        for lead in leads[:2]:
            run.lanes.filter(remainder=lead.pk % LANES).update(after=lead.pk)

        assert nudge_rescoring(now()) == 1
        assert nudge_rescoring(now()) == 0
        assert rescore_spell(run.pk) == "done"
        assert rescore_spell(run.pk) == "done"

        run.refresh_from_db()
        assert (run.done, run.moved, run.state) == (4, 0, "done")

    def test_a_newer_model_stops_the_run_of_the_older(self) -> None:
        live = model(LARGE)
        scored(300)
        first = begin_rescoring(live, now())
        second = begin_rescoring(live, now())

        first.refresh_from_db()
        assert (first.state, second.state) == ("stopped", "running")
        assert rescore_spell(first.pk) == "stopped"
        first.refresh_from_db()
        assert first.done == 0

    def test_a_lane_that_somebody_works_on_is_left_alone(self) -> None:
        live = model(LARGE)
        lead = scored(300)
        run = begin_rescoring(live, now())
        with transaction.atomic():
            run.lanes.select_for_update().get(remainder=lead.pk % LANES)
            waiting = OrmQ.objects.count()
            beside = Thread(target=_spell, args=(run.pk,))
            beside.start()
            beside.join()
            # Nothing is free: it does not ask again and again.
            assert OrmQ.objects.count() == waiting
        run.refresh_from_db()
        assert (run.state, run.done, run.lanes.filter(is_done=False).count()) == ("running", 0, 1)

        assert rescore_spell(run.pk) == "done"

        run.refresh_from_db()
        assert (run.done, run.state) == (1, "done")

    def test_a_run_whose_last_worker_was_lost_before_closing_it_is_closed(self) -> None:
        run = begin_rescoring(model(LARGE), now())
        run.lanes.update(is_done=True)

        assert rescore_spell(run.pk) == "done"


def _spell(run_id: int) -> None:
    rescore_spell(run_id)
    connection.close()


@pytest.mark.django_db
class TestPages:
    def test_rules_are_read_as_words(self) -> None:
        often = rule("often", 5, "engagement", touch="visit", least=3, within_days=7, most=20)
        model(
            LARGE,
            FORM,
            often,
            rule("free", -15, condition={"fact": "contact.email_class", "op": "eq", "value": "free"}),
        )

        text = page(signed_in(make_user("manager")), "qualification:scoring")

        assert "+60 large" in text
        assert "staff is at least 200" in text
        assert "each: Visit, from 3 on, of the last 7 days, at most 20" in text
        assert "-15 free" in text
        assert "Change the scoring" not in text

    def test_moving_a_weight_shows_the_leads_that_move_and_saves_nothing(self) -> None:
        model(LARGE, FORM)
        lead = scored(300)
        draft = drafts.begin_draft()
        client = signed_in(make_user("admin"))

        answer = client.post(reverse("qualification:scoring_weights"), {"points-large": "20"}, **HTMX)

        text = answer.content.decode()
        assert "<strong>1</strong> lead would get another grade" in text
        assert lead.contact.name in text
        draft.refresh_from_db()
        assert draft.rules[0]["points"] == 60
        wrong = client.post(reverse("qualification:scoring_weights"), {"points-large": "many"}, **HTMX)
        assert "write points from -100 to 100" in wrong.content.decode()
        assert client.post(reverse("qualification:scoring_weights"), {"points-large": "0"}).status_code == 422

    def test_an_admin_changes_adds_caps_and_publishes(self) -> None:
        model(LARGE, FORM)
        client = signed_in(make_user("admin"))
        client.post(reverse("qualification:scoring_draft"))
        client.post(reverse("qualification:scoring_group"), {"label_en": "Size", "most": "50"})
        form = {"label_en": "Huge", "part": "fit", "points": "40", "group": "size", "mode": "all"}
        row = {"fact-0": "company.staff", "op-0": "gte", "value-0": "5000", "group-0": "0"}

        added = client.post(reverse("qualification:scoring_rule_add"), form | row)
        edited = client.post(reverse("qualification:scoring_rule", args=["large"]), form | row | {"label_en": "Large"})
        client.post(reverse("qualification:scoring_rule_delete", args=["form"]))

        draft = ScoringModel.objects.get(status="draft")
        assert (added.status_code, edited.status_code) == (302, 302)
        assert [(one["key"], one["points"], one.get("group")) for one in draft.rules] == [
            ("large", 40, "size"),
            ("huge", 40, "size"),
        ]
        assert draft.rules[1]["condition"] == {"all": [staff_at_least(5000)]}
        text = page(client, "qualification:scoring")
        assert "Taken out: form" in text
        client.post(reverse("qualification:scoring_publish"), {"note": "Sizes"})
        published = ScoringModel.objects.get(status="published")
        assert (published.pk, published.note) == (draft.pk, "Sizes")
        assert RescoreRun.objects.filter(model=published).exists()

    @pytest.mark.parametrize(
        ("fields", "wrong"),
        [
            ({"points": "0"}, "points"),
            ({"points": "101"}, "points"),
            ({"label_en": ""}, "label_en"),
            ({"least": "2"}, "least"),
            ({"signal": "touch:form", "part": "fit"}, "part"),
        ],
    )
    def test_what_does_not_fit_is_said_at_its_field(self, fields: dict[str, str], wrong: str) -> None:
        model(LARGE)
        drafts.begin_draft()
        form = {"label_en": "Huge", "part": "fit", "points": "40", "mode": "all", **fields}
        if "least" in fields:
            form["part"] = "engagement"

        answer = signed_in(make_user("admin")).post(reverse("qualification:scoring_rule_add"), form)

        assert answer.status_code == 422
        assert list(answer.context["form"].errors) == [wrong]

    def test_an_older_version_can_be_begun_from(self) -> None:
        model(LARGE)
        old = ScoringModel.objects.create(version=7, status="archived", rules=[FORM], published_at=now())
        client = signed_in(make_user("admin"))
        client.post(reverse("qualification:scoring_draft"), {"version": "7"})

        draft = ScoringModel.objects.get(status="draft")
        assert (draft.version, draft.rules) == (8, old.rules)
        client.post(reverse("qualification:scoring_draft"), {"act": "discard", "seen": drafts.mark_of(draft)})
        assert not ScoringModel.objects.filter(status="draft").exists()

    def test_the_form_shows_what_a_rule_says(self) -> None:
        model(rule("often", 5, "engagement", touch="visit", subjects=["demo"], least=3, within_days=7, most=20))
        drafts.begin_draft()

        form = signed_in(make_user("admin")).get(reverse("qualification:scoring_rule", args=["often"])).context["form"]

        shown = {name: form[name].value() for name in ("signal", "subjects", "least", "within_days", "most")}
        assert shown == {"signal": "touch:visit", "subjects": "demo", "least": 3, "within_days": 7, "most": 20}

    @pytest.mark.parametrize("role", ["manager", "team_lead", "marketing"])
    def test_others_read(self, role: str) -> None:
        model(LARGE)
        drafts.begin_draft()
        client = signed_in(make_user(role))

        assert "Draft" not in page(client, "qualification:scoring")
        for name in ("scoring_draft", "scoring_weights", "scoring_group", "scoring_publish", "scoring_rule_add"):
            assert client.post(reverse(f"qualification:{name}")).status_code == 403

    def test_sdrs_work_leads_instead(self) -> None:
        assert signed_in(make_user("sdr")).get(reverse("qualification:scoring")).status_code == 403

    def test_without_a_model_the_page_says_so(self) -> None:
        assert "Nothing is scored yet" in page(signed_in(make_user("admin")), "qualification:scoring")

"""Training from the database: which moments are learned from, what is refused, who predicts, and runs."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from leadmgmt.core.errors import DomainError
from leadmgmt.core.now import now
from leads.models import Lead
from qualification.models import Outcome, PredictionFact, PredictionModel, RescoreRun, ScoringModel, TrainingRun
from qualification.services.prediction_versions import WorseModel, publish_prediction, withdraw_prediction
from qualification.services.score import rescore, score_anew
from qualification.services.train import train
from qualification.services.training_data import gather
from qualification.services.watching import watch_models
from tests.factories import make_contact, make_lead, make_user
from tests.qualification.learned_cast import BEGIN, ended, past, scored, trained

pytestmark = pytest.mark.django_db
Kind, State = TrainingRun.Kind, TrainingRun.State


@pytest.fixture
def scoring(db: None) -> ScoringModel:
    return ScoringModel.objects.create(version=1, status="published", rules=[])


class TestWhatIsLearnedFrom:
    def test_a_lead_is_seen_as_it_was_when_it_was_first_scored(self, scoring: ScoringModel) -> None:
        lead = make_lead(captured_at=BEGIN)
        scored(lead, scoring, BEGIN, **{"attributes.how": "fair"})
        scored(lead, scoring, BEGIN + timedelta(days=2), **{"attributes.how": "corrected later"})
        ended(lead, "won", BEGIN + timedelta(days=3), **{"attributes.how": "told at the end"})

        (row,) = gather(BEGIN + timedelta(days=30)).rows

        assert (row.facts["attributes.how"], row.is_won, row.at) == ("fair", True, BEGIN)

    def test_it_is_looked_at_again_after_a_week_and_a_month_if_it_is_still_open(self, scoring: ScoringModel) -> None:
        lead = make_lead(captured_at=BEGIN)
        for day in (0, 5, 6, 20, 39):
            scored(lead, scoring, BEGIN + timedelta(days=day), **{"touch.count": day})
        ended(lead, "lost", BEGIN + timedelta(days=31))

        rows = gather(BEGIN + timedelta(days=90)).rows

        assert [row.facts["touch.count"] for row in rows] == [0, 6, 20]
        assert gather(BEGIN + timedelta(days=90)).leads == 1

    def test_who_comes_back_is_another_interest(self, scoring: ScoringModel) -> None:
        lead = make_lead(captured_at=BEGIN)
        scored(lead, scoring, BEGIN, **{"touch.count": 1})
        ended(lead, "lost", BEGIN + timedelta(days=3))
        scored(lead, scoring, BEGIN + timedelta(days=50), **{"touch.count": 2})
        ended(lead, "won", BEGIN + timedelta(days=55))

        rows = gather(BEGIN + timedelta(days=90)).rows

        assert [(row.facts["touch.count"], row.is_won) for row in rows] == [(1, False), (2, True)]

    def test_young_open_leads_are_not_losses_and_old_ones_are(self, scoring: ScoringModel) -> None:
        for days in (2, 5, 9):
            lead = make_lead(captured_at=BEGIN)
            scored(lead, scoring, BEGIN)
            ended(lead, "won", BEGIN + timedelta(days=days))
        at = BEGIN + timedelta(days=40)
        young, old = make_lead(), make_lead()
        scored(young, scoring, at - timedelta(days=3))
        scored(old, scoring, at - timedelta(days=39))

        data = gather(at)

        assert data.horizon == 14
        assert [row.is_won for row in data.rows if row.lead_id == old.pk] == [False]
        assert not [row for row in data.rows if row.lead_id == young.pk]
        assert (data.wins, data.others) == (3, 1)

    def test_history_that_was_brought_in_does_not_tell_how_long_it_took(self, scoring: ScoringModel) -> None:
        lead = make_lead(captured_at=BEGIN)
        outcome = ended(lead, "won", BEGIN + timedelta(days=70), **{"lead.age_days": 70, "attributes.how": "fair"})
        Outcome.objects.filter(pk=outcome.pk).update(facts_at=BEGIN)

        (row,) = gather(BEGIN + timedelta(days=90)).rows

        assert (row.facts["lead.age_days"], row.facts["now"]) == (0, BEGIN.isoformat())

    def test_the_stage_the_score_and_the_answers_are_never_looked_at(self, scoring: ScoringModel) -> None:
        lead = make_lead(captured_at=BEGIN)
        told = {"lead.stage": "sql", "answers.budget": "yes", "company.name": "Alp", "contact.country": "CH"}
        scored(lead, scoring, BEGIN, **told)
        ended(lead, "won", BEGIN + timedelta(days=1))
        PredictionFact.objects.create(fact="contact.region", choice="leave_out", at=BEGIN)

        data = gather(BEGIN + timedelta(days=30))

        assert {"contact.country"} == set(told) & set(data.rows[0].facts) & set(data.kinds)
        assert "contact.region" not in data.kinds

    def test_new_leads_are_compared_with_first_looks_only(self, scoring: ScoringModel) -> None:
        for lead in past(scoring):
            end = lead.outcomes.get().at
            scored(lead, scoring, end - timedelta(minutes=5), **{"touch.count": 9})
            lead.outcomes.update(at=end + timedelta(days=30))

        data = gather(BEGIN + timedelta(days=90))

        assert sum(row.is_first for row in data.rows) == 160
        assert len(data.rows) > 160
        reference = train(data, BEGIN + timedelta(days=90)).reference
        assert reference["leads"] == 160


class TestTheGuard:
    def test_what_is_written_after_the_end_is_refused_whatever_it_would_tell(self, scoring: ScoringModel) -> None:
        leads = past(scoring)
        for lead in leads[:60]:
            lead.contact.attributes = {**lead.contact.attributes, "result": "called back"}
            lead.contact.save()

        model = train(gather(BEGIN + timedelta(days=60)), BEGIN + timedelta(days=60))

        assert [(one["fact"], one["why"]) for one in model.refused] == [("attributes.result", "changed")]
        assert "attributes.how" in {column["fact"] for column in model.body["columns"]}

    def test_what_they_write_themselves_when_they_come_again_is_no_leak(self, scoring: ScoringModel) -> None:
        for lead in past(scoring)[:60]:
            lead.contact.attributes = {"how": "now I know"}
            lead.contact.save()
            Lead.objects.filter(pk=lead.pk).update(last_touch_at=BEGIN + timedelta(days=50))

        assert train(gather(BEGIN + timedelta(days=60)), BEGIN + timedelta(days=60)).refused == []

    def test_an_admin_may_want_a_fact_all_the_same(self, scoring: ScoringModel) -> None:
        for lead in past(scoring)[:60]:
            lead.contact.attributes = {"how": "changed"}
            lead.contact.save()
        PredictionFact.objects.create(fact="attributes.how", choice="allow", at=BEGIN)

        model = train(gather(BEGIN + timedelta(days=60)), BEGIN + timedelta(days=60))

        assert model.refused == []
        assert "attributes.how" in {column["fact"] for column in model.body["columns"]}


class TestWhoPredicts:
    def test_a_trained_version_waits_and_predicts_once_it_is_published(self, scoring: ScoringModel) -> None:
        model = trained(scoring)
        lead = make_lead(contact=make_contact(attributes={"how": "fair"}))
        before = rescore(lead.pk)
        assert before is not None
        assert before.prediction_id is None

        publish_prediction(model.pk, by=make_user("admin"))

        score = rescore(lead.pk)
        assert score is not None
        assert score.prediction_id == model.pk
        assert score.win_probability is not None
        assert score.win_probability > 0.5
        lead.refresh_from_db()
        assert lead.win_probability == score.win_probability
        assert RescoreRun.objects.get().model == scoring

    def test_leads_scored_anew_get_a_score_that_says_who_predicted(self, scoring: ScoringModel) -> None:
        lead = make_lead(contact=make_contact(attributes={"how": "fair"}))
        rescore(lead.pk)
        publish_prediction(trained(scoring).pk, by=None)

        score_anew([lead.pk], now())
        score_anew([lead.pk], now())

        newest = lead.scores.first()
        lead.refresh_from_db()
        assert newest is not None
        assert newest.prediction is not None
        assert newest.win_probability == lead.win_probability
        assert lead.scores.count() == 2

    def test_many_leads_cost_no_more_looks_at_who_predicts(self, scoring: ScoringModel) -> None:
        publish_prediction(trained(scoring).pk, by=None)
        leads = [make_lead().pk for _ in range(12)]

        def cost(ids: list[int]) -> int:
            with CaptureQueriesContext(connection) as queries:
                score_anew(ids, now())
            return len(queries)

        cost(leads[:2])
        assert cost(leads[2:4]) == cost(leads[4:])

    def test_when_it_is_withdrawn_chances_are_counted_by_grade_again(self, scoring: ScoringModel) -> None:
        model = trained(scoring)
        publish_prediction(model.pk, by=None)

        withdraw_prediction(model.pk)

        score = rescore(make_lead().pk)
        assert score is not None
        assert score.prediction_id is None

    def test_a_worse_version_is_published_only_by_somebody_who_says_so(self, scoring: ScoringModel) -> None:
        model = trained(scoring)
        model.trial = {"gain": {"value": -0.1, "low": -0.2, "high": -0.01}}
        model.save()

        with pytest.raises(WorseModel):
            publish_prediction(model.pk, by=None)
        publish_prediction(model.pk, by=None, although_worse=True)

        model.refresh_from_db()
        assert model.status == "published"

    def test_there_is_one_champion_and_one_challenger(self, scoring: ScoringModel) -> None:
        first = trained(scoring)
        publish_prediction(first.pk, by=None)
        second, third = (train(gather(BEGIN + timedelta(days=60)), BEGIN) for _ in range(2))

        states = dict(PredictionModel.objects.values_list("pk", "status"))
        assert states == {first.pk: "published", second.pk: "archived", third.pk: "shadow"}
        with pytest.raises(IntegrityError), transaction.atomic():
            PredictionModel.objects.filter(pk=second.pk).update(status="published")
        with pytest.raises(DomainError):
            publish_prediction(first.pk, by=None)

    def test_training_twice_from_the_same_gives_the_same(self, scoring: ScoringModel) -> None:
        first = trained(scoring)
        second = train(gather(BEGIN + timedelta(days=60)), BEGIN)

        assert (second.body, second.quality) == (first.body, first.quality)
        assert second.version == first.version + 1

    def test_it_is_measured_beside_the_chance_by_grade(self, scoring: ScoringModel) -> None:
        quality = trained(scoring, count=400).quality

        # All have one grade, so that the grade tells nothing.
        assert quality["auc"]["low"] > 0.6
        assert quality["against_grade"]["gain"]["low"] > 0
        assert sum(part["wins"] for part in quality["lift"]) == pytest.approx(1, abs=0.01)
        assert quality["matters"][0]["fact"] == "attributes.how"


class TestWatching:
    def test_the_challenger_is_judged_on_leads_neither_has_learned_from(self, scoring: ScoringModel) -> None:
        champion = trained(scoring, count=300)
        PredictionModel.objects.filter(pk=champion.pk).update(trained_at=BEGIN + timedelta(days=30))
        publish_prediction(champion.pk, by=None)
        # A challenger that says the opposite of everything.
        body = champion.body
        body = {**body, "calibration": {**body["calibration"], "x": [], "slope": -1.0, "offset": 0.0}}
        worse = PredictionModel.objects.create(
            version=9, status="shadow", family=champion.family, trained_at=BEGIN + timedelta(days=30),
            horizon_days=14, examples=300, wins=100, body=body, reference=champion.reference,
        )  # fmt: skip
        past(scoring, count=200, seed=8, begin=BEGIN + timedelta(days=40))

        watch_models(BEGIN + timedelta(days=80))

        worse.refresh_from_db()
        assert worse.trial["outcomes"] == 200
        assert worse.trial["gain"]["high"] < 0
        assert worse.trial["auc"] < 0.5 < worse.trial["champion_auc"]
        with pytest.raises(WorseModel):
            publish_prediction(worse.pk, by=None)

    def test_without_new_outcomes_nothing_is_said(self, scoring: ScoringModel) -> None:
        publish_prediction(trained(scoring).pk, by=None)
        challenger = train(gather(BEGIN + timedelta(days=60)), BEGIN + timedelta(days=60))

        watch_models(BEGIN + timedelta(days=60))

        challenger.refresh_from_db()
        assert challenger.trial == {"outcomes": 0, "wins": 0, "needed": 60}
        assert challenger.drift["shifts"] == []

    def test_leads_of_another_kind_and_wins_that_stay_away_call_an_alarm(self, scoring: ScoringModel) -> None:
        model = trained(scoring, count=300)
        PredictionModel.objects.filter(pk=model.pk).update(trained_at=BEGIN + timedelta(days=15))
        for place in range(150):
            at = BEGIN + timedelta(days=40, hours=place / 10)
            lead = make_lead(captured_at=at)
            scored(lead, scoring, at, **{"attributes.how": "fair"})
            ended(lead, "lost", at + timedelta(days=3))

        watch_models(BEGIN + timedelta(days=62))

        model.refresh_from_db()
        moved = {one["fact"] for one in model.drift["shifts"] if one["is_alarm"]}
        assert "attributes.how" in moved
        assert model.drift["outcomes"] == 150
        assert model.drift["fewer"]["called"] > 0
        assert model.drift["more"]["called"] == 0

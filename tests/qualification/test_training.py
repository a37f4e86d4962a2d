"""Training from the database: which moments are learned from, what is refused, who predicts, and runs."""

import json
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from leadmgmt.core.errors import DomainError
from leadmgmt.core.now import moment, now
from leads.models import Lead
from qualification.models import Outcome, PredictionFact, PredictionModel, RescoreRun, ScoringModel, TrainingRun
from qualification.services import training_runs
from qualification.services.prediction_versions import WorseModel, publish_prediction, withdraw_prediction
from qualification.services.score import rescore, score_anew
from qualification.services.train import run_training, train
from qualification.services.training_data import gather
from qualification.services.watching import watch_models
from tests.factories import make_contact, make_lead, make_user
from tests.qualification.learned_cast import BEGIN, ended, past, scored, trained
from tests.worker import ROOT, surroundings

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


class TestRuns:
    def test_too_few_outcomes_are_said(self, scoring: ScoringModel) -> None:
        past(scoring, count=30)
        run = run_training(training_runs.begin_run(Kind.TRAIN, in_background=False))

        assert run.state == State.TOO_FEW
        assert 0 < run.wins < 40
        assert not PredictionModel.objects.exists()

    def test_what_goes_wrong_stands_on_the_run(self, scoring: ScoringModel, monkeypatch: pytest.MonkeyPatch) -> None:
        past(scoring)

        def fail(*args: Any) -> None:
            raise ValueError("the disk is full")

        monkeypatch.setattr("qualification.services.train.train", fail)
        run = run_training(training_runs.begin_run(Kind.TRAIN, in_background=False))

        assert (run.state, run.error) == (State.FAILED, "ValueError: the disk is full")

    def test_one_run_at_a_time(self, scoring: ScoringModel) -> None:
        first = training_runs.begin_run(Kind.TRAIN, by=make_user("admin"))

        assert training_runs.begin_run(Kind.WATCH) == first

    def test_it_is_due_once_a_week_and_only_where_there_is_something_new(self, scoring: ScoringModel) -> None:
        assert training_runs.runs_due(BEGIN) == 0
        past(scoring, count=25)
        at = BEGIN + timedelta(days=30)

        assert training_runs.runs_due(at) == 1
        assert training_runs.runs_due(at) == 0
        TrainingRun.objects.update(state=State.DONE)
        assert training_runs.runs_due(at + timedelta(days=6)) == 0
        assert training_runs.runs_due(at + timedelta(days=8)) == 0
        past(scoring, count=25, begin=at + timedelta(days=1))
        assert training_runs.runs_due(at + timedelta(days=8)) == 1

    def test_versions_are_looked_at_once_a_day(self, scoring: ScoringModel) -> None:
        trained(scoring)
        TrainingRun.objects.create(kind=Kind.TRAIN, state=State.DONE, asked_at=BEGIN + timedelta(days=60))
        at = BEGIN + timedelta(days=60, hours=1)

        assert training_runs.runs_due(at) == 1
        assert TrainingRun.objects.get(state=State.RUNNING).kind == Kind.WATCH
        TrainingRun.objects.update(state=State.DONE)
        assert training_runs.runs_due(at + timedelta(hours=23)) == 0
        assert training_runs.runs_due(at + timedelta(hours=24)) == 1

    def test_a_run_whose_process_is_gone_is_said_to_be_lost(self, scoring: ScoringModel) -> None:
        run = training_runs.begin_run(Kind.TRAIN, at=BEGIN)

        training_runs.runs_due(BEGIN + timedelta(minutes=11))

        run.refresh_from_db()
        assert run.state == State.FAILED
        assert "lost" in run.error

    def test_the_command_trains_and_tells(self, scoring: ScoringModel, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("resource.setrlimit", lambda *args: None)
        past(scoring)
        out = StringIO()
        with moment(BEGIN + timedelta(days=60)):
            call_command("train_scoring", "--json", stdout=out)

        told = json.loads(out.getvalue())
        assert told["state"] == "done"
        assert told["version"] == PredictionModel.objects.get().version
        assert 0.5 < told["quality"]["auc"]["value"] < 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestTheProcess:
    def test_it_works_a_run_off(self) -> None:
        scoring = ScoringModel.objects.create(version=1, status="published", rules=[])
        past(scoring)
        run = TrainingRun.objects.create(kind=Kind.TRAIN, asked_at=now(), heard_at=now())

        self.process(run)

        run.refresh_from_db()
        assert (run.state, run.error) == (State.DONE, "")
        assert run.model == PredictionModel.objects.get(status="shadow")

    def test_it_ends_with_a_message_where_memory_is_too_small(self) -> None:
        scoring = ScoringModel.objects.create(version=1, status="published", rules=[])
        past(scoring)
        run = TrainingRun.objects.create(kind=Kind.TRAIN, asked_at=now(), heard_at=now())

        self.process(run, SCORING_MEMORY_MB="50")

        run.refresh_from_db()
        assert run.state == State.FAILED
        assert "SCORING_MEMORY_MB" in run.error

    def process(self, run: TrainingRun, **more: str) -> None:
        words = [sys.executable, str(ROOT / "manage.py"), "train_scoring", "--run", str(run.pk)]
        subprocess.run(words, env=surroundings() | more, cwd=ROOT, capture_output=True, timeout=120)

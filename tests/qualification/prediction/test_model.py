"""Facts as numbers, training, calibration, and the same model read again in plain Python."""

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadmgmt.core.shares import Z90, wilson
from qualification.prediction.encode import encoder_from, learn_encoder
from qualification.prediction.fit import Examples, Fitted, calibration, fit, learners
from qualification.prediction.predictor import Predictor
from qualification.prediction.quality import Judgement
from tests.qualification.prediction.invented import KINDS, examples, leads
from tests.worker import ROOT


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    """One training on 1,500 invented leads."""
    return fit(examples(1500), KINDS)


def again(body: dict[str, Any]) -> Predictor:
    """As it comes out of the database."""
    return Predictor(json.loads(json.dumps(body)))


class TestFactsAsNumbers:
    def test_values_written_differently_are_one_and_rare_ones_are_others(self) -> None:
        rows = [{"lead.source": value} for value in ["Google", " google ", "fair"] * 20 + ["rare"]]
        (column,) = learn_encoder(rows, {"lead.source": "text"}).columns

        assert column.values == ("fair", "google")
        assert column.numbers(column.value({"lead.source": "GOOGLE"})) == [0.0, 1.0, 0.0]
        assert column.numbers(column.value({"lead.source": "rare"})) == [0.0, 0.0, 1.0]
        assert column.numbers(column.value({})) == [0.0, 0.0, 0.0]

    def test_a_number_is_limited_to_what_was_seen_and_unknown_is_said(self) -> None:
        rows = [{"company.staff": number} for number in range(1, 1001)]
        (column,) = learn_encoder(rows, {"company.staff": "number"}).columns

        assert column.numbers(1e12) == column.numbers(990.0 + 1)
        assert column.numbers(None) == [0.0, 1.0]
        assert column.numbers(column.value({"company.staff": "not told"})) == [0.0, 1.0]

    def test_further_answers_are_numbers_where_nearly_all_of_them_read_as_such(self) -> None:
        rows = [{"attributes.size": str(place), "attributes.word": f"{place % 3}"} for place in range(100)]
        kinds = {column.fact: column.kind for column in learn_encoder(rows, dict.fromkeys(rows[0], "any")).columns}

        assert kinds == {"attributes.size": "number", "attributes.word": "category"}

    def test_names_free_text_and_what_all_share_are_no_columns(self) -> None:
        rows: list[dict[str, Any]] = [{"name": f"Person {place}", "same": "yes", "one": 1} for place in range(400)]

        assert learn_encoder(rows, {"name": "text", "same": "text", "one": "number"}).columns == ()

    def test_a_time_counts_in_days_before_the_prediction(self) -> None:
        facts = {"now": "2026-03-02T00:00:00+00:00", "lead.last_touch_at": "2026-02-27T12:00:00+00:00"}
        rows = [facts | {"lead.last_touch_at": f"2026-02-{day:02}T12:00:00+00:00"} for day in range(1, 29)]
        (column,) = learn_encoder(rows, {"lead.last_touch_at": "time"}).columns

        assert column.value(facts) == 2.5
        assert column.value({"now": "?", "lead.last_touch_at": None}) is None

    @given(
        st.dictionaries(st.sampled_from([*KINDS, "now"]), st.one_of(st.none(), st.text(), st.floats(), st.booleans()))
    )
    @settings(max_examples=200, deadline=None)
    def test_any_facts_at_all_make_a_row_of_finite_numbers(self, facts: dict[str, Any]) -> None:
        encoder = ENCODER

        row = encoder.encode(facts)

        assert len(row) == sum(column.width for column in encoder.columns)
        assert np.isfinite(row).all()
        assert encoder_from(json.loads(json.dumps(encoder.as_json()))) == encoder


ENCODER = learn_encoder(leads(300)[0], KINDS)


class TestTraining:
    def test_it_learns_what_there_is_to_learn(self, fitted: Fitted) -> None:
        rows, won, true = leads(4000, seed=2)
        predictor = again(fitted.body)
        chances = np.asarray([predictor.probability(row) for row in rows])
        ours, best = (Judgement(won, one, np.ones(len(won)), np.arange(len(won))) for one in (chances, true))

        assert ours.auc() > best.auc() - 0.02
        assert ours.calibration_error() < 0.03
        assert np.abs(chances - true).mean() < 0.06

    def test_cross_validation_tells_how_good_it_is_on_leads_it_has_not_seen(self, fitted: Fitted) -> None:
        rows, won, _true = leads(4000, seed=3)
        predictor = again(fitted.body)
        chances = np.asarray([predictor.probability(row) for row in rows])
        really = Judgement(won, chances, np.ones(len(won)), np.arange(len(won))).auc()
        said = fitted.chosen.judged.auc_interval()

        assert said.low - 0.01 < really < said.high + 0.01

    def test_nothing_to_learn_is_said_to_be_nothing(self) -> None:
        noise = examples(800)
        shuffled = np.random.default_rng(5).permutation(noise.won)
        found = fit(Examples(noise.rows, shuffled, noise.weight, noise.group), KINDS)
        interval = found.chosen.judged.auc_interval()

        assert interval.low < 0.5 < interval.high + 0.02
        # And so it says about the same of everybody.
        predictor = again(found.body)
        assert np.std([predictor.probability(row) for row in noise.rows]) < 0.06

    def test_leads_that_weigh_nothing_are_not_learned_from(self) -> None:
        some = examples(600)
        lies = Examples(
            [*some.rows, *some.rows],
            np.concatenate([some.won, 1 - some.won]),
            np.concatenate([some.weight, 0 * some.weight]),
            np.concatenate([some.group, some.group + 10_000]),
        )

        assert fit(lies, KINDS).body == fit(some, KINDS).body

    def test_one_lead_is_in_one_fold_only(self) -> None:
        # Every lead ten times over: a fold that knew its double would be certain.
        few = examples(120)
        many = Examples(few.rows * 10, np.tile(few.won, 10), np.ones(1200), np.tile(few.group, 10))

        assert fit(many, KINDS).chosen.judged.auc() < 0.9

    def test_a_way_that_is_only_just_better_is_not_worth_being_more_complicated(self, fitted: Fitted) -> None:
        # These leads were invented by a logistic formula.
        assert fitted.chosen.family == "logistic"
        assert {candidate.family for candidate in fitted.candidates} == {"logistic", "boosting"}

    @pytest.mark.parametrize("way", ["platt", "isotonic"])
    def test_calibration_mends_odds_that_are_twice_too_sure(self, way: str) -> None:
        generator = np.random.default_rng(3)
        raw = generator.normal(-1, 1.5, 6000)
        won = (generator.random(6000) < 1 / (1 + np.exp(-raw))).astype(float)
        made = calibration(way, 2 * raw, won, np.ones(6000))
        body = {"family": "logistic", "columns": [], "start": 0.0, "weights": [], "calibration": made, "bins": [[1, 9]]}
        mended = [again(body).calibrated(2 * value) for value in (-2.0, 0.0, 1.0)]

        assert mended == pytest.approx([1 / (1 + np.exp(-value)) for value in (-2.0, 0.0, 1.0)], abs=0.05)


class TestThePlainModel:
    @pytest.mark.parametrize("family", ["logistic", "boosting"])
    def test_it_says_what_the_library_says(self, family: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("qualification.prediction.fit.STRENGTHS", (0.1,) if family == "logistic" else ())
        monkeypatch.setattr("qualification.prediction.fit.TREES", ((3, 60, 0.1),) if family == "boosting" else ())
        monkeypatch.setattr("qualification.prediction.fit._choose", lambda candidates: candidates[0])
        some = examples(500)
        made = fit(some, KINDS)
        table = np.asarray([made.encoder.encode(row) for row in some.rows], dtype=np.float32)
        ((_family, _words, make),) = learners(len(some.won))
        theirs = make().fit(table, some.won, sample_weight=some.weight).decision_function(table)
        predictor = again(made.body)

        assert made.body["family"] == family
        ours = [predictor.raw([float(value) for value in row]) for row in table]
        assert ours == pytest.approx(list(theirs), abs=1e-6)

    def test_what_speaks_for_and_against_is_named_with_its_share(self, fitted: Fitted) -> None:
        rows, _won, _true = leads(50, seed=4)
        predictor = again(fitted.body)
        fair = rows[0] | {"lead.source": "fair", "company.staff": 4}
        shifts = {one.fact: one.shift for one in predictor.influences(fair)}

        assert shifts["lead.source"] > 0.05
        assert shifts["company.staff"] < -0.02
        assert predictor.influences(fair)[0].value == "fair"
        # What it has nothing to do with is no reason.
        assert abs(shifts.get("attributes.budget", 0)) < 0.05

    def test_the_interval_is_as_wide_as_few_leads_make_it(self, fitted: Fitted) -> None:
        estimate = again(fitted.body).estimate(leads(5)[0][0])

        assert 0 <= estimate.low < estimate.mean < estimate.high <= 1
        few, many = (wilson(0.2, count, Z90) for count in (10, 1000))
        assert few[1] - few[0] > 3 * (many[1] - many[0])

    def test_who_scores_leads_loads_none_of_the_libraries(self) -> None:
        code = (
            "import sys, qualification.prediction.predictor, qualification.prediction.censoring\n"
            "assert not {'numpy', 'scipy', 'sklearn'} & set(sys.modules)"
        )
        subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)

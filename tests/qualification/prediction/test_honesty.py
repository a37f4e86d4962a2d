"""Censoring, leakage, drift, and figures that may be called better or worse than others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from qualification.prediction.censoring import Still, Watched, horizon_of, judge
from qualification.prediction.discoveries import discoveries, fisher
from qualification.prediction.drift import HORIZON, limits_of, reference_of, shifts, watch
from qualification.prediction.encode import learn_encoder
from qualification.prediction.guard import changed_after, too_good
from qualification.prediction.quality import Judgement, gained, segments
from tests.qualification.prediction.invented import KINDS, examples, leads


def watched_until(today: float, seed: int, rate: float = 0.3, count: int = 6000) -> list[Watched]:
    """Leads that came evenly over ``today`` days. Losses are known after 10 days on average, wins after 60."""
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        age = generator.uniform(0, today)
        is_win = generator.random() < rate
        end = generator.exponential(60 if is_win else 10)
        found.append(Watched(end, "won" if is_win else "lost") if end <= age else Watched(age, ""))
    return found


class TestLeadsThatAreStillOpen:
    def test_the_rate_of_wins_is_right_though_losses_are_known_sooner(self) -> None:
        watched = watched_until(95, seed=1, count=12_000)
        horizon = 90
        judged = judge(watched, horizon)
        weight = np.asarray([one.weight for one in judged])
        rate = float(np.average([one.is_won for one in judged], weights=weight))
        ended = [one for one in watched if not one.is_open]
        naive = sum(one.ending == "won" for one in ended) / len(ended)
        true = 0.3 * (1 - np.exp(-horizon / 60))

        assert abs(rate - true) < 0.02
        assert true - naive > 0.04

    def test_a_young_lead_is_no_loss_and_an_old_open_one_is(self) -> None:
        watched = [Watched(5, ""), Watched(100, ""), Watched(3, "won"), Watched(95, "won"), Watched(2, "lost")]
        judged = judge(watched, 90)

        assert judged[0].weight == 0
        assert [one.is_won for one in judged[1:]] == [False, True, False, False]
        assert all(one.weight >= 1 for one in judged[1:])

    @given(st.lists(st.tuples(st.floats(0, 400), st.sampled_from(["won", "lost", ""])), max_size=60))
    @settings(max_examples=150, deadline=None)
    def test_the_share_still_watched_falls_from_one_and_never_below_zero(self, told: list[tuple[float, str]]) -> None:
        still = Still([Watched(*one) for one in told])
        shares = [still.before(day) for day in range(0, 420, 7)]

        assert shares[0] == 1
        assert shares == sorted(shares, reverse=True)
        assert min(shares) >= 0
        assert 14 <= horizon_of([Watched(*one) for one in told]) <= 365


class TestLeakage:
    def test_a_fact_that_changed_after_the_end_is_refused(self) -> None:
        before = [{"attributes.tag": "", "contact.country": "DE"} for _ in range(100)]
        since = [facts | {"attributes.tag": "ringing" if place < 20 else ""} for place, facts in enumerate(before)]
        found = changed_after(before, since, ["attributes.tag", "contact.country"])

        assert [(one.fact, one.why, one.figure) for one in found] == [("attributes.tag", "changed", 0.2)]

    def test_what_providers_bring_up_to_date_is_no_leak_but_what_was_empty_is(self) -> None:
        before = [{"company.staff": 40, "company.industry": None, "company.is_customer": False} for _ in range(100)]
        since = [{"company.staff": 44, "company.industry": "steel", "company.is_customer": True} for _ in range(100)]
        names = ["company.staff", "company.industry", "company.is_customer", "company.revenue"]
        # Nobody looked at this one then.
        since = [facts | {"company.revenue": 5} for facts in since]

        assert [one.fact for one in changed_after(before, since, names)] == names[1:3]

    def test_four_changes_are_no_pattern(self) -> None:
        before = [{"attributes.tag": "a"} for _ in range(100)]
        since = [{"attributes.tag": "b" if place < 4 else "a"} for place in range(100)]

        assert changed_after(before, since, ["attributes.tag"]) == []

    def test_a_fact_that_knows_the_outcome_is_refused_and_a_good_one_is_not(self) -> None:
        rows, won, _true = leads(600)
        told = [
            row | {"attributes.result": "signed" if is_won else "no", "attributes.sum": 900 * is_won + place % 7}
            for place, (row, is_won) in enumerate(zip(rows, won, strict=True))
        ]
        kinds = KINDS | {"attributes.result": "any", "attributes.sum": "any"}
        found = too_good(told, won, np.ones(600), kinds)

        assert [(one.fact, one.why) for one in found] == [("attributes.result", "tells"), ("attributes.sum", "tells")]


class TestBetterOrWorse:
    def test_what_knows_the_chances_is_surely_better_than_what_knows_the_rate(self) -> None:
        _rows, won, true = leads(1500)
        whole = np.ones(1500), np.arange(1500)
        gain = gained(Judgement(won, true, *whole), Judgement(won, np.full(1500, won.mean()), *whole))

        assert 0 < gain.low < gain.value < gain.high

    def test_two_that_say_nearly_the_same_are_told_apart_only_as_often_as_promised(self) -> None:
        wrongly = 0
        for seed in range(60):
            _rows, won, true = leads(300, seed)
            generator = np.random.default_rng(seed + 500)
            one, other = (np.clip(true + generator.normal(0, 0.03, 300), 0.01, 0.99) for _ in range(2))
            gain = gained(
                Judgement(won, one, np.ones(300), np.arange(300)), Judgement(won, other, np.ones(300), np.arange(300))
            )
            wrongly += gain.low > 0 or gain.high < 0

        # 5 % of 60 are expected; more than 9 would be chance in one of 1,000 such tests.
        assert wrongly <= 9

    def test_segments_where_the_chance_is_right_are_not_called_off(self) -> None:
        called = 0
        for seed in range(40):
            rows, won, true = leads(600, seed)
            judged = Judgement(won, true, np.ones(600), np.arange(600))
            called += any(one.is_off for one in segments(judged, {"lead.source": [row["lead.source"] for row in rows]}))

        # One look in twenty calls falsely: 2 of 40 are expected.
        assert called <= 7

    def test_a_segment_where_it_is_wrong_is_found(self) -> None:
        rows, won, true = leads(2000)
        wrong = np.where([row["lead.source"] == "partner" for row in rows], np.clip(true + 0.25, 0, 0.99), true)
        judged = Judgement(won, wrong, np.ones(2000), np.arange(2000))
        found = segments(judged, {"lead.source": [row["lead.source"] for row in rows]})

        assert [one.value for one in found if one.is_off] == ["partner"]
        assert sum(one.leads for one in found) == 2000

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
    def test_discoveries_are_the_smallest_and_few_enough(self, chances: list[float]) -> None:
        standing = discoveries(chances)
        count = sum(standing)
        last = max((chance for chance, is_standing in zip(chances, standing, strict=True) if is_standing), default=0)

        assert not count or last <= 0.05 * count / len(chances)
        assert all(chance >= last for chance, is_standing in zip(chances, standing, strict=True) if not is_standing)

    @pytest.mark.parametrize("table", [(8, 10, 3, 12), (0, 9, 5, 20), (20, 20, 10, 40), (3, 3, 3, 3), (40, 400, 9, 30)])
    def test_fishers_test_is_the_librarys(self, table: tuple[int, int, int, int]) -> None:
        won, total, other_won, other_total = table
        whole = [[won, total - won], [other_won, other_total - other_won]]

        assert fisher(*table) == pytest.approx(fisher_exact(whole).pvalue, rel=1e-6)


class TestDrift:
    def test_leads_that_have_not_changed_call_as_seldom_as_was_promised(self) -> None:
        rows, _won, true = leads(2000)
        encoder = learn_encoder(rows, KINDS)
        reference = reference_of(encoder, rows, list(true))
        alarms = 0
        for seed in range(100, 220):
            now, _more, chances = leads(300, seed)
            alarms += any(one.is_alarm for one in shifts(reference, encoder, now, list(chances)))

        # One look in a hundred: 1.2 of 120 are expected; 7 would be chance in one of 2,000 such tests.
        assert alarms <= 6

    def test_a_source_that_dries_up_is_found_at_once_and_named(self) -> None:
        rows, _won, true = leads(2000)
        encoder = learn_encoder(rows, KINDS)
        reference = reference_of(encoder, rows, list(true))
        now, _more, chances = leads(400, 7)
        moved = [row | {"lead.source": "google"} if row["lead.source"] == "fair" else row for row in now]
        found = shifts(reference, encoder, moved, list(chances))

        assert found[0].fact == "lead.source"
        assert found[0].is_alarm

    def test_too_few_leads_say_nothing(self) -> None:
        rows, _won, true = leads(500)
        encoder = learn_encoder(rows, KINDS)

        assert shifts(reference_of(encoder, rows, list(true)), encoder, rows[:99], list(true[:99])) == []

    def test_chances_that_stay_right_call_as_seldom_as_was_promised(self) -> None:
        true = leads(1000)[2]
        limits = limits_of(list(true))
        calls = 0
        for seed in range(200):
            generator = np.random.default_rng(seed)
            chances = generator.choice(true, HORIZON)
            seen = watch(chances, (generator.random(HORIZON) < chances).astype(float), limits)
            calls += bool(seen.called_more or seen.called_fewer)

        # 5 % of 200 are 10; 21 would be chance in one of 1,000 such tests.
        assert calls <= 20

    @pytest.mark.parametrize(("odds", "way"), [(2.0, "called_more"), (0.5, "called_fewer")])
    def test_odds_that_change_are_called_within_a_few_hundred_outcomes(self, odds: float, way: str) -> None:
        true = leads(1000)[2]
        limits = limits_of(list(true))
        calls = []
        for seed in range(30):
            generator = np.random.default_rng(seed)
            chances = generator.choice(true, HORIZON)
            really = odds * chances / (1 - chances + odds * chances)
            calls.append(getattr(watch(chances, (generator.random(HORIZON) < really).astype(float), limits), way))

        assert all(calls)
        assert np.median(calls) < 250


def test_examples_are_what_they_say() -> None:
    made = examples(50)

    assert made.wins == int(made.won.sum())

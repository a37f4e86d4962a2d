"""The reports' figures, from small histories whose answers are known."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from crmsync.models import Handoff, Opportunity
from leadmgmt.core.now import moment
from leadmgmt.reports.acceptance import acceptance
from leadmgmt.reports.by_source import by_source
from leadmgmt.reports.filters import Filters, quarter_of
from leadmgmt.reports.funnel import funnel
from leadmgmt.reports.funnel_words import sentence
from leadmgmt.reports.sources import position, sources
from leadmgmt.reports.speed import speed
from leadmgmt.reports.statistics import difference, sum_interval, wilson
from leadmgmt.reports.team import team
from leads.cohort import narrow
from leads.events import record_event
from leads.models import Campaign, Lead, SourceCost
from routing.models import Assignment
from tests.factories import make_reason, make_source, make_user
from tests.leadmgmt.report_story import NOW, WON, deal, past, promised, tell, told

ALL = Filters()


@pytest.fixture
def story(db: None) -> dict[str, Any]:
    """Two sources and leads without one."""
    return told()


def test_funnel_counts_who_ever_reached_a_stage_and_how_the_others_stand(story: dict[str, Any]) -> None:
    found = funnel(ALL)

    assert [step.count for step in found.steps] == [8, 5, 4, 3, 2]
    exits = {step.stage: {way.ending: way.count for way in step.exits} for step in found.steps}
    assert exits == {
        "new": {"disqualified": 1, "open": 2},
        "mql": {"recycled": 1},
        "sql": {"open": 1},
        "opportunity": {"recycled": 1},
        "won": {},
    }
    assert (found.total.recycled, found.total.returned, found.total.returned_sql) == (3, 1, 1)


def test_medians_are_the_time_between_first_reaching_two_stages(story: dict[str, Any]) -> None:
    found = funnel(ALL)

    day = 86_400
    medians = [step.median for step in found.steps]
    # To MQL after 1, 1, 2, 4 and 1 days; from there to SQL after 2, 2, 3 and 8.
    assert medians == [1 * day, 2.5 * day, 1 * day, 16 * day, None]
    # By the calendar it is an hour less: clocks were put back in between, so that the evening came before noon.
    assert found.total.whole == 20 * day - 3600


def test_period_takes_leads_by_their_first_touch(story: dict[str, Any]) -> None:
    recent = Filters(past(40).date(), NOW.date())

    assert funnel(recent).total.captured == 7
    assert funnel(Filters(past(301).date(), past(299).date())).total.captured == 1
    assert funnel(Filters(past(30).date(), past(30).date())).total.captured == 7


def test_no_source_is_not_a_source_called_unknown(story: dict[str, Any]) -> None:
    lines = {line.name: (line.slug, line.line.captured, line.line.won) for line in by_source(funnel(ALL))}

    assert lines == {"Ads": ("ads", 3, 1), "unknown": ("unknown", 2, 0), "": ("none", 3, 1)}
    assert funnel(Filters(source="none")).total.captured == 3
    assert funnel(Filters(source="unknown")).total.captured == 2


def test_a_win_that_was_taken_back_is_none(story: dict[str, Any]) -> None:
    tell("recycled", after={**WON, "recycled": 25}, source=story["ads"])

    found = funnel(ALL)

    assert [step.count for step in found.steps][-2:] == [4, 2]
    assert {way.ending: way.count for way in found.steps[3].exits} == {"recycled": 2}


def test_the_period_before_is_looked_at_as_old_as_this_one_is(db: None) -> None:
    for _ in range(40):
        tell("mql", seen=100, after={"mql": 60})
        tell("mql", seen=10, after={"mql": 1})
    filters = Filters(date(2026, 11, 1), date(2026, 11, 20), compares=True)
    earlier = filters.previous()
    assert earlier is not None
    shifted = Filters(date(2026, 8, 1), date(2026, 8, 31))

    with moment(NOW):
        now_and_then = funnel(filters)
        early = funnel(shifted)

    # The old leads became MQL after 60 days; those of November are 10 days old.
    assert early.total.mql == 40
    assert now_and_then.previous == earlier
    assert (earlier.first, earlier.last) == (date(2026, 10, 12), date(2026, 10, 31))
    assert now_and_then.before is not None
    assert now_and_then.before.captured == 0


def test_a_difference_is_told_only_if_it_is_no_noise(db: None) -> None:
    # Forty of forty against ten of forty is no chance, three of five against two of five may be.
    assert difference(40, 40, 10, 40) is not None
    assert not difference(40, 40, 10, 40).is_noise  # type: ignore[union-attr]
    assert difference(3, 5, 2, 5).is_noise  # type: ignore[union-attr]
    for day in range(40):
        tell("mql", seen=5, after={"mql": 1})
        tell("mql" if day < 10 else "new", seen=15, after={"mql": 1} if day < 10 else {})
    filters = Filters(date(2026, 11, 11), date(2026, 11, 20), compares=True)

    with moment(NOW):
        words = sentence(funnel(filters))

    assert "Captured to MQL rose by 75.0 points." in words.finding


def test_statistics_agree_with_published_values() -> None:
    # Newcombe 1998, table II, contrast (a): 56 of 70 against 48 of 80.
    found = difference(56, 70, 48, 80)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)
    # Newcombe 1998 (single proportions): 81 of 263.
    interval = wilson(81, 263)
    assert interval is not None
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.2553, 0.3662)
    assert wilson(0, 0) is None
    assert sum_interval(0, 0, 0, 1000).high == 3690


def test_quarters_and_the_period_before() -> None:
    assert quarter_of(date(2026, 12, 31)) == (date(2026, 10, 1), date(2026, 12, 31))
    assert quarter_of(date(2027, 1, 1)) == (date(2027, 1, 1), date(2027, 3, 31))
    third = Filters(date(2026, 7, 1), date(2026, 9, 30))
    assert third.label == "Q3 2026"
    before = third.previous()
    assert before is not None
    assert (before.first, before.last) == (date(2026, 4, 1), date(2026, 6, 30))
    assert ALL.previous() is None


def test_leads_never_touched_count_as_slower_than_every_other(db: None) -> None:
    for minutes in (2, 4, 20, None, None):
        promised(minutes)
    promised(None, at=NOW - timedelta(minutes=5))

    with moment(NOW):
        total = speed(ALL).total

    assert (total.promised, total.kept, total.late, total.never, total.running) == (5, 2, 1, 2, 1)
    assert total.p50 == 20 * 60
    assert total.p90 == float("inf")
    assert total.share == 0.4


def test_speed_by_rep_counts_for_whoever_received_the_lead_first(db: None) -> None:
    ann, bob = make_user("sdr", first_name="Ann"), make_user("sdr", first_name="Bob")
    lead = promised(3, owner=ann)
    Assignment.objects.filter(lead=lead).update(ends_at=past(0.5))
    Assignment.objects.create(lead=lead, user=bob, reason="person", starts_at=past(0.5))
    promised(30, owner=bob)

    with moment(NOW):
        found = {entry.name.split()[0]: (entry.line.promised, entry.line.kept) for entry in speed(ALL).by_rep}

    assert found == {"Ann": (1, 1), "Bob": (1, 0)}


def test_cost_counts_by_the_days_it_was_spent_on(story: dict[str, Any]) -> None:
    campaign = Campaign.objects.create(source=story["ads"], key="x", name="X")
    SourceCost.objects.create(
        source=story["ads"], starts_on=date(2026, 10, 1), ends_on=date(2026, 10, 31), amount=Decimal(310)
    )
    SourceCost.objects.create(
        source=story["ads"],
        campaign=campaign,
        starts_on=date(2026, 1, 1),
        ends_on=date(2026, 1, 31),
        amount=Decimal(99),
    )
    filters = Filters(date(2026, 10, 21), date(2026, 11, 20))

    with moment(NOW):
        found = {line.name: line for line in sources(filters).lines}

    # Eleven of October's 31 days.
    assert found["Ads"].cost == Decimal(110)
    assert found["Ads"].per_lead == Decimal(55)
    assert found["unknown"].cost is None
    assert found["unknown"].verdict == ""
    assert sources(ALL).cost == Decimal(409)
    assert (position(0.1), position(1), position(100)) == (0, pytest.approx(100 / 3), 100)


def test_money_spent_for_nothing_is_shown(story: dict[str, Any]) -> None:
    SourceCost.objects.create(
        source=make_source("fair", name="Fair"), starts_on=date(2026, 11, 1), ends_on=date(2026, 11, 1), amount=500
    )

    line = next(line for line in sources(ALL).lines if line.name == "Fair")

    assert (line.line.captured, line.cost, line.per_lead, line.verdict) == (0, Decimal(500), None, "open")


def test_two_wins_rank_nobody(story: dict[str, Any]) -> None:
    ranking = sources(ALL).ranking

    assert (ranking.ahead, ranking.behind) == ((), ())
    assert (len(ranking.unranked), ranking.unranked_wins) == (3, 2)


def test_team_counts_wins_for_who_qualified_the_lead(story: dict[str, Any]) -> None:
    found = team(ALL)

    sdrs = {line.user.first_name: line for line in found.sdrs if line.user}
    assert (sdrs["Ann"].deals.won, sdrs["Ann"].deals.count, sdrs["Ann"].received.leads) == (1, 2, 1)
    assert (sdrs["Bob"].deals.won, sdrs["Bob"].deals.accepted) == (1, 1)
    (kim,) = found.aes
    assert (kim.deals.won, kim.deals.lost, kim.deals.win_rate) == (2, 1, 2 / 3)
    assert kim.deals.decision == 0.25 * 86_400


@pytest.mark.parametrize("code", ["handoff-refused", "one-deal"])
def test_a_deal_that_no_customer_turned_down_is_no_loss_of_its_ae(story: dict[str, Any], code: str) -> None:
    never = tell("recycled", after={"mql": 1, "opportunity": 4, "recycled": 6}, source=story["ads"])
    opportunity = deal(never, sdr=story["ann"], ae=story["ae"], stage="lost")
    Opportunity.objects.filter(pk=opportunity.pk).update(loss_reason=make_reason("lost", code))

    (kim,) = team(ALL).aes
    assert (kim.deals.won, kim.deals.lost, kim.deals.win_rate) == (2, 1, 2 / 3)
    words = {"ae": str(story["ae"].pk), "deal": "lost"}
    assert never not in (lost := list(narrow(Lead.objects.all(), words)))
    assert len(lost) == 1


def test_what_aes_accept_by_source_and_by_the_criteria_behind_the_sql(story: dict[str, Any]) -> None:
    refused = tell("recycled", after={"mql": 1, "opportunity": 4, "recycled": 6}, source=story["ads"])
    record_event(refused, "stage.sql", at=past(27), data={"criteria_kind": "sql", "version": 2}, quiet=True)
    opportunity = deal(refused, sdr=story["ann"], ae=story["ae"], stage="lost")
    for days, status in ((4, "refused"), (9, "accepted")):
        Handoff.objects.create(
            opportunity=opportunity, ae=story["ae"], sdr=story["ann"], status=status, offered_at=past(days),
            due_at=past(days - 1), decided_at=past(days - 0.5),
            reason=make_reason("refuse", "no-fit") if status == "refused" else None,
        )  # fmt: skip

    found = acceptance(ALL)

    by_source = {line.name: (line.accepted, line.refused, line.rate) for line in found.sources}
    assert by_source == {"Ads": (1, 1, 0.5), "No source given": (1, 0, 1.0)}
    by_criteria = {line.name: (line.accepted, line.refused) for line in found.criteria}
    assert by_criteria == {"SQL 2": (0, 1), "None: moved by a person, or brought in": (2, 0)}
    assert found.sources[0].name == "Ads"

"""A report beside the period before: the same days of both, at the same age, and chance is called chance."""

from datetime import date, timedelta

import pytest
from django.test import Client

from leadmgmt.core.now import moment
from leadmgmt.reports.compared import compared
from leadmgmt.reports.filters import Filters
from leads.models import Lead, SourceCost
from qualification.models import Score, ScoringModel
from tests.factories import make_reason, make_source, make_user
from tests.leadmgmt.report_story import NOW, past, promised, tell

pytestmark = pytest.mark.django_db

TEN_DAYS = Filters(date(2026, 11, 11), date(2026, 11, 20), compares=True)


def verdicts(name: str, filters: Filters = TEN_DAYS) -> dict[str, str]:
    with moment(NOW):
        found = compared(name, filters)
    assert found is not None
    return {one.figure.name: one.verdict for one in found.measures}


def test_promises_kept_more_often_are_better_and_a_few_are_chance() -> None:
    for number in range(40):
        promised(5 if number < 36 else 40, at=past(3))
        promised(5 if number < 12 else 40, at=past(13))

    assert verdicts("speed") == {"kept": "better", "never": "noise", "median": ""}
    assert verdicts("team")["accepted"] == ""


def test_what_got_worse_says_so_with_a_mark(client: Client) -> None:
    client.force_login(make_user("manager"))
    for number in range(40):
        promised(40 if number < 36 else 5, at=past(3))
        promised(40 if number < 12 else 5, at=past(13))

    with moment(NOW):
        page = client.get("/reports/speed/?from=2026-11-11&to=2026-11-20&compare=previous").content.decode()

    assert verdicts("speed")["kept"] == "worse"
    assert "badge--bad" in page
    assert "−60.0 pt" in page


def test_sources_are_compared_at_the_same_age_and_by_the_same_days() -> None:
    ads = make_source("ads", name="Ads")
    for _ in range(30):
        tell("sql", seen=5, after={"mql": 1, "sql": 2}, source=ads)
        # As old as those of this period they were no SQLs yet.
        tell("sql", seen=15, after={"mql": 1, "sql": 9}, source=ads)
    SourceCost.objects.create(
        source=ads, amount=2000, starts_on=date(2026, 11, 1), ends_on=date(2026, 11, 20)
    )  # fmt: skip

    with moment(NOW):
        found = compared("sources", TEN_DAYS)

    assert found is not None
    figures = {one.figure.name: (one.figure.value, one.earlier.value) for one in found.measures}
    assert figures["captured"] == (30, 30)
    assert figures["sql"] == (1.0, 0.0)
    assert figures["cost"] == (1000.0, 1000.0)
    assert verdicts("sources")["sql"] == "better"
    assert verdicts("sources")["captured"] == "noise"


def test_of_a_period_that_still_runs_as_many_days_count_as_have_been() -> None:
    with moment(NOW):
        found = compared("sources", Filters(date(2026, 10, 1), date(2026, 12, 31), compares=True))
        later = compared("sources", Filters(date(2027, 1, 1), date(2027, 3, 31), compares=True))

    assert found is not None
    assert (found.period.last, found.before.first, found.before.last) == (
        date(2026, 11, 20), date(2026, 7, 1), date(2026, 8, 20)
    )  # fmt: skip
    assert later is None


def test_counts_that_grew_far_are_told_from_chance() -> None:
    for number in range(60):
        tell("new", seen=2 + number % 5)
    for number in range(20):
        tell("new", seen=12 + number % 5)

    assert verdicts("sources")["captured"] == "better"


@pytest.mark.parametrize("name", ["speed", "sources", "attribution", "sync", "team"])
def test_every_such_report_shows_it_and_gives_it_to_programs(client: Client, name: str) -> None:
    client.force_login(make_user("manager"))
    tell("mql", seen=1)
    words = f"from={date.today() - timedelta(days=9)}&to={date.today()}&compare=previous"

    page = client.get(f"/reports/{name}/?{words}").content.decode()
    answer = client.get(f"/api/v1/reports/{name}/?{words}").json()

    assert 'id="compared"' in page
    assert {"figure", "value", "before", "change", "may_be_chance"} <= set(answer["compared"][0])
    assert 'id="compared"' not in client.get(f"/reports/{name}/").content.decode()
    assert "compared" not in client.get(f"/api/v1/reports/{name}/").json()


def test_grades_are_compared_at_the_same_age() -> None:
    model = ScoringModel.objects.create(version=1, rules=[])
    for seen, days, count in ((5, 2, 30), (15, 9, 30)):
        for number in range(count):
            lead = tell("sql", seen=seen, after={"mql": 1, "sql": days})
            grade = "A1" if number < (24 if seen == 5 else 6) else "C2"
            at = lead.first_seen_at
            Score.objects.create(lead=lead, model=model, at=at, fit=1, engagement=1, grade=grade)
            Lead.objects.filter(pk=lead.pk).update(scored_at=at)

    with moment(NOW):
        found = compared("scoring", TEN_DAYS)

    assert found is not None
    figures = {one.figure.name: (one.figure.value, one.earlier.value) for one in found.measures}
    assert figures == {"scored": (30, 30), "graded_a": (0.8, 0.2), "a_sql": (1.0, 0.0), "others_sql": (1.0, 0.0)}
    # More of a grade is neither good nor bad; more SQLs of the good ones are.
    assert verdicts("scoring")["graded_a"] == ""
    assert verdicts("scoring")["others_sql"] == "better"


def test_who_came_back_is_compared_at_the_same_age() -> None:
    reason = make_reason("recycle", code="timing")
    for seen, back in ((8, 3), (18, 12)):
        for number in range(40):
            lead = tell("recycled", seen=seen, after={"recycled": 1})
            ended = past(seen - back) if number < 30 else None
            end = "returned" if number < 10 else "woken"
            lead.nurtures.create(
                reason=reason, starts_at=past(seen - 1), ended_at=ended, end=end if ended else "", wake_at=None
            )

    with moment(NOW):
        found = compared("nurture", TEN_DAYS)

    assert found is not None
    figures = {one.figure.name: (one.figure.value, one.earlier.value) for one in found.measures}
    assert figures == {"slept": (40, 40), "back": (0.75, 0.0), "alone": (0.25, 0.0)}
    assert verdicts("nurture")["back"] == "better"

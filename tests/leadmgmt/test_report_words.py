"""The reports' sentences: each count with the words that its number wants, in both languages."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils.translation import override

from leadmgmt.core.now import moment
from leadmgmt.reports.filters import Filters
from leadmgmt.reports.funnel import funnel
from leadmgmt.reports.funnel_words import sentence
from leadmgmt.reports.sources import sources
from leadmgmt.reports.sources_words import sources_sentence
from leadmgmt.reports.speed import speed
from leadmgmt.reports.speed_words import speed_sentence
from leadmgmt.reports.team import team
from leadmgmt.reports.team_words import team_sentence
from leadmgmt.templatetags.reports import came_back, return_words, touched_words
from leads.models import SourceCost
from tests.factories import make_source
from tests.leadmgmt.report_story import NOW, WON, promised, tell, told

ALL = Filters()


@pytest.fixture
def story(db: None) -> dict[str, Any]:
    """Two sources and leads without one."""
    return told()


def in_german(words: Any) -> Any:
    """What the same call says to a German reader."""
    with override("de"):
        return words()


@pytest.mark.parametrize(
    ("count", "english", "german"),
    [
        (0, "none became SQL, none was won", "keiner wurde zum SQL, keiner wurde gewonnen"),
        (1, "1 became SQL, 1 was won", "1 wurde zum SQL, 1 wurde gewonnen"),
        (2, "2 became SQL, 2 were won", "2 wurden zum SQL, 2 wurden gewonnen"),
    ],
)
def test_the_funnel_speaks_of_none_one_and_many(db: None, count: int, english: str, german: str) -> None:
    tell("new")
    for _ in range(count):
        tell("won", after=WON)

    leads = "1 lead" if count == 0 else f"{count + 1} leads"
    assert sentence(funnel(ALL)).finding == f"{leads}: {english}."
    told_german = in_german(lambda: sentence(funnel(ALL)).finding)
    assert told_german == f"{leads.replace('lead', 'Lead')}: {german}."


def test_those_who_came_back_are_spoken_of_by_their_number(db: None) -> None:
    def said() -> str:
        found = funnel(ALL)
        return re.sub("<[^>]+>", "", f"{came_back(found)} {return_words(found)}")

    tell("recycled", after={"mql": 1, "recycled": 2})
    assert said() == "0 came back 1 was recycled, and nobody has come back yet. 1 is asleep."
    assert in_german(said) == "0 kamen zurück 1 kam auf Wiedervorlage, und noch niemand ist zurück. 1 ruht."
    tell("won", after={"mql": 1, "sql": 2, "recycled": 3, "new": 4, "sql:again": 5, "opportunity": 6, "won": 7})
    assert said() == "1 came back of 2 recycled (50.0\u00a0%): 1 became SQL, 1 was won. 1 is asleep."
    assert in_german(said) == (
        "1 kam zurück von 2 auf Wiedervorlage (50,0\u00a0%): 1 wurde zum SQL, 1 wurde gewonnen. 1 ruht."
    )
    tell("mql", after={"mql": 1, "recycled": 2, "mql:again": 3})
    tell("recycled", after={"recycled": 2})
    assert said() == "2 came back of 4 recycled (50.0\u00a0%): 1 became SQL, 1 was won. 2 are asleep."
    assert in_german(said).startswith("2 kamen zurück von 4")


def test_promises_are_spoken_of_by_their_number(db: None) -> None:
    def said() -> str:
        return re.sub("<[^>]+>", "", f"{speed_sentence(speed(ALL)).finding} {touched_words(speed(ALL))}")

    with moment(NOW):
        promised(2)
        assert (
            said()
            == "The lead heard from a person within 2 min, in time. 1 of 1 lead touched in time, 0 late, 0 never."
        )
        assert in_german(said).startswith(
            "Der Lead wartete 2 min auf eine Reaktion; die Zusage ist gehalten. 1 von 1 Lead"
        )
        promised(None)
        promised(None, at=NOW - timedelta(minutes=1))
        promised(1)
        assert said() == (
            "Half of the leads hear from a person within 2 min, and 67\u00a0% within the promise. "
            "2 of 3 leads touched in time, 0 late, 1 never. The one never touched counts as slower than every other. "
            "1 promise still runs and does not count yet."
        )
        promised(None, at=NOW - timedelta(minutes=1))
        assert said().endswith("2 promises still run and do not count yet.")
        assert in_german(said).endswith("2 Zusagen laufen noch und zählen noch nicht mit.")


def test_one_rep_and_one_source_are_no_plural(story: dict[str, Any]) -> None:
    found = team(Filters(rep=str(story["ann"].pk)))
    assert team_sentence(found).rest == "1 rep has received 1 lead and has 1 SQL and 1 win to their name."
    assert team_sentence(team(ALL)).rest.startswith("2 reps have received")
    assert in_german(lambda: team_sentence(found).rest) == (
        "1 Person hat 1 Lead bekommen und daraus 1 SQL und 1 Abschluss gemacht."
    )
    fair = make_source("fair", name="Fair")
    SourceCost.objects.create(source=fair, starts_on=date(2026, 11, 1), ends_on=date(2026, 11, 1), amount=500)
    assert sources_sentence(sources(ALL)).rest == "Fair: may have earned its cost or not."
    other = make_source("expo", name="Expo")
    SourceCost.objects.create(source=other, starts_on=date(2026, 11, 1), ends_on=date(2026, 11, 1), amount=500)
    assert sources_sentence(sources(ALL)).rest == "Expo and Fair: may have earned their cost or not."


@pytest.mark.parametrize(
    ("first", "last", "english", "german"),
    [
        (None, None, "at any time", "seit Beginn"),
        (date(2026, 7, 1), date(2026, 9, 30), "in Q3 2026", "in Q3 2026"),
        (date(2026, 7, 2), date(2026, 9, 30), "from 2 Jul 2026 to 30 Sep 2026", "vom 2. Jul 2026 bis 30. Sep 2026"),
        (date(2026, 7, 2), None, "since 2 Jul 2026", "seit dem 2. Jul 2026"),
        (None, date(2026, 7, 2), "until 2 Jul 2026", "bis zum 2. Jul 2026"),
    ],
)
def test_a_period_reads_inside_a_sentence(first: date | None, last: date | None, english: str, german: str) -> None:
    filters = Filters(first, last)

    assert filters.within == english
    assert in_german(lambda: filters.within) == german

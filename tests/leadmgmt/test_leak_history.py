"""Leaks over time: the clock notes when each begins and ends, and a period can be set beside the one before."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from leadmgmt.core.clock import registered
from leadmgmt.core.now import moment, now
from leadmgmt.reports import leak_history
from leadmgmt.reports.compared import compared
from leadmgmt.reports.filters import Filters, today
from leadmgmt.reports.leak_history import LOCK, History, history, keep_leaks
from leadmgmt.reports.leaks import KINDS
from leads.models import Lead, LeakSpell
from tests.factories import make_lead, make_reason, make_team, make_user
from tests.leadmgmt.test_report_pages import figures
from tests.worker import drain

# Somebody was in touch, lately.
SEEN_TO: dict[str, Any] = {"first_touched_at": now(), "last_activity_at": now()}

pytestmark = pytest.mark.django_db


def ago(**span: float) -> Any:
    return now() - timedelta(**span)


def look(days_ago: float) -> int:
    """The clock looks, that many days ago."""
    with moment(ago(days=days_ago)):
        return keep_leaks(now())


def last_days(days: int, **more: Any) -> Filters:
    return Filters(today() - timedelta(days=days - 1), today(), **more)


def flow(found: History | None, kind: str) -> tuple[int | None, int, int, int]:
    assert found is not None
    one = next(one for one in found.flows if one.kind == kind)
    return one.before, one.came, one.stopped, one.left


@pytest.fixture
def sdr() -> Any:
    return make_user("sdr", first_name="Sam", team=make_team("a"))


def test_a_look_notes_what_begins_and_what_ends(sdr: Any) -> None:
    lead = make_lead(owner=sdr, at=ago(days=40))
    assert look(20) == 1
    # Nothing changed, nothing is noted; a second look in the same instant is harmless.
    assert look(19) == 0
    assert look(19) == 0
    spell = LeakSpell.objects.get()
    assert (spell.kind, spell.ended_at, spell.is_first_look) == ("untouched", None, True)

    Lead.objects.filter(pk=lead.pk).update(owner=None)
    # One way ends, another begins.
    assert look(10) == 2
    kinds = list(LeakSpell.objects.order_by("pk").values_list("kind", "ended_at", "is_first_look"))
    assert [(kind, ended is None, is_first) for kind, ended, is_first in kinds] == [
        ("untouched", False, True),
        ("unowned", True, False),
    ]
    Lead.objects.filter(pk=lead.pk).update(owner=sdr, **SEEN_TO)
    assert look(5) == 1
    assert not LeakSpell.objects.filter(ended_at=None).exists()


def test_a_period_has_what_was_there_what_came_and_what_was_seen_to(sdr: Any) -> None:
    assert history(last_days(30)) is None
    stays, leaves = (make_lead(owner=sdr, at=ago(days=90)) for _ in range(2))
    look(60)
    Lead.objects.filter(pk=leaves.pk).update(**SEEN_TO)
    comes = [make_lead(owner=sdr, at=ago(days=20)) for _ in range(3)]
    look(10)
    found = history(last_days(30))
    assert flow(found, "untouched") == (2, 3, 1, 4)
    assert found is not None
    assert (found.most, found.course[-1][1]) == (4, 4)
    assert [count for _day, count in found.course].count(2) >= 19
    # Of a period in which nobody had looked at first, nobody knows what there was; the first look is no beginning.
    assert flow(history(last_days(80)), "untouched") == (None, 3, 1, 4)
    # What ended before the period is none of it.
    assert flow(history(last_days(5)), "untouched") == (4, 0, 0, 4)
    assert {stays.pk} | {one.pk for one in comes} == set(
        LeakSpell.objects.filter(ended_at=None).values_list("lead", flat=True)
    )


def test_each_number_opens_its_leads_and_filters_count(client: Client, sdr: Any) -> None:
    other = make_user("sdr", team=make_team("b"))
    make_lead(owner=sdr, at=ago(days=90), team=sdr.team)
    look(60)
    for owner in (sdr, sdr, other):
        make_lead(owner=owner, at=ago(days=20), team=owner.team)
    make_lead(stage="recycled", reason=make_reason("recycle", "x"), team=sdr.team)
    look(10)
    Lead.objects.filter(owner=sdr, captured_at__gte=ago(days=30)).update(**SEEN_TO)
    look(3)
    client.force_login(make_user("manager"))
    for words in ("", "?team=a"):
        page = client.get(f"/reports/leaks/{words}").content.decode()
        links = [(link, number) for link, number in figures(page) if "leaked=" in link]
        assert len(links) >= 5
        for link, number in links:
            assert client.get(link).context["page"].paginator.count == number, (words, link)
    tables = client.get("/api/v1/reports/leaks/?team=a").json()
    untouched = next(row for row in tables["period"] if row["leak"] == "untouched")
    assert (untouched["came"], untouched["stopped"], untouched["left"]) == (2, 2, 1)
    assert tables["course"][-1] == {"day": today().isoformat(), "leads": 2}
    for nonsense in ("x", "untouched~came~x~y", "untouched~gone~2026-01-01T00:00:00Z~2026-02-01T00:00:00Z"):
        assert client.get("/leads/", {"cohort": "1", "leaked": nonsense}).status_code == 422


def test_a_period_stands_beside_the_one_before(client: Client, sdr: Any) -> None:
    make_lead(owner=sdr, at=ago(days=90))
    look(80)
    makes = [make_lead(owner=sdr, at=ago(days=50)) for _ in range(4)]
    look(45)
    Lead.objects.filter(pk__in=[one.pk for one in makes]).update(**SEEN_TO)
    look(10)
    told = compared("leaks", last_days(30, compares=True))
    assert told is not None
    figures = {one.figure.name: (one.figure.value, one.earlier.value, one.verdict) for one in told.measures}
    # A level is told as it is, not by day and without a verdict.
    assert figures["leaking"] == (1, 5, "")
    assert figures["leak_came"][:2] == (0, 4)
    assert figures["leak_stopped"][:2] == (4, 0)
    client.force_login(make_user("manager"))
    assert "Run out at the end" in client.get("/reports/leaks/?compare=previous").content.decode()
    # Nobody looked when the period before began: how many ran out at its end is known, the rest is not.
    early = compared("leaks", last_days(60, compares=True))
    assert early is not None
    assert [one.earlier.value for one in early.measures] == [1, None, None]


def test_the_clock_leaves_the_look_to_a_worker(sdr: Any) -> None:
    make_lead(owner=sdr, at=ago(days=40))
    (work,) = [work for work in registered() if work.name == "leadmgmt.leaks"]
    assert work.run(now()) == 0
    assert not LeakSpell.objects.exists()
    drain()
    assert LeakSpell.objects.get().kind == "untouched"


@pytest.mark.django_db(transaction=True)
def test_two_looks_at_once_are_one() -> None:
    make_lead(at=ago(days=40))
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", LOCK)
        assert leak_history.look() == "somebody looks already"
        # A session that is closed may hold its locks a moment longer.
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", LOCK)
    finally:
        other.close()
    assert leak_history.look() == "1 changed"


def test_a_lead_is_in_one_spell_at_a_time(sdr: Any) -> None:
    for days in (40, 30):
        make_lead(at=ago(days=days))
    make_lead(owner=sdr, at=ago(days=40))
    look(2)
    assert LeakSpell.objects.filter(ended_at=None).count() == 3
    assert set(LeakSpell.objects.values_list("kind", flat=True)) <= set(KINDS)

"""The morning page beside plain counts, every number open, and the same by e-mail at the right hour."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.test import Client

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import moment
from leadmgmt.core.permissions import TEAM_LEAD
from leadmgmt.reports.filters import Filters
from leadmgmt.reports.morning import morning, working_days
from leadmgmt.reports.morning_words import morning_sentence
from leadmgmt.reports.subscriptions import following, send_due, subscribe
from leads.events import record_event
from leads.models import Lead, Subscription
from routing.models import Notification
from tests.factories import make_clock, make_lead, make_organisation, make_policy, make_team, make_user
from tests.leadmgmt.test_report_pages import figures
from tests.worker import drain

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")
# A Tuesday; the last working day is the Monday before.
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=BERLIN)


def at(day: date, hour: int = 12) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=BERLIN)


def seen(day: date, **fields: Any) -> Lead:
    lead = make_lead(at=at(day), **fields)
    record_event(lead, "lead.captured", at=at(day), quiet=True)
    return lead


@pytest.fixture(autouse=True)
def tuesday() -> Any:
    make_organisation()
    with moment(NOW):
        yield


def test_working_days_leave_out_the_weekend() -> None:
    assert working_days(date(2026, 11, 24), 3) == [date(2026, 11, 19), date(2026, 11, 20), date(2026, 11, 23)]


def test_the_last_working_day_stands_beside_its_usual() -> None:
    days = working_days(NOW.date(), 21)
    for place, day in enumerate(days):
        for _ in range(30 if place == 20 else 4 + place % 3):
            seen(day)
        lead = seen(day, stage="sql")
        record_event(lead, "stage.mql", at=at(day), data={"from": "new"}, quiet=True)
        record_event(lead, "stage.sql", at=at(day), data={"from": "mql"}, quiet=True)
    # Sunday is nobody's day.
    seen(date(2026, 11, 22))

    found = morning(Filters())

    measures = {one.kind: one for one in found.measures}
    captured, sql = measures["captured"], measures["sql"]
    assert (found.day, captured.count, captured.verdict) == (date(2026, 11, 23), 31, "more")
    assert captured.usual == pytest.approx(sum(5 + place % 3 for place in range(20)) / 20)
    assert captured.course[:3] == (5, 6, 7)
    assert (sql.count, sql.usual, sql.verdict) == (1, 1.0, "")
    assert morning_sentence(found).finding == "New leads: 31, more than the usual 6.0."


def test_every_number_opens_its_leads_and_a_team_is_a_team(client: Client) -> None:
    monday, team = date(2026, 11, 23), make_team("a")
    for number in range(6):
        lead = seen(monday, stage="won" if number == 0 else "mql", team=team if number % 2 else None,
                    won_at=at(monday) if number == 0 else None)  # fmt: skip
        for stage in ("mql", *(("sql", "opportunity", "won") if number == 0 else ())):
            record_event(lead, f"stage.{stage}", at=at(monday), data={"from": "new"}, quiet=True)
    make_clock(seen(monday), due_at=at(monday, 13), policy=make_policy(15), breached_at=at(monday, 13))
    client.force_login(make_user("manager"))
    for words in ("", "?team=a"):
        page = client.get(f"/reports/morning/{words}")
        links = figures(page.content.decode())
        assert links
        for link, number in links:
            assert client.get(link).context["page"].paginator.count == number, link
    measures = {one.kind: one.count for one in client.get("/reports/morning/").context["found"].measures}
    assert measures == {"captured": 7, "mql": 6, "sql": 1, "opportunity": 1, "won": 1, "broken": 1}


def test_it_is_where_managers_begin_and_quiet_days_are_told_as_such(client: Client) -> None:
    client.force_login(make_user("manager"))
    page = client.get("/", follow=True)
    assert page.redirect_chain[-1][0] == "/reports/morning/"
    assert "The last working day was like others." in page.content.decode()
    assert "Nothing waits for you." in page.content.decode()


@pytest.mark.parametrize(
    ("rhythm", "when", "then"),
    [
        ("daily", (24, 9), (25, 7)),
        ("daily", (24, 6), (24, 7)),
        ("daily", (27, 8), (30, 7)),
        ("weekly", (24, 9), (30, 7)),
        ("weekly", (23, 6), (23, 7)),
    ],
)
def test_the_next_morning(rhythm: str, when: tuple[int, int], then: tuple[int, int]) -> None:
    (day, hour), (next_day, next_hour) = when, then
    expected = datetime(2026, 11, next_day, next_hour, tzinfo=BERLIN)
    assert following(rhythm, datetime(2026, 11, day, hour, tzinfo=BERLIN)) == expected


def test_a_report_comes_by_mail_once_in_the_readers_language() -> None:
    manager = make_user("manager", language="de")
    one = subscribe(manager, "leaks", {"team": "a", "from": "2026-01-01"}, "daily")
    assert (one.query, one.next_at.astimezone(BERLIN)) == ("team=a", datetime(2026, 11, 25, 7, tzinfo=BERLIN))
    assert send_due(NOW) == 0

    due = datetime(2026, 11, 25, 7, 0, 30, tzinfo=BERLIN)
    with moment(due):
        assert send_due(due) == 1
        assert send_due(due) == 0
        drain()

    (sent,) = mail.outbox
    assert sent.to == [manager.email]
    assert sent.subject.startswith("Lecks: Nichts geht verloren.")
    assert "/reports/leaks/?team=a" in str(sent.body)
    one.refresh_from_db()
    assert one.next_at.astimezone(BERLIN) == datetime(2026, 11, 26, 7, tzinfo=BERLIN)
    assert Notification.objects.filter(kind="report.sent").count() == 1


@pytest.mark.parametrize("report", ["morning", "funnel", "speed", "sources", "attribution", "leaks", "team"])
def test_every_report_can_be_sent(report: str) -> None:
    seen(date(2026, 11, 23))
    subscribe(make_user("manager"), report, {}, "weekly")
    monday = datetime(2026, 11, 30, 7, 1, tzinfo=BERLIN)
    with moment(monday):
        assert send_due(monday) == 1
    assert Notification.objects.get(kind="report.sent").context["title"]


def test_who_reads_no_reports_any_more_gets_none_and_sees_only_what_they_may() -> None:
    team = make_team("a")
    lead = make_user(TEAM_LEAD, team=team)
    seen(date(2026, 11, 1), owner=make_user("sdr", team=make_team("b")), team=make_team("c"))
    subscribe(lead, "leaks", {}, "daily")
    due = datetime(2026, 11, 25, 7, 1, tzinfo=BERLIN)
    with moment(due):
        send_due(due)
    assert Notification.objects.get(kind="report.sent").context["title"] == "Leaks: Nothing leaks."

    lead.groups.set(Group.objects.filter(name="sdr"))
    later = due + timedelta(days=1)
    with moment(later):
        assert send_due(later) == 0
    assert Notification.objects.filter(kind="report.sent").count() == 1


def test_subscribing_and_stopping_on_the_page(client: Client) -> None:
    manager = make_user("manager")
    client.force_login(manager)
    page = client.post("/reports/funnel/mail/?team=a&from=2026-01-01", {"rhythm": "weekly"}, follow=True)
    assert "You get this report by e-mail: Every Monday." in page.content.decode()
    one = Subscription.objects.get(user=manager)
    assert "Every Monday by e-mail: stop" in client.get("/reports/funnel/?team=a").content.decode()
    assert "By e-mail" in client.get("/reports/funnel/").content.decode()
    # Choosing another rhythm changes the one there is.
    client.post("/reports/funnel/mail/?team=a", {"rhythm": "daily"})
    assert Subscription.objects.get().rhythm == "daily"
    assert client.post("/reports/nonsense/mail/", {"rhythm": "daily"}).status_code == 404
    with pytest.raises(InvalidInput):
        subscribe(manager, "funnel", {}, "hourly")

    other = Client()
    other.force_login(make_user("manager"))
    assert other.post(f"/reports/mail/{one.pk}/stop/").status_code == 404
    client.post(f"/reports/mail/{one.pk}/stop/")
    assert not Subscription.objects.exists()


def test_filters_that_cannot_be_read_hold_up_nobody_else(db: None) -> None:
    first, second = make_user("manager"), make_user("manager")
    Subscription.objects.create(
        user=first, report="funnel", query="rep=nobody", rhythm="weekly", next_at=NOW - timedelta(days=1)
    )
    Subscription.objects.create(user=second, report="funnel", query="", rhythm="weekly", next_at=NOW)

    with moment(NOW):
        assert send_due(NOW) == 2

    words = Notification.objects.get(user=first, kind="report.sent").context
    assert words["text"] == "Choose the filters anew."
    assert Notification.objects.filter(user=second, kind="report.sent").exists()

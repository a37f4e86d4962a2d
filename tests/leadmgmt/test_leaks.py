"""Leads that run out: each way finds exactly those, every number opens them, the button does something about it."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from crmsync.services.convert import convert_lead
from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import moment, now
from leadmgmt.core.permissions import TEAM_LEAD
from leadmgmt.reports.filters import Filters
from leadmgmt.reports.leaks import KINDS, leaks, leaks_of, stage_limits
from leadmgmt.reports.stop_leaks import A_DAY, stop_leaks
from leads.events import record_event
from leads.models import Lead
from qualification.models import Activity
from routing.models import Notification, WaitingLead
from tests.crmsync.things import make_crm, make_sql, read
from tests.factories import make_clock, make_lead, make_policy, make_reason, make_team, make_user
from tests.leadmgmt.test_report_pages import figures
from tests.worker import drain

pytestmark = pytest.mark.django_db


def ago(**span: float) -> Any:
    return now() - timedelta(**span)


@pytest.fixture
def sdr() -> Any:
    make_crm()
    return make_user("sdr", first_name="Sam", team=make_team("a"))


def found(kind: str) -> set[int]:
    return set(leaks_of(Filters(), kind).values_list("pk", flat=True))


def everything() -> dict[str, int]:
    return {leak.kind: leak.count for leak in leaks(Filters()).leaks}


def test_never_contacted_once_the_promise_is_over(sdr: Any) -> None:
    broken, running, plain, fresh, touched, asleep = (
        make_lead(owner=sdr, at=ago(hours=hours)) for hours in (3, 3, 30, 2, 30, 30)
    )
    make_clock(broken, due_at=ago(hours=1), policy=make_policy(15))
    make_clock(running, due_at=now() + timedelta(hours=1), policy=make_policy(15))
    Lead.objects.filter(pk=touched.pk).update(first_touched_at=ago(hours=2))
    Lead.objects.filter(pk=asleep.pk).update(snoozed_until=now() + timedelta(days=1))
    assert found("untouched") == {broken.pk, plain.pk}
    assert fresh.pk not in found("untouched")


def test_nobodys_and_waiting_are_told_apart(sdr: Any) -> None:
    lost, waiting, fresh = (make_lead(at=ago(hours=hours)) for hours in (5, 5, 0.2))
    WaitingLead.objects.create(lead=waiting, reason="nobody", since=ago(hours=4), wake_at=now())
    assert (found("unowned"), found("waiting")) == ({lost.pk}, {waiting.pk})
    assert fresh.pk not in found("unowned")


def test_stuck_is_longer_than_nine_of_ten_that_went_on(sdr: Any) -> None:
    for number in range(30):
        lead = make_lead(stage="mql", at=ago(days=60), is_history=True)
        record_event(lead, "lead.captured", at=ago(days=60), quiet=True)
        went = ago(days=60 - (number % 10 + 1))
        record_event(lead, "stage.mql", at=went, data={"from": "new"}, quiet=True)
    limit = stage_limits(now())["new"]
    assert 9 <= limit <= 10
    # Too few SQLs went on to learn from.
    assert stage_limits(now())["sql"] == 14.0

    long_ago, lately, planned, quick = (make_lead(owner=sdr, at=ago(days=days)) for days in (40, 40, 40, 3))
    Lead.objects.filter(owner=sdr).update(first_touched_at=ago(days=3), last_activity_at=ago(days=20))
    Lead.objects.filter(pk=lately.pk).update(last_activity_at=ago(days=2))
    Activity.objects.create(lead=planned, kind="call", disposition="call_back", at=ago(days=9), by=sdr,
                            due_at=now() + timedelta(days=2))  # fmt: skip
    assert found("stuck") == {long_ago.pk}
    assert quick.pk not in found("stuck")


def test_recycled_without_a_date_and_handoffs_that_nobody_decides(sdr: Any) -> None:
    make_user("ae")
    reason = make_reason("recycle", "no-response")
    dateless, dated = (
        make_lead(stage="recycled", reason=reason, wake_at=wake) for wake in (None, now() + timedelta(9))
    )
    lead = make_sql(owner=sdr)
    convert_lead(lead.pk, by=sdr)
    assert found("dateless") == {dateless.pk}
    assert dated.pk not in found("dateless")
    assert found("undecided") == set()
    with moment(now() + timedelta(days=3)):
        assert found("undecided") == {lead.pk}


def test_a_lead_runs_out_in_one_way_only_and_history_in_none(sdr: Any) -> None:
    make_lead(owner=sdr, at=ago(days=40))
    make_lead(at=ago(days=40))
    make_lead(at=ago(days=40), is_history=True)
    make_lead(stage="recycled", reason=make_reason("recycle", "x"), is_history=True)
    assert sum(everything().values()) == 2
    seen: list[int] = [pk for kind in KINDS for pk in found(kind)]
    assert len(seen) == len(set(seen))


def test_every_number_opens_its_leads(client: Client, sdr: Any) -> None:
    for _ in range(7):
        make_lead(owner=sdr, at=ago(days=3), team=sdr.team)
    make_lead(at=ago(days=3))
    make_lead(stage="recycled", reason=make_reason("recycle", "x"))
    client.force_login(make_user("manager"))
    for words in ("", "?team=a", f"?rep={sdr.pk}"):
        page = client.get(f"/reports/leaks/{words}").content.decode()
        for link, number in figures(page):
            assert client.get(link).context["page"].paginator.count == number, (words, link)
    assert len(figures(client.get("/reports/leaks/").content.decode())) >= 6
    assert "Never contacted" in client.get("/leads/?cohort=1&leak=untouched").content.decode()
    assert client.get("/leads/?cohort=1&leak=nonsense").status_code == 422
    told = client.get("/api/v1/reports/leaks/").json()
    assert told["total"] == [{"leads": 9, "working": 8}]


def test_the_buttons(client: Client, sdr: Any) -> None:
    manager = make_user("manager")
    client.force_login(manager)
    untouched = make_lead(owner=sdr, at=ago(days=3))
    waiting = make_lead(at=ago(days=3))
    WaitingLead.objects.create(lead=waiting, reason="nobody", since=ago(days=3), wake_at=now())
    stuck = make_lead(owner=sdr, at=ago(days=90))
    Lead.objects.filter(pk=stuck.pk).update(first_touched_at=ago(days=80), last_activity_at=ago(days=80))
    here = "/reports/leaks/"

    client.post(here, {"kind": "untouched"})
    drain()
    assert read(untouched).owner != sdr
    assert untouched.events.filter(kind="lead.handed_back", actor=manager).exists()

    # Nobody is there who could take it: it waits on, and the page says so.
    page = client.post(here, {"kind": "waiting"}, follow=True).content.decode()
    assert "left alone: it waits on." in page

    client.post(here, {"kind": "stuck"})
    client.post(here, {"kind": "stuck"})
    told = Notification.objects.filter(kind="leak.stuck", user=sdr)
    assert told.values("occasion").distinct().count() == 1

    assert client.post(here, {"kind": "nonsense"}, follow=True).status_code == 200
    assert Lead.objects.filter(pk=stuck.pk, owner=sdr).exists()


def test_recycled_leads_wake_up_a_few_a_day(client: Client) -> None:
    manager, reason = make_user("manager"), make_reason("recycle", "x")
    leads = [make_lead(stage="recycled", reason=reason) for _ in range(A_DAY + 3)]
    with pytest.raises(InvalidInput) as refused:
        stop_leaks(Filters(), "dateless", by=manager, day=now().date())
    assert set(refused.value.fields) == {"day"}

    day = (now() + timedelta(days=5)).date()
    client.force_login(manager)
    client.post("/reports/leaks/", {"kind": "dateless", "day": day.isoformat()})

    days = [read(lead).wake_at.date() for lead in leads]
    assert (days.count(day), days.count(day + timedelta(days=1))) == (A_DAY, 3)
    assert leads[0].events.filter(kind="lead.wake_set", actor=manager).exists()
    assert found("dateless") == set()


def test_who_may_not_give_leads_away_sees_no_button(client: Client, sdr: Any) -> None:
    make_lead(owner=sdr, at=ago(days=3), team=sdr.team)
    client.force_login(make_user("marketing"))
    assert "Give them to somebody else" not in client.get("/reports/leaks/").content.decode()
    assert client.post("/reports/leaks/", {"kind": "untouched"}).status_code == 403
    # A team lead sees and moves the team's own.
    client.force_login(make_user(TEAM_LEAD, team=make_team("b")))
    assert "Nothing leaks" in client.get("/reports/leaks/").content.decode()

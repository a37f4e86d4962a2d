"""One lead is routed once, to the right person, with a certificate that says why."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leadmgmt.core.now import moment
from leads.configuration import looked_at_once
from leads.events import record_event
from leads.models import Lead, LeadEvent
from routing.models import Assignment, Certificate, LedgerEntry, Notification, PoolMember, SlaClock, WaitingLead
from routing.services.notify import notify_owner, notify_waiting
from routing.services.plan import BY_RULE, NO_RULES, NOBODY_FREE, NOBODY_PRESENT, UNMATCHED
from routing.services.release import release_lead
from routing.services.route import route_lead
from routing.services.touch import note_first_touch
from routing.services.waiting import retry_waiting
from tests.factories import (
    make_company,
    make_contact,
    make_lead,
    make_policy,
    make_pool,
    make_reason,
    make_rep,
    make_team,
    make_user,
)
from tests.routing.things import ALWAYS, is_in, make_rules, route, shift

pytestmark = pytest.mark.django_db
# A Wednesday in winter, ten o'clock in Berlin.
TEN = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)


def test_the_first_rule_that_matches_decides() -> None:
    dach, rest = make_pool(make_rep()), make_pool(make_rep())
    rules = make_rules(("DACH", is_in("contact.country", "DE", "AT"), dach), ("Everyone else", ALWAYS, rest))
    german = make_lead(contact=make_contact(country="DE"))
    french = make_lead(contact=make_contact(country="FR"))

    route(german)
    route(french)

    assert german.owner == dach.members.get().rep.user
    assert french.owner == rest.members.get().rep.user
    certificate = Certificate.objects.get(lead=french)
    assert certificate.outcome == "assigned"
    assert [rule["held"] for rule in certificate.rules] == [False, True]
    assert certificate.rule == rules.rules.get(position=2)
    assert Certificate.objects.get(lead=german).rules[1]["held"] is None


def test_routing_writes_everything_that_belongs_to_it() -> None:
    team = make_team("dach")
    rep = make_rep(make_user("sdr", team=team))
    pool = make_pool(rep, team=team)
    policy = make_policy(15, is_default=True)
    make_rules(("All", ALWAYS, pool))
    lead = make_lead(at=TEN - timedelta(seconds=2))

    with moment(TEN):
        route(lead)

    assignment = Assignment.objects.get(lead=lead)
    assert (lead.owner, lead.team, lead.owned_at, lead.routed_at) == (rep.user, team, TEN, TEN)
    assert (assignment.user, assignment.reason, assignment.starts_at, assignment.ends_at) == (
        rep.user,
        "rule",
        TEN,
        None,
    )
    clock = SlaClock.objects.get(lead=lead)
    assert (clock.policy, clock.started_at, clock.owned_at) == (policy, lead.captured_at, TEN)
    assert clock.due_at == lead.captured_at + timedelta(minutes=15)
    assert {entry.kind: entry.amount for entry in LedgerEntry.objects.filter(lead=lead)} == {
        "entitlement": Decimal(1),
        "assignment": Decimal(-1),
    }
    event = LeadEvent.objects.get(lead=lead, kind="lead.assigned")
    assert event.data["user"] == rep.user.pk
    assert event.data["certificate"] == assignment.certificate_id
    assert event.needs_step


def test_routing_the_same_interest_twice_changes_nothing() -> None:
    make_rules(("All", ALWAYS, make_pool(make_rep(), make_rep())))
    lead = make_lead()
    route(lead)
    owner = lead.owner

    route(lead)

    assert lead.owner == owner
    assert Certificate.objects.count() == 1
    assert Assignment.objects.count() == 1
    assert LeadEvent.objects.filter(kind="lead.assigned").count() == 1


@pytest.mark.parametrize("fields", [{"is_history": True}, {"stage": "opportunity"}, {"stage": "disqualified"}])
def test_history_and_closed_leads_are_left_alone(fields: dict[str, object]) -> None:
    make_rules(("All", ALWAYS, make_pool(make_rep())))
    lead = make_lead(**fields)

    route(lead)

    assert lead.owner is None
    assert not Certificate.objects.exists()
    assert not WaitingLead.objects.exists()


def test_without_rules_a_lead_waits_with_an_admin() -> None:
    admin = make_user("admin")
    lead = make_lead(at=TEN)

    with moment(TEN):
        route(lead)

    wait = WaitingLead.objects.get(lead=lead)
    assert (wait.reason, wait.keeper, wait.certificate) == (NO_RULES, admin, None)
    assert wait.wake_at == TEN + timedelta(hours=1)
    assert lead.routed_at == TEN
    assert LeadEvent.objects.get(kind="lead.waiting").data["reason"] == NO_RULES


def test_a_lead_that_no_rule_fits_waits_as_unmatched() -> None:
    make_rules(("France", is_in("contact.country", "FR"), make_pool(make_rep())))
    lead = make_lead(contact=make_contact(country="DE"))

    route(lead)

    assert WaitingLead.objects.get(lead=lead).reason == UNMATCHED
    assert Certificate.objects.get(lead=lead).outcome == "unmatched"


def test_when_nobody_works_the_lead_waits_for_the_next_shift_with_the_team_lead() -> None:
    team = make_team("dach")
    boss = make_user("team_lead", team=team)
    rep = make_rep(always=False)
    shift(rep, 3, "09:00", "17:00")
    make_rules(("All", ALWAYS, make_pool(rep, team=team)))
    make_policy(15, in_working_time=True, is_default=True)
    lead = make_lead(at=TEN)

    with moment(TEN):
        route(lead)

    wait = WaitingLead.objects.get(lead=lead)
    assert (wait.reason, wait.keeper, lead.team) == (NOBODY_PRESENT, boss, team)
    # Thursday nine o'clock in Berlin.
    assert wait.wake_at == datetime(2026, 1, 15, 8, 0, tzinfo=UTC)
    assert SlaClock.objects.get(lead=lead).due_at == datetime(2026, 1, 15, 8, 15, tzinfo=UTC)
    certificate = Certificate.objects.get(lead=lead)
    assert (certificate.outcome, certificate.candidates[0]["gate"]) == ("waiting", "shift")


def test_a_waiting_lead_is_given_away_when_the_shift_begins() -> None:
    rep = make_rep(always=False)
    shift(rep, 3, "09:00", "17:00")
    make_rules(("All", ALWAYS, make_pool(rep)))
    make_policy(15, in_working_time=True, is_default=True)
    lead = make_lead(at=TEN)
    with moment(TEN):
        route(lead)
    nine = datetime(2026, 1, 15, 8, 0, tzinfo=UTC)

    assert retry_waiting(nine - timedelta(seconds=1)) == 0
    assert retry_waiting(nine) == 1
    assert retry_waiting(nine) == 0

    lead.refresh_from_db()
    assert lead.owner == rep.user
    assert Assignment.objects.get(lead=lead).reason == "waiting"
    assert WaitingLead.objects.get(lead=lead).left_at == nine
    assert SlaClock.objects.get(lead=lead).due_at == nine + timedelta(minutes=15)


def test_a_retry_that_changes_nothing_writes_no_second_certificate() -> None:
    rep = make_rep(is_accepting=False)
    make_rules(("All", ALWAYS, make_pool(rep)))
    lead = make_lead(at=TEN)
    with moment(TEN):
        route(lead)

    retry_waiting(TEN + timedelta(hours=1))

    wait = WaitingLead.objects.get(lead=lead)
    assert wait.wake_at == TEN + timedelta(hours=2)
    assert Certificate.objects.count() == 1
    assert LeadEvent.objects.filter(kind="lead.waiting").count() == 1


def test_a_rep_at_the_cap_gets_no_lead() -> None:
    full, free = make_rep(max_open_leads=1), make_rep(max_per_day=1)
    make_lead(owner=full.user)
    make_rules(("All", ALWAYS, make_pool(full, free)))
    first, second = make_lead(), make_lead()

    route(first)
    route(second)

    assert first.owner == free.user
    assert WaitingLead.objects.get(lead=second).reason == NOBODY_FREE
    gates = {one["rep_id"]: one["gate"] for one in Certificate.objects.get(lead=second).candidates}
    assert gates == {full.pk: "open_leads", free.pk: "per_day"}


def test_a_rule_may_name_one_rep_the_waiting_room_or_nobody_ever() -> None:
    rep = make_rep()
    reason = make_reason("disqualify", "student")
    make_rules(
        ("Freja", is_in("contact.country", "SE"), rep),
        ("Later", is_in("contact.country", "XX"), None),
        ("Students", ALWAYS, reason),
    )
    swedish, strange = make_lead(contact=make_contact(country="SE")), make_lead(contact=make_contact(country="XX"))
    student = make_lead()

    for lead in (swedish, strange, student):
        route(lead)

    assert swedish.owner == rep.user
    assert not LedgerEntry.objects.exists()
    assert WaitingLead.objects.get(lead=strange).reason == BY_RULE
    assert (student.stage, student.reason) == ("disqualified", reason)
    assert Certificate.objects.get(lead=student).outcome == "disqualified"


def test_the_owner_of_the_account_comes_first_and_the_pool_if_they_are_away() -> None:
    owner, member = make_rep(), make_rep()
    company = make_company(account_owner=owner.user)
    pool = make_pool(member)
    make_rules(("Accounts", ALWAYS, ("account_owner", pool)))
    known, away = (make_lead(contact=make_contact(company=company)) for _ in range(2))

    route(known)
    owner.is_accepting = False
    owner.save()
    route(away)

    assert known.owner == owner.user
    assert away.owner == member.user
    assert LedgerEntry.objects.filter(lead=known).count() == 0
    candidates = Certificate.objects.get(lead=away).candidates
    assert [(one["role"], one["gate"]) for one in candidates] == [("account", "accepting"), ("pool", "")]


def test_balances_follow_the_ledger_and_sum_to_zero() -> None:
    pool = make_pool(*(make_rep() for _ in range(3)))
    make_rules(("All", ALWAYS, pool))

    leads = [make_lead() for _ in range(7)]
    for lead in leads:
        route(lead)

    counts = sorted(Assignment.objects.filter(user=member.rep.user).count() for member in pool.members.all())
    assert counts == [2, 2, 3]
    assert sum(PoolMember.objects.values_list("balance", flat=True)) == 0
    for member in pool.members.all():
        assert member.balance == sum(LedgerEntry.objects.filter(rep=member.rep).values_list("amount", flat=True))
    for lead in leads:
        assert sum(LedgerEntry.objects.filter(lead=lead).values_list("amount", flat=True)) == 0


def test_routing_takes_at_most_fifteen_queries() -> None:
    make_policy(15, is_default=True)
    pool = make_pool(*(make_rep(max_open_leads=50, max_per_day=20) for _ in range(8)))
    make_rules(*((f"Rule {n}", is_in("contact.country", "FR"), pool) for n in range(10)), ("All", ALWAYS, pool))
    route(make_lead())
    lead = make_lead()
    event = LeadEvent(lead=lead, kind="lead.scored")

    with CaptureQueriesContext(connection) as queries, looked_at_once():
        route_lead(lead, event)

    assert len(queries) <= 15, "\n".join(query["sql"][:120] for query in queries)


def test_the_owner_is_told_once_on_both_ways() -> None:
    rep = make_rep()
    make_rules(("All", ALWAYS, make_pool(rep)))
    lead = make_lead(at=TEN)
    with moment(TEN):
        route(lead)
    event = LeadEvent.objects.get(kind="lead.assigned")

    with moment(TEN + timedelta(seconds=1)):
        notify_owner(lead, event)
        notify_owner(lead, event)

    told = Notification.objects.filter(user=rep.user, lead=lead).order_by("way")
    assert [(one.way, one.status) for one in told] == [("email", "waiting"), ("in_app", "sent")]
    lead.refresh_from_db()
    assert lead.notified_at == TEN + timedelta(seconds=1)


def test_the_keeper_is_told_of_a_waiting_lead() -> None:
    admin = make_user("admin")
    lead = make_lead()
    route(lead)

    notify_waiting(lead, LeadEvent.objects.get(kind="lead.waiting"))

    assert Notification.objects.filter(user=admin, kind="lead.waiting").count() == 2
    assert lead.notified_at is None


def test_a_closed_lead_is_let_go_and_a_won_one_keeps_its_owner() -> None:
    rep = make_rep()
    recycled = make_lead(stage="recycled", owner=rep.user, at=TEN)
    won = make_lead(stage="won", owner=rep.user, at=TEN)
    Assignment.objects.create(lead=recycled, user=rep.user, reason="rule", starts_at=TEN)

    for lead, kind in ((recycled, "stage.recycled"), (won, "stage.won")):
        event = record_event(lead, kind, at=TEN + timedelta(days=1))
        release_lead(lead, event)
        release_lead(lead, event)

    assert not Assignment.objects.filter(ends_at__isnull=True).exists()
    assert recycled.owner is None
    assert won.owner == rep.user


def test_a_release_that_comes_late_leaves_the_new_owner_alone() -> None:
    rep = make_rep()
    lead = make_lead(owner=rep.user, at=TEN)
    event = record_event(lead, "stage.recycled", at=TEN - timedelta(days=1))

    release_lead(lead, event)

    assert lead.owner == rep.user
    assert Assignment.objects.get(lead=lead).ends_at is None


def test_the_first_touch_keeps_the_promise_and_acknowledges() -> None:
    rep = make_rep()
    make_policy(15, is_default=True)
    make_rules(("All", ALWAYS, make_pool(rep)))
    lead = make_lead(at=TEN)
    with moment(TEN):
        route(lead)

    first = note_first_touch(lead, TEN + timedelta(minutes=4), rep.user)
    second = note_first_touch(lead, TEN + timedelta(minutes=9), rep.user)

    clock = SlaClock.objects.get(lead=lead)
    assert (first, second) == (True, False)
    assert lead.first_touched_at == clock.touched_at == TEN + timedelta(minutes=4)
    assert (clock.stop_reason, clock.breached_at) == ("touched", None)
    assert Assignment.objects.get(lead=lead).accepted_at == TEN + timedelta(minutes=4)


def test_a_reopened_lead_is_routed_afresh_with_a_new_promise() -> None:
    rep = make_rep()
    make_policy(15, is_default=True)
    make_rules(("All", ALWAYS, make_pool(rep)))
    lead = make_lead(at=TEN)
    with moment(TEN):
        route(lead)
    later = TEN + timedelta(days=30)
    lead_event = record_event(lead, "stage.recycled", at=TEN + timedelta(hours=1))
    Lead.objects.filter(pk=lead.pk).update(stage="recycled", reason=make_reason("recycle"))
    lead = Lead.objects.get(pk=lead.pk)
    release_lead(lead, lead_event)
    Lead.objects.filter(pk=lead.pk).update(stage="new", reason=None, routed_at=None, captured_at=later)
    lead = Lead.objects.get(pk=lead.pk)

    with moment(later):
        route(lead)

    assert lead.owner == rep.user
    assert Assignment.objects.filter(lead=lead).count() == 2
    assert SlaClock.objects.get(lead=lead, stopped_at__isnull=True).started_at == later

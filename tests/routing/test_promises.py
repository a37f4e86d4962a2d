"""Promises written by an admin, and the one to keep trying."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from leadmgmt.core.now import moment, now
from leads.lifecycle import Cause, reopen, to_recycled
from leads.models import Lead, LeadEvent
from qualification.services.activities import log_activity, undo_activity
from routing.hours import calendars_by_number
from routing.models import AttemptClock, Notification, Rep, SlaClock, SlaPolicy
from routing.notices import TOO_FEW
from routing.services.attempts import attempts_due, attempts_due_at
from routing.services.policies import PolicyInUse, delete_policy
from routing.services.release import release_lead
from tests.factories import make_clock, make_lead, make_policy, make_pool, make_reason, make_rep, make_team, make_user
from tests.routing.things import ALWAYS, make_rules, page, route, shift, signed_in

pytestmark = pytest.mark.django_db
# A Thursday, 10:00 in Berlin.
THURSDAY = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)


def working() -> Rep:
    rep = make_rep(make_user("sdr", time_zone="Europe/Berlin", team=make_team("dach")))
    rep.shifts.all().delete()
    for day in range(5):
        shift(rep, day, "09:00", "17:00")
    return rep


def promised(wanted: int = 3, days: int = 2, **policy: Any) -> Lead:
    """A lead that came on Thursday and went to Ann."""
    make_policy(30, is_default=True, attempts=wanted, attempt_days=days, **policy)
    rep = working()
    make_rules(("All", ALWAYS, make_pool(rep, team=rep.user.team)))
    with moment(THURSDAY):
        lead = make_lead(at=THURSDAY)
        route(lead)
    return lead


def tried(lead: Lead, hours: float, disposition: str = "no_answer") -> Any:
    return log_activity(lead.pk, "call", by=lead.owner, disposition=disposition, at=THURSDAY + timedelta(hours=hours))


class TestAttempts:
    def test_it_is_due_at_the_end_of_the_second_further_day_of_work(self) -> None:
        clock = AttemptClock.objects.get(lead=promised(in_working_time=True))

        # Thursday does not count; Friday, then Monday until 17:00 in Berlin.
        assert clock.due_at == datetime(2026, 3, 9, 16, 0, tzinfo=UTC)

    def test_around_the_clock_it_is_so_many_days(self) -> None:
        assert AttemptClock.objects.get(lead=promised()).due_at == THURSDAY + timedelta(days=2)

    def test_the_end_of_summer_time_moves_no_wall_clock(self) -> None:
        policy = SlaPolicy(attempts=1, attempt_days=1, in_working_time=True)
        rep = working()
        friday = datetime(2026, 10, 23, 8, 0, tzinfo=UTC)
        calendars = [calendars_by_number({rep.pk}, friday)[rep.pk]]

        assert attempts_due_at(policy, friday, calendars) == datetime(2026, 10, 26, 16, 0, tzinfo=UTC)

    def test_enough_attempts_keep_it(self) -> None:
        lead = promised()
        for hours in (1, 2, 3):
            tried(lead, hours)

        clock = AttemptClock.objects.get(lead=lead)
        assert (clock.made, clock.met_at, clock.stopped_at) == (3, THURSDAY + timedelta(hours=3), clock.met_at)
        assert attempts_due(THURSDAY + timedelta(days=9)) == 0

    def test_who_is_reached_need_not_be_tried_further(self) -> None:
        lead = promised()
        tried(lead, 1)
        tried(lead, 2, "connected")

        assert AttemptClock.objects.get(lead=lead).met_at == THURSDAY + timedelta(hours=2)

    def test_a_note_is_no_attempt(self) -> None:
        lead = promised()
        log_activity(lead.pk, "note", by=lead.owner, body="Nice", at=THURSDAY + timedelta(hours=1))

        assert AttemptClock.objects.get(lead=lead).made == 0

    def test_an_attempt_that_is_taken_back_counts_no_more(self) -> None:
        lead = promised(1)
        activity = tried(lead, 1)
        assert AttemptClock.objects.get(lead=lead).met_at is not None

        undo_activity(activity.pk, by=lead.owner, at=THURSDAY + timedelta(hours=1, minutes=2))  # type: ignore[arg-type]

        clock = AttemptClock.objects.get(lead=lead)
        assert (clock.made, clock.met_at, clock.stopped_at) == (0, None, None)

    def test_too_few_in_time_is_told_once_to_owner_and_team_lead(self) -> None:
        lead = promised()
        boss = make_user("team_lead", team=make_team("dach"))
        tried(lead, 1)
        over = THURSDAY + timedelta(days=2, minutes=1)

        assert (attempts_due(over), attempts_due(over)) == (1, 0)

        clock = AttemptClock.objects.get(lead=lead)
        assert (clock.breached_at, clock.made) == (clock.due_at, 1)
        told = Notification.objects.filter(kind=TOO_FEW, way="in_app").values_list("user", flat=True)
        assert set(told) == {lead.owner_id, boss.pk}
        assert LeadEvent.objects.filter(lead=lead, kind="sla.too_few").count() == 1
        # What comes too late keeps it no more.
        tried(lead, 50)
        tried(lead, 51)
        clock.refresh_from_db()
        assert clock.met_at is None

    def test_a_lead_that_was_closed_before_breaks_nothing(self) -> None:
        lead = promised()
        to_recycled(
            lead.pk, Cause(by="test", at=THURSDAY + timedelta(hours=5)), reason=make_reason("recycle"), wake_at=None
        )

        assert attempts_due(THURSDAY + timedelta(days=3)) == 0
        clock = AttemptClock.objects.get(lead=lead)
        assert (clock.breached_at, clock.met_at) == (None, None)
        assert clock.stopped_at is not None

    def test_a_lead_that_comes_back_before_the_old_promise_was_due_gets_a_new_one(self) -> None:
        lead = promised()
        again = THURSDAY + timedelta(hours=20)
        cause = Cause(by="test", at=THURSDAY + timedelta(hours=5))
        to_recycled(lead.pk, cause, reason=make_reason("recycle"), wake_at=None)
        reopen(lead.pk, Cause(by="test", at=again))
        Lead.objects.filter(pk=lead.pk).update(owner=None)
        SlaClock.objects.filter(lead=lead).update(stopped_at=again)
        with moment(again):
            lead.refresh_from_db()
            route(lead)

        old, new = AttemptClock.objects.filter(lead=lead).order_by("started_at")
        assert (old.stopped_at is not None, old.met_at, old.breached_at) == (True, None, None)
        assert (new.started_at, new.stopped_at, new.made) == (again, None, 0)

    def test_closing_a_lead_ends_the_promise_at_once(self) -> None:
        lead = promised()
        closed_at = THURSDAY + timedelta(hours=5)
        to_recycled(lead.pk, Cause(by="test", at=closed_at), reason=make_reason("recycle"), wake_at=None)
        lead.refresh_from_db()
        release_lead(lead, lead.events.get(kind="stage.recycled"))

        clock = AttemptClock.objects.get(lead=lead)
        assert (clock.stopped_at, clock.met_at, clock.breached_at) == (closed_at, None, None)

    def test_the_lead_page_shows_waits_and_attempts(self) -> None:
        lead = promised()
        tried(lead, 1)

        with moment(THURSDAY + timedelta(hours=2)):
            text = page(signed_in(make_user("admin")), "qualification:lead_detail", lead.pk)

        assert "1 of 3 attempts" in text
        assert "given, not acknowledged" in text


FORM = {"name": "Fast", "first_touch_minutes": "15", "in_working_time": "on"}


class TestPages:
    def test_an_admin_writes_changes_and_deletes_a_promise(self) -> None:
        make_policy(60, name="Slow", is_default=True)
        client = signed_in(make_user("admin"))
        more = {"acknowledge_minutes": "5", "escalate_minutes": "4", "reassign_minutes": "0", "is_default": "on"}

        client.post(reverse("routing:promise_new"), FORM | more | {"attempts": "5", "attempt_days": "3"})
        policy = SlaPolicy.objects.get(name="Fast")
        assert (policy.reassign_minutes, policy.attempts, policy.is_default) == (0, 5, True)
        assert not SlaPolicy.objects.get(name="Slow").is_default
        text = page(client, "routing:promise_list")
        assert "A first touch within 15 min of working time." in text
        assert "5 attempts within 3 days" in text

        slow = SlaPolicy.objects.get(name="Slow")
        client.post(reverse("routing:promise_delete", args=[slow.pk]))
        assert not SlaPolicy.objects.filter(pk=slow.pk).exists()

    @pytest.mark.parametrize(
        ("fields", "wrong"),
        [
            ({"acknowledge_minutes": "15"}, "acknowledge_minutes"),
            ({"escalate_minutes": "20"}, "escalate_minutes"),
            ({"attempts": "3"}, "attempt_days"),
            ({"attempt_days": "3"}, "attempts"),
            ({"first_touch_minutes": "0"}, "first_touch_minutes"),
            ({"name": "slow"}, "name"),
            ({"name": ""}, "name"),
        ],
    )
    def test_what_does_not_fit_is_said_at_its_field(self, fields: dict[str, str], wrong: str) -> None:
        make_policy(60, name="Slow", is_default=True)

        answer = signed_in(make_user("admin")).post(reverse("routing:promise_new"), FORM | fields)

        assert answer.status_code == 422
        assert list(answer.context["form"].errors) == [wrong]
        assert SlaPolicy.objects.count() == 1

    def test_there_is_always_a_default(self) -> None:
        policy = make_policy(60, name="Slow", is_default=True)
        client = signed_in(make_user("admin"))

        answer = client.post(reverse("routing:promise", args=[policy.pk]), FORM)

        assert answer.status_code == 422
        with pytest.raises(PolicyInUse):
            delete_policy(policy.pk)

    def test_a_promise_that_leads_were_made_stays(self) -> None:
        policy = make_policy(60, name="Slow")
        make_clock(make_lead(), policy=policy)

        with pytest.raises(PolicyInUse):
            delete_policy(policy.pk)

    def test_figures_lead_to_their_leads(self) -> None:
        policy, other = make_policy(60, name="Slow", attempts=2, attempt_days=1), make_policy(30, name="Fast")
        for number in range(4):
            lead = make_lead()
            late = now() - timedelta(minutes=1)
            clock = make_clock(lead, policy=policy if number else other, due_at=late if number == 1 else None)
            if number == 2:
                clock.touched_at = clock.stopped_at = now()
                clock.save()
        client = signed_in(make_user("admin"))

        lines = {one.policy.name: one for one in client.get(reverse("routing:promise_list")).context["lines"]}

        assert (lines["Slow"].made.count, lines["Slow"].kept.count, lines["Fast"].made.count) == (2, 1, 0)
        for line in lines.values():
            for figure in filter(None, (line.made, line.kept, line.tried)):
                assert client.get(figure.url).context["page"].paginator.count == figure.count

    @pytest.mark.parametrize("role", ["sdr", "team_lead", "manager"])
    def test_others_read(self, role: str) -> None:
        policy = make_policy(60, name="Slow", is_default=True)
        client = signed_in(make_user(role))

        assert "Slow" in page(client, "routing:promise_list")
        assert client.get(reverse("routing:promise", args=[policy.pk])).status_code == 403
        assert client.post(reverse("routing:promise_delete", args=[policy.pk])).status_code == 403

"""Trying a draft on a share of the leads: who is drawn, what decides, and the guard that ends it."""

import random
from datetime import timedelta
from math import comb

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from leadmgmt.core.now import moment, now
from leads.models import Lead
from routing.models import Certificate, Notification, RuleSet, SlaClock
from routing.notices import CANARY_ENDED
from routing.published import is_drawn, rules_for
from routing.services import canary
from routing.services.canary import Side, guard_canary, more_often_by_chance, surely_worse
from routing.services.draft import RuleData, add_rule, new_draft, update_rule
from routing.services.publish import NotPublishable, roll_back
from routing.services.replays import NotReplayed, ask_replay, run_replay
from tests.factories import make_clock, make_lead, make_policy, make_pool, make_rep, make_user
from tests.routing.things import ALWAYS, is_in, make_rules, page, route, signed_in

Status = RuleSet.Status


def trying(share: int = 30) -> tuple[RuleSet, RuleSet]:
    """Version 1 for everybody, version 2, by which German leads find no rule, on a share."""
    make_policy(60, is_default=True)
    pool = make_pool(make_rep(), make_rep())
    live = make_rules(("All", ALWAYS, pool))
    draft = make_rules(("French", is_in("contact.country", "FR"), pool), version=2, status="draft")
    canary.start_canary(draft.pk, share, by=make_user("admin"), at=now())
    draft.refresh_from_db()
    return live, draft


def routed(count: int) -> list[Lead]:
    leads = [make_lead() for _ in range(count)]
    for lead in leads:
        route(lead)
    return leads


@given(st.integers(1, 10**9), st.integers(1, 500), st.integers(1, 49))
def test_a_larger_share_keeps_who_was_drawn(lead: int, version: int, share: int) -> None:
    assert not is_drawn(lead, version, share) or is_drawn(lead, version, share + 1)


def test_as_many_are_drawn_as_the_share_says_and_others_in_each_trial() -> None:
    first, second = ({lead for lead in range(20_000) if is_drawn(lead, version, 10)} for version in (2, 3))

    # Four standard deviations around 2,000; drawn by both is one in ten of these.
    assert 1830 < len(first) < 2170
    assert 140 < len(first & second) < 260


@pytest.mark.django_db
class TestDeciding:
    def test_drawn_leads_go_by_the_tried_version_and_the_certificate_says_so(self) -> None:
        live, draft = trying()

        for lead in routed(40):
            side = draft if is_drawn(lead.pk, 2, 30) else live
            certificate = Certificate.objects.get(lead=lead)
            assert certificate.rule_set == side
            assert certificate.outcome == ("unmatched" if side == draft else "assigned")
        assert set(Certificate.objects.values_list("rule_set", flat=True)) == {live.pk, draft.pk}

    def test_a_lead_stays_on_its_side_while_it_waits(self) -> None:
        _live, draft = trying()
        waiting = next(lead for lead in routed(30) if is_drawn(lead.pk, 2, 30))

        route(waiting)
        rules = rules_for(waiting.pk)

        assert waiting.owner is None
        assert rules is not None
        assert rules.id == draft.pk

    def test_after_the_trial_the_published_version_decides_about_all(self) -> None:
        live, draft = trying()
        waiting = next(lead for lead in routed(30) if is_drawn(lead.pk, 2, 30))

        canary.end_canary(draft.pk, by=None, at=now())
        route(waiting)

        assert waiting.owner is not None
        assert RuleSet.objects.get(pk=draft.pk).status == Status.ARCHIVED
        again = RuleSet.objects.get(status=Status.DRAFT)
        assert [rule.name for rule in again.rules.all()] == ["French"]
        assert {rules_for(one).id for one in range(200)} == {live.pk}  # type: ignore[union-attr]  # version 1 decides

    def test_a_draft_begun_meanwhile_stays(self) -> None:
        _live, draft = trying()
        other = new_draft(None)

        canary.end_canary(draft.pk, by=None, at=now())

        assert RuleSet.objects.get(status=Status.DRAFT) == other

    def test_what_was_tried_can_decide_about_all(self) -> None:
        live, draft = trying()

        canary.publish_canary(draft.pk, by=make_user("admin"), at=now())

        assert RuleSet.objects.get(status=Status.PUBLISHED) == draft
        live.refresh_from_db()
        assert live.status == Status.ARCHIVED
        assert {rules_for(one).id for one in range(50)} == {draft.pk}  # type: ignore[union-attr]  # as above

    def test_publishing_something_else_or_rolling_back_ends_the_trial(self) -> None:
        _live, draft = trying()

        roll_back(1, make_user("admin"), now())

        draft.refresh_from_db()
        assert draft.status == Status.ARCHIVED
        assert RuleSet.objects.get(status=Status.PUBLISHED).version == 3

    def test_a_second_trial_waits_for_the_first(self) -> None:
        trying()
        other = new_draft(None)

        with pytest.raises(canary.NotTried):
            canary.start_canary(other.pk, 10, by=None, at=now())

        other.refresh_from_db()
        assert other.status == Status.DRAFT

    @pytest.mark.parametrize("share", [0, 51, -3])
    def test_a_share_is_a_share(self, share: int) -> None:
        draft = make_rules(("All", ALWAYS, None), version=2, status="draft")
        make_rules(("All", ALWAYS, None))

        with pytest.raises(canary.NotTried):
            canary.start_canary(draft.pk, share, by=None, at=now())

    def test_there_must_be_something_to_try_beside(self) -> None:
        draft = make_rules(("All", ALWAYS, None), status="draft")

        with pytest.raises(canary.NotTried):
            canary.start_canary(draft.pk, 10, by=None, at=now())

    def test_it_asks_for_what_publishing_asks_for(self) -> None:
        pool = make_pool(make_rep())
        make_rules(("All", ALWAYS, pool))
        routed(3)
        draft = new_draft(None)
        rule = draft.rules.get()
        broken = RuleData("All", "pool", ALWAYS, pool_id=make_pool().pk)
        update_rule(rule.pk, broken)
        with pytest.raises(NotPublishable):
            canary.start_canary(draft.pk, 10, by=None, at=now())
        update_rule(rule.pk, RuleData("All", "pool", ALWAYS, pool_id=pool.pk))
        with pytest.raises(NotReplayed):
            canary.start_canary(draft.pk, 10, by=None, at=now())
        run_replay(ask_replay(draft.pk, by=None).pk)

        assert canary.start_canary(draft.pk, 10, by=None, at=now()).status == Status.CANARY

    def test_what_is_tried_is_edited_no_more(self) -> None:
        _live, draft = trying()

        with pytest.raises(Exception, match="no draft any more"):
            add_rule(draft.pk, RuleData("More", "waiting", ALWAYS))


@pytest.mark.django_db
class TestGuard:
    def test_a_version_by_which_leads_find_no_rule_is_ended_and_admins_are_told(self) -> None:
        admin = make_user("admin")
        _live, draft = trying(50)
        routed(40)

        assert guard_canary(now()) == 1

        draft.refresh_from_db()
        assert draft.status == Status.ARCHIVED
        told = Notification.objects.filter(kind=CANARY_ENDED, way="in_app")
        assert admin in [one.user for one in told]
        assert guard_canary(now()) == 0

    def test_a_version_that_does_as_well_goes_on(self) -> None:
        pool = make_pool(make_rep())
        make_rules(("All", ALWAYS, pool))
        draft = make_rules(("Everybody", ALWAYS, pool), version=2, status="draft")
        canary.start_canary(draft.pk, 50, by=None, at=now())
        routed(60)

        assert guard_canary(now()) == 0

        draft.refresh_from_db()
        assert (draft.status, draft.canary_looks) == (Status.CANARY, 1)

    def test_it_does_not_look_before_there_is_something_to_see(self) -> None:
        _live, draft = trying(50)
        routed(4)

        guard_canary(now())

        draft.refresh_from_db()
        assert draft.canary_looks == 0

    def test_broken_promises_count_as_well(self) -> None:
        make_user("admin")
        pool = make_pool(make_rep())
        make_rules(("All", ALWAYS, pool))
        draft = make_rules(("Everybody", ALWAYS, pool), version=2, status="draft")
        began = now() - timedelta(hours=5)
        canary.start_canary(draft.pk, 50, by=None, at=began)
        with moment(began + timedelta(minutes=1)):
            leads = routed(60)
        for lead in leads:
            SlaClock.objects.filter(lead=lead).delete()
            is_late = is_drawn(lead.pk, 2, 50)
            clock = make_clock(lead, started_at=began + timedelta(minutes=1))
            clock.breached_at = clock.due_at if is_late else None
            clock.stopped_at, clock.stop_reason = (None, "") if is_late else (now(), "touch")
            clock.save()

        assert guard_canary(now()) == 1
        assert Notification.objects.filter(context__reason=canary.BREACHED).exists()

    @given(st.integers(0, 12), st.integers(1, 12), st.integers(0, 12), st.integers(1, 12))
    def test_chance_is_counted_exactly(self, events: int, size: int, other_events: int, other_size: int) -> None:
        events, other_events = min(events, size), min(other_events, other_size)
        total, all_events = size + other_size, events + other_events
        ways = sum(
            comb(all_events, count) * comb(total - all_events, size - count)
            for count in range(events, min(all_events, size) + 1)
            if size - count >= 0
        )
        expected = ways / comb(total, size)

        assert more_often_by_chance((events, size), (other_events, other_size)) == pytest.approx(expected)

    def test_looking_often_does_not_cry_wolf(self) -> None:
        """Both sides alike, looked at ten times while they grow: over many trials hardly any is ended."""

        chance, ended = random.Random(7), 0
        for _trial in range(400):
            one, other = [0, 0], [0, 0]
            for look in range(1, 11):
                while one[1] < 10 * 2 ** (look - 1) and one[1] < 1500:
                    one = [one[0] + (chance.random() < 0.2), one[1] + 1]
                    other = [other[0] + (chance.random() < 0.2), other[1] + 1]
                if surely_worse(Side(one[1], one[0]), Side(other[1], other[0]), look=look):
                    ended += 1
                    break

        assert ended / 400 <= canary.FALSE_ALARMS


@pytest.mark.django_db
class TestPages:
    def test_the_trial_stands_beside_the_rules(self) -> None:
        trying(50)
        routed(20)

        text = page(signed_in(make_user("admin")), "routing:overview")

        assert "Version 2 is tried on 50 %" in text
        assert "all others" in text
        assert "End the trial" in text

    def test_an_admin_begins_and_ends_one(self) -> None:
        make_rules(("All", ALWAYS, None))
        draft = new_draft(None)
        client = signed_in(make_user("admin"))

        assert "Try it on them" in page(client, "routing:overview")
        client.post(reverse("routing:draft_canary"), {"share": "20"})
        draft.refresh_from_db()
        assert (draft.status, draft.canary_share) == (Status.CANARY, 20)

        client.post(reverse("routing:canary_end", args=[draft.pk]))
        draft.refresh_from_db()
        assert draft.status == Status.ARCHIVED
        assert "was tried" in page(client, "routing:version_list")

    @pytest.mark.parametrize("role", ["sdr", "team_lead", "manager"])
    def test_only_admins_do(self, role: str) -> None:
        _live, draft = trying()
        client = signed_in(make_user(role))

        for name, args in (("draft_canary", []), ("canary_end", [draft.pk]), ("canary_publish", [draft.pk])):
            assert client.post(reverse(f"routing:{name}", args=args), {"share": "10"}).status_code == 403
        assert "End the trial" not in page(client, "routing:overview")

"""Replaying: the live version gives history back exactly; a draft moves what its rules and turns move."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from leadmgmt.core.now import moment, now
from leads.conditions import parse
from leads.models import Lead
from routing.models import Absence, Certificate, ConfigHistory, Pool, PoolMember, Rep, ReplayRun, Rule, RuleSet
from routing.replay.compiled import compiled
from routing.replay.run import replay, simulate
from routing.replay.tiers import LEAD
from routing.services.assign import assign_lead, hand_back
from routing.services.credit import ask_credit, decide_credit
from routing.services.draft import RuleData, add_rule, new_draft, update_rule
from routing.services.replays import ask_replay, nudge_replays, run_replay
from routing.services.waiting import retry_waiting
from tests.factories import make_contact, make_lead, make_policy, make_pool, make_reason, make_rep, make_user
from tests.leads.test_conditions_sql import trees
from tests.routing.things import ALWAYS, is_in, make_rules, page, route, shift, signed_in

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)


def rep(name: str, **fields: Any) -> Rep:
    return make_rep(make_user("sdr", first_name=name, last_name="X"), **fields)


def since_ever() -> None:
    """What is configured counts for the past as well."""
    ConfigHistory.objects.update(at=None)


def lead_at(at: datetime, **contact: Any) -> Lead:
    with moment(at):
        lead = make_lead(at=at, contact=make_contact(**contact))
        route(lead)
    return lead


def week(seed: int, steps: int = 120) -> RuleSet:
    """A week of everything that moves balances and loads."""
    chance = random.Random(seed)
    make_policy(60, is_default=True)
    reps = [rep(f"R{number}", max_open_leads=chance.choice([None, None, 6])) for number in range(6)]
    reps[0].max_per_day = 3
    reps[0].save()
    first, second, third = (
        make_pool(*reps[:4], name="First"),
        make_pool(*reps[2:], name="Second", strategy="least_loaded"),
        make_pool(*reps[:3], name="Third"),
    )
    PoolMember.objects.filter(rep=reps[1]).update(weight="0.5")
    rules = make_rules(
        ("Swiss", is_in("contact.country", "CH"), second),
        ("Spam", is_in("contact.country", "XX"), make_reason()),
        ("German", is_in("contact.country", "DE", "AT"), first),
        ("Rest", is_in("contact.country", "FR", "IT"), third),
        ("British", is_in("contact.country", "GB"), make_pool(rep("Gwen", max_open_leads=1))),
    )
    Rule.objects.filter(name="Rest").update(fallback_pool=second)
    boss, at = make_user("admin"), MONDAY
    for _step in range(steps):
        at += timedelta(minutes=chance.randint(1, 90))
        _something(chance, reps, boss, at)
    return rules


def _something(chance: random.Random, reps: list[Rep], boss: Any, at: datetime) -> None:
    owned = list(Lead.objects.filter(owner__isnull=False, stage="new").select_related("owner").order_by("pk"))
    what = chance.random()
    with moment(at), transaction.atomic():
        if what < 0.6 or not owned:
            lead_at(at, country=chance.choice(["DE", "DE", "AT", "CH", "FR", "IT", "XX", "US", "GB", "GB"]))
            return
        lead = chance.choice(owned)
        assert lead.owner is not None
        if what < 0.66:
            hand_back(lead.pk, by=lead.owner, reason="no", at=at)
        elif what < 0.74:
            assign_lead(lead.pk, chance.choice(reps).user, by=boss, at=at)
        elif what < 0.8:
            one = chance.choice(reps)
            Rep.objects.filter(pk=one.pk).update(is_accepting=not Rep.objects.get(pk=one.pk).is_accepting)
        elif what < 0.86:
            Absence.objects.create(rep=chance.choice(reps), starts_at=at, ends_at=at + timedelta(hours=5))
        elif what < 0.92:
            retry_waiting(at + timedelta(days=1))
        else:
            entry = lead.ledger_entries.filter(rep__user=lead.owner, kind="assignment").first()
            if entry and not lead.credit_claims.filter(rep=entry.rep).exists():
                claim = ask_credit(lead.pk, by=lead.owner, why="spam", at=at)
                decide_credit(claim.pk, by=boss, grant=True, at=at)


@pytest.mark.parametrize("seed", range(6))
def test_the_version_that_decided_gives_every_decision_back(seed: int) -> None:
    rules = week(seed)
    since, until = MONDAY, MONDAY + timedelta(days=30)
    assert Certificate.objects.filter(outcome="assigned").count() > 30
    assert Certificate.objects.filter(outcome="waiting").exists()

    tally, simulation = simulate(rules, since, until)

    wrong = [
        (lead, then.rep, tally.now[lead].rep)
        for lead, then in tally.then.items()
        if (tally.now[lead].rep, tally.now[lead].kind == "assigned") != (then.rep, then.rep is not None)
    ]
    assert wrong == []
    booked = {(one.pool_id, one.rep_id): int(one.balance * LEAD) for one in PoolMember.objects.all()}
    played = {(pool, rep): amount for pool, of in simulation.books.balances.items() for rep, amount in of.items()}
    assert {key: amount for key, amount in booked.items() if amount} == {
        key: amount for key, amount in played.items() if amount
    }
    report = replay(rules, since, until)
    assert report.is_exact
    assert (report.by_rule, report.by_rotation) == (0, 0)


def test_half_a_week_is_given_back_from_the_books_as_they_stood() -> None:
    rules = week(7)
    middle = Certificate.objects.order_by("pk")[25].decided_at
    assert replay(rules, middle, MONDAY + timedelta(days=30)).is_exact


def test_certificates_without_their_short_form_are_replayed_too() -> None:
    rules = week(8, steps=40)
    pages = list(Certificate.objects.all())
    assert all(one.brief is not None for one in pages)
    with connection.cursor() as cursor:
        # Certificates cannot be changed: their trigger rests for a moment.
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE routing_certificate SET brief = NULL")
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert replay(rules, MONDAY, MONDAY + timedelta(days=30)).is_exact


def two_pools() -> tuple[Pool, Pool, list[Rep]]:
    reps = [rep(name) for name in ("Ann", "Ben", "Cem", "Dan")]
    rest, france = make_pool(*reps[:2], name="Rest"), make_pool(*reps[2:], name="France")
    make_rules(("All", ALWAYS, rest))
    return rest, france, reps


def drafted(*rules: RuleData) -> RuleSet:
    draft = new_draft(None)
    for data in rules:
        add_rule(draft.pk, data)
    return draft


def test_what_a_rule_moves_and_what_the_turns_after_it_move_are_told_apart() -> None:
    _rest, france, _reps = two_pools()
    for hour in range(12):
        lead_at(MONDAY + timedelta(hours=hour), country="FR" if hour in (2, 5) else "DE")
    since_ever()
    draft = drafted(RuleData("France", "pool", is_in("contact.country", "FR"), pool_id=france.pk))

    report = replay(draft, MONDAY, MONDAY + timedelta(days=2))

    assert (report.leads, report.by_rule) == (12, 2)
    # Two turns fewer in the pool: the ones after them may fall to the other.
    assert report.by_rotation + report.same == 10
    assert {one["lead"] for one in report.changed if one["why"] == "rule"} == set(
        Lead.objects.filter(contact__country="FR").values_list("pk", flat=True)
    )
    assert {(move["before"], move["after"]): move["leads"] for move in report.moves} == {
        ("Rest", "France"): 2,
        ("Rest", "Rest"): 10,
    }
    assert sum(one["after"] for one in report.reps) == 12


def test_a_change_at_the_end_moves_nothing_before_it() -> None:
    _rest, france, _reps = two_pools()
    for hour in range(10):
        lead_at(MONDAY + timedelta(hours=hour), country="FR" if hour == 9 else "DE")
    since_ever()
    draft = drafted(RuleData("France", "pool", is_in("contact.country", "FR"), pool_id=france.pk))
    report = replay(draft, MONDAY, MONDAY + timedelta(days=2))
    assert (report.same, report.by_rule, report.by_rotation) == (9, 1, 0)


def test_hours_absences_and_switches_count_as_they_were() -> None:
    early, late = rep("Early", always=False), rep("Late", always=False)
    for day in range(7):
        shift(early, day, "06:00", "12:00")
        shift(late, day, "12:00", "23:00")
    everybody = make_pool(rep("Rest"), name="Rest")
    watch = make_pool(early, late, name="Watch")
    make_rules(("All", ALWAYS, everybody))
    Absence.objects.create(rep=late, starts_at=MONDAY + timedelta(days=1), ends_at=MONDAY + timedelta(days=2))
    # In the morning, in the afternoon, the next afternoon (away), the day after that.
    times = [
        MONDAY,
        MONDAY + timedelta(hours=7),
        MONDAY + timedelta(days=1, hours=7),
        MONDAY + timedelta(days=2, hours=7),
    ]
    leads = [lead_at(at) for at in times]
    since_ever()
    # Early switches leads off on the third day.
    row = ConfigHistory.objects.get(source="routing_rep", row_id=early.pk)
    off = {**row.data, "is_accepting": False}
    ConfigHistory.objects.create(source="routing_rep", row_id=early.pk, data=off, at=MONDAY + timedelta(days=2))
    leads.append(lead_at(MONDAY + timedelta(days=3)))
    ConfigHistory.objects.exclude(data=off).update(at=None)
    draft = new_draft(None)
    rule = draft.rules.get()
    update_rule(rule.pk, RuleData("All", "pool", ALWAYS, pool_id=watch.pk))

    tally, _simulation = simulate(draft, MONDAY, MONDAY + timedelta(days=5))

    found = [tally.now[lead.pk] for lead in leads]
    assert [one.rep for one in found] == [early.pk, late.pk, early.pk, late.pk, late.pk]
    # The third came when Late was away: it waited for Early's next morning, six o'clock in Berlin.
    assert found[2].at == datetime(2026, 3, 4, 5, 0, tzinfo=UTC)
    # The last came in the morning, when Early was off by then.
    assert found[4].at == datetime(2026, 3, 5, 11, 0, tzinfo=UTC)
    report = replay(draft, MONDAY, MONDAY + timedelta(days=5))
    assert (report.by_rule, report.wait_median_before) == (5, 0.0)
    assert report.wait_p90 > 3600


def test_caps_hold_in_a_replay_and_free_when_leads_are_closed() -> None:
    ann, ben = rep("Ann"), rep("Ben", max_open_leads=1)
    rest, capped = make_pool(ann, name="Rest"), make_pool(ben, name="Capped")
    make_rules(("All", ALWAYS, rest))
    leads = [lead_at(MONDAY + timedelta(minutes=minute)) for minute in (0, 1, 2)]
    closed_at = MONDAY + timedelta(hours=1)
    leads[0].assignments.update(ends_at=closed_at)
    since_ever()
    draft = new_draft(None)
    update_rule(draft.rules.get().pk, RuleData("All", "pool", ALWAYS, pool_id=capped.pk))

    tally, _simulation = simulate(draft, MONDAY, MONDAY + timedelta(days=1))

    found = [tally.now[lead.pk] for lead in leads]
    assert (found[0].rep, found[0].at) == (ben.pk, MONDAY)
    assert found[1].rep == ben.pk
    assert found[1].at is not None
    assert closed_at <= found[1].at <= closed_at + timedelta(minutes=10)
    assert found[2].rep is None


def test_skills_fallback_and_cover_are_replayed() -> None:
    ann = rep("Ann", languages=["de"])
    ben, cem = rep("Ben", languages=["fr"]), rep("Cem", languages=["it"])
    rest, spare = make_pool(ann, ben, name="Rest"), make_pool(cem, name="Spare")
    make_rules(("All", ALWAYS, make_pool(rep("Old"), name="Old")))
    leads = [
        lead_at(MONDAY + timedelta(minutes=5 * number), language=word)
        for number, word in enumerate(("de", "fr", "it", ""))
    ]
    since_ever()
    draft = new_draft(None)
    wants = [{"rep": "languages", "fact": "contact.language", "must": True}]
    data = RuleData("All", "pool", ALWAYS, pool_id=rest.pk, wants=wants, fallback_pool_id=spare.pk)
    update_rule(draft.rules.get().pk, data)
    tally, _simulation = simulate(draft, MONDAY, MONDAY + timedelta(days=1))
    assert [tally.now[lead.pk].rep for lead in leads[:3]] == [ann.pk, ben.pk, cem.pk]
    assert tally.now[leads[3].pk].rep in (ann.pk, ben.pk)


def test_nothing_is_changed_by_a_replay() -> None:
    rules = week(9, steps=30)
    before = [list(model.objects.order_by("pk").values()) for model in (PoolMember, Lead, Certificate)]
    replay(rules, MONDAY, MONDAY + timedelta(days=30))
    assert [list(model.objects.order_by("pk").values()) for model in (PoolMember, Lead, Certificate)] == before


def test_publishing_asks_for_a_replay_of_what_the_draft_says_now() -> None:
    _rest, france, _reps = two_pools()
    at = now()
    lead_at(at - timedelta(hours=1), country="FR")
    admin = make_user("admin")
    client = signed_in(admin)
    draft = drafted(RuleData("France", "pool", is_in("contact.country", "FR"), pool_id=france.pk))

    refused = client.post("/routing/draft/publish/", follow=True)
    assert "Replay the draft as it is now first" in refused.content.decode()
    client.post("/routing/draft/replay/", {"days": "7"})
    run = ReplayRun.objects.get()
    assert (run.rule_set, run.state, run.asked_by) == (draft, "waiting", admin)
    assert "0 of 0 decisions" in page(client, "routing:overview")
    assert run_replay(run.pk) == "1 replayed"
    assert run_replay(run.pk) == "nothing to replay"
    assert "to others, by a rule" in page(client, "routing:replay", run.pk)

    # A word more, and it has to be replayed again.
    update_rule(draft.rules.get(name="France").pk, RuleData("Gaul", "pool", ALWAYS, pool_id=france.pk))
    assert "The draft has changed since" in page(client, "routing:overview")
    assert client.post("/routing/draft/publish/", follow=True).status_code == 200
    assert RuleSet.objects.get(pk=draft.pk).status == "draft"
    run_replay(ask_replay(draft.pk, by=admin).pk)
    rest = draft.rules.get(name="All")
    assert rest.position == 2
    client.post("/routing/draft/publish/", follow=True)
    # Now a finding stops it: nobody reaches the rule for everybody any more.
    assert RuleSet.objects.get(pk=draft.pk).status == "draft"
    gaul = RuleData("Gaul", "pool", is_in("contact.country", "FR"), pool_id=france.pk)
    update_rule(draft.rules.get(name="Gaul").pk, gaul)
    run_replay(ask_replay(draft.pk, by=admin).pk)
    client.post("/routing/draft/publish/", follow=True)
    assert RuleSet.objects.get(pk=draft.pk).status == "published"


def test_two_who_ask_get_one_replay_and_a_lost_one_is_begun_again() -> None:
    two_pools()
    draft = drafted()
    first, second = ask_replay(draft.pk, by=None), ask_replay(draft.pk, by=None)
    assert first == second
    ReplayRun.objects.update(state="running", heard_at=now() - timedelta(minutes=10))
    assert nudge_replays(now()) == 1
    # Begun again, it is left alone until it has been silent for as long again.
    assert nudge_replays(now() + timedelta(minutes=1)) == 0
    assert run_replay(first.pk) == "0 replayed"


def test_a_replay_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    two_pools()
    run = ask_replay(drafted().pk, by=None)

    def fail(*args: Any) -> None:
        raise ValueError("no such thing")

    monkeypatch.setattr("routing.services.replays.replay", fail)
    assert run_replay(run.pk) == "failed"
    run.refresh_from_db()
    assert run.error == "ValueError: no such thing"
    assert "The replay failed" in page(signed_in(make_user("admin")), "routing:overview")


def test_only_who_edits_rules_reads_replays() -> None:
    two_pools()
    run = ask_replay(drafted().pk, by=None)
    assert signed_in(make_user("sdr")).get(f"/routing/replays/{run.pk}/").status_code == 403


VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 300)
    | st.floats(-2, 300)
    | st.sampled_from(["DE", "de", "1", "true", "", "2026-11-01T00:00:00+00:00", "Köln", "demo", "a b", "yes"])
)


@settings(max_examples=300, deadline=None)
@given(tree=trees, data=st.data())
def test_compiled_conditions_say_what_conditions_say(tree: dict[str, Any], data: st.DataObject) -> None:
    condition = parse(tree)
    names = ["now", *sorted(condition.fact_names() - {"now"})]
    index = {name: place for place, name in enumerate(names)}
    test = compiled(condition, index)
    facts = {name: data.draw(VALUES) for name in names[1:]} | {"now": "2026-11-26T12:00:00+00:00"}
    row = [facts.get(name) for name in names]
    # Twice: the second time from what it remembers.
    assert [test(row), test(row)] == [condition.holds(facts)] * 2

"""How pools share out beside taking turns: loads, fits, fallbacks, covers, caps by kind, holidays, ramp-up."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import moment
from leads.models import Lead
from routing.calendar import Calendar, Shift, is_on_leave, present_until
from routing.certify import verify
from routing.hours import holidays_around, knows_region
from routing.models import Absence, Assignment, Certificate, LedgerEntry, Pool, PoolMember, Rep, Rule
from routing.pages.certificate import verdict_text
from routing.services.availability import add_kind_cap, set_holidays, set_member, set_strategy
from routing.services.draft import RuleData, add_rule, new_draft
from routing.services.plan import NOBODY_FITS, NOBODY_FREE, TO_CLAIM
from routing.snapshot import effective_weight
from tests.factories import make_company, make_contact, make_lead, make_pool, make_rep, make_user
from tests.routing.things import ALWAYS, make_rules, route

pytestmark = pytest.mark.django_db
TEN = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)


def rep(name: str, **fields: Any) -> Rep:
    return make_rep(make_user("sdr", first_name=name, last_name="X"), **fields)


def routed(**contact: Any) -> Lead:
    lead = make_lead(contact=make_contact(**contact))
    route(lead)
    return lead


def owners(count: int) -> list[str]:
    return [str(routed().owner) for _ in range(count)]


def certificate(lead: Lead) -> Certificate:
    """The last decision; it has to come out the same when it is run again."""
    found = Certificate.objects.filter(lead=lead).order_by("-pk")[0]
    content = {name: getattr(found, name) for name in ("outcome", "decided_at", "facts", "rules", "candidates", "draw")}
    content |= {"lead": lead.pk, "rule_set": found.rule_set.version}
    assert verify(content, found.digest, found.rep_id).holds
    return found


def with_rule(pool: Pool, **fields: Any) -> Rule:
    rule = make_rules(("All", ALWAYS, pool)).rules.get()
    for name, value in fields.items():
        setattr(rule, name, value)
    rule.save()
    return rule


def test_least_loaded_goes_by_open_leads_for_the_weight() -> None:
    ann, ben = rep("Ann"), rep("Ben")
    pool = make_pool(ann, ben, strategy="least_loaded")
    make_rules(("All", ALWAYS, pool))
    for _ in range(4):
        make_lead(owner=ann.user)
    PoolMember.objects.filter(rep=ben).update(weight=Decimal("0.5"))

    # Ben has 0 and 1 for half a share (0, 2), then both have 4.
    assert owners(2) == ["Ben X", "Ben X"]
    lead = routed()
    assert str(lead.owner) in ("Ann X", "Ben X")
    assert certificate(lead).draw["strategy"] == "least_loaded"
    assert PoolMember.objects.filter(pool=pool).count() == 2
    assert sum(PoolMember.objects.values_list("balance", flat=True)) == 0


def test_a_certificate_says_that_the_load_decided() -> None:
    ann, ben = rep("Ann"), rep("Ben")
    make_rules(("All", ALWAYS, make_pool(ann, ben, strategy="least_loaded")))
    make_lead(owner=ann.user)
    lead = routed()
    found = certificate(lead)
    assert found.draw["by"] == "load"
    assert "fewest open leads" in verdict_text(found)


WANTS = [
    {"rep": "languages", "fact": "contact.language", "must": True},
    {"rep": "tags", "value": "Enterprise", "must": False},
]


def test_a_must_shuts_out_and_a_wish_counts_in_a_pool_that_goes_by_fit() -> None:
    ann = rep("Ann", languages=["de"], tags=["enterprise"])
    ben, cem = rep("Ben", languages=["DE", "en"]), rep("Cem", languages=["tr"], tags=["enterprise"])
    with_rule(make_pool(ann, ben, cem, strategy="best_fit"), wants=WANTS)

    lead = routed(language="de")
    assert lead.owner == ann.user
    found = certificate(lead)
    assert found.draw["by"] == "fit"
    assert {one["name"]: one["gate"] for one in found.candidates} == {"Ann X": "", "Ben X": "", "Cem X": "skills"}
    assert routed(language="en").owner == ben.user
    assert routed(language="").owner in (ann.user, cem.user)


def test_a_lead_that_nobody_fits_waits_and_says_so() -> None:
    with_rule(make_pool(rep("Ann", languages=["de"])), wants=WANTS)
    lead = routed(language="fr")
    assert lead.owner is None
    assert lead.waits.get().reason == NOBODY_FITS


def test_wishes_do_not_matter_where_turns_are_taken() -> None:
    ann, ben = rep("Ann", tags=["enterprise"]), rep("Ben")
    with_rule(make_pool(ann, ben), wants=WANTS[1:])
    assert set(owners(2)) == {"Ann X", "Ben X"}


def test_the_pool_to_fall_back_on_takes_over_at_once_and_by_its_own_turn() -> None:
    ann, ben, cem = rep("Ann", is_accepting=False), rep("Ben"), rep("Cem")
    first, second = make_pool(ann), make_pool(ben, cem)
    with_rule(first, fallback_pool=second)

    assert set(owners(2)) == {"Ben X", "Cem X"}
    found = certificate(routed())
    assert found.pool == second
    assert {one["role"] for one in found.candidates} == {"pool", "fallback"}
    assert set(LedgerEntry.objects.values_list("pool", flat=True)) == {second.pk}
    assert sum(PoolMember.objects.filter(pool=second).values_list("balance", flat=True)) == 0

    Rep.objects.filter(pk=ann.pk).update(is_accepting=True)
    assert owners(2) == ["Ann X", "Ann X"]


def test_who_is_in_both_pools_stands_for_the_first() -> None:
    ann, ben = rep("Ann"), rep("Ben")
    with_rule(make_pool(ann), fallback_pool=make_pool(ann, ben))
    found = certificate(routed())
    assert sorted(one["name"] for one in found.candidates) == ["Ann X", "Ben X"]
    assert found.rep == ann


def test_whom_a_rule_names_for_when_nobody_can() -> None:
    with_rule(make_pool(rep("Ann", is_accepting=False)), cover=rep("Cover"))
    lead = routed()
    assert str(lead.owner) == "Cover X"
    assert not LedgerEntry.objects.exists()
    assert "for that it names Cover X" in verdict_text(certificate(lead))


def test_who_stands_in_for_an_account_owner_comes_before_the_pool() -> None:
    owner, stand_in, other = rep("Owner"), rep("Standin"), rep("Other")
    make_rules(("Accounts", ALWAYS, ("account_owner", make_pool(other))))
    company = make_company(account_owner=owner.user)
    Absence.objects.create(rep=owner, starts_at=TEN, ends_at=TEN + timedelta(days=7), cover=stand_in)

    with moment(TEN + timedelta(days=1)):
        lead = make_lead(contact=make_contact(company=company), at=TEN + timedelta(days=1))
        route(lead)
    assert str(lead.owner) == "Standin X"
    assert "Standin X stands in" in verdict_text(certificate(lead))

    with moment(TEN + timedelta(days=8)):
        later = make_lead(contact=make_contact(company=company), at=TEN + timedelta(days=8))
        route(later)
    assert str(later.owner) == "Owner X"


def test_caps_by_the_hour_and_by_the_week() -> None:
    ann = rep("Ann", max_per_hour=2, max_per_week=3)
    make_rules(("All", ALWAYS, make_pool(ann)))
    for hour, expected in ((0, 2), (2, 1), (4, 0)):
        at = TEN + timedelta(hours=hour)
        with moment(at):
            leads = [make_lead(at=at) for _ in range(3)]
            for lead in leads:
                route(lead)
        assert sum(lead.owner is not None for lead in leads) == expected
    assert certificate(leads[0]).candidates[0]["gate"] == "cap"
    assert leads[0].waits.get().reason == NOBODY_FREE
    # On Monday a new week begins.
    at = datetime(2026, 1, 19, 9, 0, tzinfo=UTC)
    with moment(at):
        lead = make_lead(at=at)
        route(lead)
    assert lead.owner == ann.user


def test_a_cap_on_leads_of_a_kind_stops_these_alone() -> None:
    ann, ben = rep("Ann"), rep("Ben", is_accepting=False)
    make_rules(("All", ALWAYS, make_pool(ann, ben)))
    condition = {"fact": "contact.country", "op": "in", "value": ["CH"]}
    add_kind_cap(ann.pk, name="Switzerland", condition=condition, per="open", most=1, at=TEN)

    assert routed(country="CH").owner == ann.user
    swiss = routed(country="CH")
    assert swiss.owner is None
    found = certificate(swiss)
    assert found.candidates[0]["caps"] == [["Switzerland", 1, 1]]
    assert routed(country="DE").owner == ann.user


def test_a_cap_with_a_condition_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(InvalidInput):
        add_kind_cap(rep("Ann").pk, name="x", condition={"fact": "nonsense"}, per="open", most=1, at=TEN)


def test_nobody_works_on_a_public_holiday_of_their_region() -> None:
    shifts = tuple(Shift(day, datetime.min.time(), datetime.max.time().replace(microsecond=0)) for day in range(7))
    holidays = holidays_around("DE-BW", TEN)
    here = Calendar("Europe/Berlin", shifts, (), holidays)
    epiphany = datetime(2026, 1, 6, 9, 0, tzinfo=UTC)
    assert date(2026, 1, 6) in holidays
    assert date(2026, 1, 6) not in holidays_around("DE-BE", TEN)
    assert present_until(here, epiphany) is None
    assert is_on_leave(here, epiphany) == datetime(2026, 1, 6, 23, 0, tzinfo=UTC)
    assert present_until(here, epiphany + timedelta(days=1)) is not None


def test_routing_passes_over_who_has_a_holiday() -> None:
    ann, ben = rep("Ann", holiday_region="DE-BW"), rep("Ben", holiday_region="DE-BE")
    make_rules(("All", ALWAYS, make_pool(ann, ben)))
    at = datetime(2026, 1, 6, 9, 0, tzinfo=UTC)
    with moment(at):
        lead = make_lead(at=at)
        route(lead)
    assert lead.owner == ben.user
    gates = {one["name"]: one["gate"] for one in certificate(lead).candidates}
    assert gates == {"Ann X": "leave", "Ben X": ""}


def test_a_region_that_nobody_knows_is_refused() -> None:
    assert knows_region("AT")
    assert not knows_region("DE-XX")
    with pytest.raises(InvalidInput, match="DE-XX"):
        set_holidays(rep("Ann").pk, "DE-XX", TEN)


def test_a_newcomers_share_grows_to_the_whole() -> None:
    pool = make_pool(rep("Ann"))
    member = set_member(pool, rep("New").pk, "2", TEN, ramp_days=30)
    assert [effective_weight(member, TEN + timedelta(days=days)) for days in (0, 10, 20, 30, 90)] == [
        Decimal("0.50"),
        Decimal("1.00"),
        Decimal("1.50"),
        Decimal(2),
        Decimal(2),
    ]
    # Changing the share is no new beginning.
    again = set_member(pool, member.rep_id, "1", TEN + timedelta(days=30), ramp_days=30)
    assert effective_weight(again, TEN + timedelta(days=30)) == 1


def test_the_growing_share_is_the_one_that_counts() -> None:
    ann, new = rep("Ann"), rep("New")
    pool = make_pool(ann)
    make_rules(("All", ALWAYS, pool))
    with moment(TEN):
        set_member(pool, new.pk, "1", TEN, ramp_days=30)
        received = []
        for _ in range(10):
            lead = make_lead(at=TEN)
            route(lead)
            received.append(str(lead.owner))
    assert received.count("New X") == 2
    assert certificate(lead).candidates[0]["weight"] in ("0.25", "1.00")


def test_a_queue_gives_nothing_away_by_itself() -> None:
    pool = make_pool(rep("Ann"), strategy="claim")
    make_rules(("All", ALWAYS, pool))
    lead = routed()
    assert lead.owner is None
    wait = lead.waits.get()
    assert (wait.reason, wait.pool) == (TO_CLAIM, pool)
    assert certificate(lead).outcome == "waiting"
    assert not Assignment.objects.exists()


def test_a_strategy_that_there_is_not_is_refused() -> None:
    with pytest.raises(InvalidInput):
        set_strategy(make_pool(), "random", TEN)


def test_a_rule_cannot_fall_back_on_its_own_pool_nor_want_what_no_rep_has() -> None:
    pool = make_pool(rep("Ann"))
    draft = new_draft(make_user("admin"))
    with pytest.raises(InvalidInput) as wrong:
        add_rule(draft.pk, RuleData("A", "pool", {}, pool_id=pool.pk, fallback_pool_id=pool.pk))
    assert "fallback_pool" in wrong.value.fields
    with pytest.raises(InvalidInput) as wrong:
        add_rule(draft.pk, RuleData("A", "pool", {}, pool_id=pool.pk, wants=[{"rep": "salary", "value": "x"}]))
    assert "wants" in wrong.value.fields


def test_the_database_holds_the_bounds_of_a_ramp() -> None:
    with pytest.raises((IntegrityError, ValidationError)):
        PoolMember.objects.filter(pool=make_pool(rep("Ann"))).update(ramp_from=2)

"""The ideal customer profile: what is sure and what is chance, adopting, drift, and the page."""

import random
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from leadmgmt.core.errors import DomainError
from leads.conditions import parse
from leads.facts import FACTS
from leads.models import Lead
from qualification.icp import Deal, ratio, traits_of
from qualification.models import IcpVersion, RescoreRun, ScoringModel
from qualification.scoring import read_model
from qualification.services.icp import NotEnoughDeals, adopt_icp, drift_of, effect_of, icp_due, learn_icp
from qualification.services.score import rescore
from qualification.services.scoring_drafts import begin_draft
from tests.factories import make_company, make_contact, make_lead, make_user
from tests.qualification.learned_cast import BEGIN, ended
from tests.qualification.test_score import rule
from tests.routing.things import signed_in, text_of

INDUSTRIES = ("software", "trade", "health", "public")
AT = BEGIN + timedelta(days=30)
KINDS = {name: fact.kind for name, fact in FACTS.items()}


def deals(count: int, seed: int = 1, **odds: float) -> list[Deal]:
    """Deals won at 30 %, or at what is said for an industry."""
    chance, found = random.Random(seed), []
    for _place in range(count):
        industry, staff = chance.choice(INDUSTRIES), chance.randint(1, 2000)
        is_won = chance.random() < odds.get(industry, 0.3)
        facts = {
            "company.industry": industry,
            "company.staff": staff,
            "company.country": chance.choice(["DE", "AT", "CH"]),
            "contact.seniority": chance.choice(["c_level", "head", "staff"]),
            "company.is_customer": is_won,
            "lead.source": "won" if is_won else "lost",
        }
        found.append(Deal(is_won, "" if is_won else chance.choice(["price", "price", "timing"]), facts))
    return found


class TestTraits:
    def test_what_wins_is_sure_with_its_lift_and_what_loses_too(self) -> None:
        found = {(one["fact"], one["value"]): one for one in traits_of(deals(600, software=0.7, public=0.05), KINDS)}
        software, public = found["company.industry", "software"], found["company.industry", "public"]

        assert software["is_sure"]
        assert software["points"] > 5
        assert public["is_sure"]
        assert public["points"] < -5
        assert public["reason"] == "price"
        assert sum(found[name, value]["deals"] for name, value in found if name == "company.industry") == 600

    def test_the_interval_has_the_true_lift_inside_as_often_as_it_says(self) -> None:
        inside = 0
        for seed in range(100):
            found = traits_of(deals(400, seed, software=0.6), {"company.industry": "text"})
            (software,) = [one for one in found if one["value"] == "software"]
            inside += software["low"] < 0.6 / 0.3 < software["high"]

        # 95 of 100 are expected; 88 would be chance in one of 200 such tests.
        assert inside >= 89

    def test_on_shuffled_outcomes_it_calls_no_oftener_than_was_promised(self) -> None:
        called = 0
        for seed in range(100):
            some, chance = deals(300, seed, software=0.7), random.Random(seed + 1000)
            outcomes = [deal.is_won for deal in some]
            chance.shuffle(outcomes)
            shuffled = [Deal(is_won, "", deal.facts) for is_won, deal in zip(outcomes, some, strict=True)]
            called += any(trait["is_sure"] for trait in traits_of(shuffled, KINDS))

        # At most 5 % of 100; 12 would be chance in one of 200 such tests.
        assert called <= 11

    def test_what_the_deal_itself_brings_about_is_no_trait(self) -> None:
        names = {trait["fact"] for trait in traits_of(deals(300), KINDS)}

        assert names == {"company.industry", "company.staff", "company.country", "contact.seniority"}

    def test_bands_of_staff_part_the_deals_without_gap_or_overlap(self) -> None:
        some = deals(500)
        bands = [trait for trait in traits_of(some, KINDS) if trait["fact"] == "company.staff"]
        conditions = [parse(trait["condition"]) for trait in bands]

        for deal in some:
            holding = [condition.holds(deal.facts) for condition in conditions]
            assert sum(holding) <= 1
        assert sum(trait["deals"] for trait in bands) == sum(
            any(condition.holds(deal.facts) for condition in conditions) for deal in some
        )

    def test_each_condition_holds_for_as_many_deals_as_are_said(self) -> None:
        some = deals(300)
        for trait in traits_of(some, KINDS):
            condition = parse(trait["condition"])
            assert sum(condition.holds(deal.facts) for deal in some) == trait["deals"], trait

    @given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300), st.integers(0, 300))
    @settings(max_examples=200)
    def test_the_interval_is_finite_and_has_the_lift_inside(self, won: int, lost: int, other: int, rest: int) -> None:
        lift, low, high = ratio(won, won + lost, other, other + rest)

        assert 0 < low <= lift <= high < float("inf")


@pytest.fixture
def scoring(db: None) -> ScoringModel:
    return ScoringModel.objects.create(version=1, status="published", rules=[rule("base", 45)])


def brought(count: int = 200, **odds: float) -> None:
    """Deals as outcomes."""
    for place, deal in enumerate(deals(count, **odds)):
        outcome = ended(make_lead(stage="won" if deal.is_won else "recycled"), "won" if deal.is_won else "lost", BEGIN)
        outcome.facts, outcome.reason = dict(deal.facts), deal.reason
        outcome.at = BEGIN + timedelta(minutes=place)
        outcome.save()


def open_lead(industry: str) -> Lead:
    lead = make_lead(contact=make_contact(company=make_company(industry=industry)))
    rescore(lead.pk)
    lead.refresh_from_db()
    return lead


class TestAdopting:
    def test_the_grades_it_would_change_are_the_grades_it_changes(self, scoring: ScoringModel) -> None:
        brought(software=0.8)
        icp = learn_icp(AT)
        better, same = open_lead("software"), open_lead("nothing we know")
        said = effect_of(icp, AT)
        assert said is not None
        assert [(one.lead_id, one.after.grade[0]) for one in said.changed] == [(better.pk, "B")]

        made = adopt_icp(icp.pk, by=make_user("admin"), at=AT)

        read_model(made.rules, made.half_life_days, made.groups)
        for lead in (better, same):
            rescore(lead.pk)
            lead.refresh_from_db()
        assert (better.grade[0], same.grade[0]) == ("B", "C")
        icp.refresh_from_db()
        assert (icp.status, icp.scoring_id) == ("adopted", made.pk)
        assert RescoreRun.objects.get().model == made

    def test_the_next_profile_takes_the_place_of_the_last_one(self, scoring: ScoringModel) -> None:
        brought(software=0.8)
        adopt_icp(learn_icp(AT).pk, by=None, at=AT)
        draft = begin_draft()
        second = learn_icp(AT)

        made = adopt_icp(second.pk, by=None, at=AT)

        keys = [one["key"] for one in made.rules]
        assert "base" in keys
        assert all(key.startswith("icp-2-") for key in keys if key != "base")
        assert [group["key"] for group in made.groups] == ["icp"]
        draft.refresh_from_db()
        assert draft.rules == made.rules
        assert list(IcpVersion.objects.values_list("version", "status")) == [(2, "adopted"), (1, "archived")]
        with pytest.raises(DomainError):
            adopt_icp(second.pk, by=None, at=AT)

    def test_too_few_deals_are_said(self, scoring: ScoringModel) -> None:
        brought(25)

        with pytest.raises(NotEnoughDeals, match="of 20 each"):
            learn_icp(AT)
        assert icp_due(AT) == 0

    def test_it_is_learned_once_a_week_while_deals_end(self, scoring: ScoringModel) -> None:
        brought()

        assert [icp_due(AT), icp_due(AT), icp_due(AT + timedelta(days=8))] == [1, 0, 0]
        assert IcpVersion.objects.count() == 1

    def test_what_has_changed_since_is_told(self, scoring: ScoringModel) -> None:
        def version(number: int, **points: int) -> IcpVersion:
            traits = [{"fact": "x", "value": key, "is_sure": bool(one), "points": one} for key, one in points.items()]
            return IcpVersion(version=number, traits=traits)

        found = drift_of(version(1, a=5, b=5, c=5, d=0), version(2, a=9, b=0, c=-4, d=7))

        assert [(one.value, one.was, one.now) for one in found] == [("b", 5, 0), ("c", 5, -4), ("d", 0, 7)]


class TestPage:
    def page(self, role: str = "admin", **params: Any) -> str:
        return text_of(signed_in(make_user(role)).get("/scoring/icp/", params).content.decode())

    def test_before_there_is_a_profile_it_says_what_it_takes(self, scoring: ScoringModel) -> None:
        assert "It takes 20 won and 20 lost deals" in self.page()
        client = signed_in(make_user("admin"))
        said = client.post(reverse("qualification:icp_learn"), follow=True).content.decode()
        assert "Not enough: 0 won and 0 lost deals of 20 each." in text_of(said)

    def test_it_shows_traits_and_what_adopting_would_do_and_adopts(self, scoring: ScoringModel) -> None:
        brought(software=0.8)
        lead = open_lead("software")
        client = signed_in(make_user("admin"))
        client.post(reverse("qualification:icp_learn"))

        shown = self.page()
        assert "Industry software" in shown
        assert "changes the grade of 1 of 1 open leads" in shown
        assert lead.contact.name in shown
        client.post(reverse("qualification:icp_adopt", args=[IcpVersion.objects.get().pk]))
        assert IcpVersion.objects.get().status == "adopted"
        assert "Adopt profile" not in self.page()

    def test_who_reads_reports_reads_it_and_changes_nothing(self, scoring: ScoringModel) -> None:
        brought()
        icp = learn_icp(AT)

        assert "Learn now" not in self.page("manager")
        manager = signed_in(make_user("manager"))
        assert manager.post(reverse("qualification:icp_learn")).status_code == 403
        assert manager.post(reverse("qualification:icp_adopt", args=[icp.pk])).status_code == 403
        assert signed_in(make_user("sdr")).get("/scoring/icp/").status_code == 403

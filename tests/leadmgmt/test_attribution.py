"""Attribution over real rows: each rule against a plain calculation, whole journeys of companies, money to the cent."""

import random
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from crmsync.models import Opportunity
from leadmgmt.core.permissions import TEAM_LEAD
from leadmgmt.reports.attribution import MODELS, attribution, cohort_of
from leadmgmt.reports.attribution_words import attribution_sentence
from leadmgmt.reports.filters import Filters
from leadmgmt.reports.journeys import HALF_LIFE_DAYS, RULES, credits_of, paths_of
from leads.models import Campaign, Lead, Touchpoint
from tests.factories import make_company, make_contact, make_lead, make_reason, make_source, make_team, make_user
from tests.leadmgmt.report_story import NOW, past
from tests.leadmgmt.test_report_pages import figures

pytestmark = pytest.mark.django_db
START, END = past(1000), NOW + timedelta(days=1)


def touch(lead: Lead, source: Any, days: float, kind: str = "form", **fields: Any) -> Touchpoint:
    return Touchpoint.objects.create(lead=lead, contact=lead.contact, source=source, at=past(days), kind=kind, **fields)


def closed(
    lead: Lead,
    days: float,
    *,
    amount: str | None = "1000",
    stage: str = "won",
    made: float | None = None,
    reason: str = "price",
) -> Opportunity:
    return Opportunity.objects.create(
        lead=lead,
        name=f"Deal {lead.pk}",
        stage=stage,
        amount=amount and Decimal(amount),
        created_at=past(made or days + 5),
        closed_at=past(days),
        loss_reason=make_reason("lost", reason) if stage == "lost" else None,
    )


def person(seen: float, *, company: Any = None, stage: str = "won", **fields: Any) -> Lead:
    return make_lead(
        stage=stage, at=past(seen), contact=make_contact(company=company), is_history=True,
        won_at=past(1) if stage == "won" else None, **fields,
    )  # fmt: skip


def by_rule(rule: str) -> dict[int, int]:
    found: dict[int, int] = defaultdict(int)
    for one in credits_of(Lead.objects.all(), START, END, "source"):
        if one.model == rule:
            found[one.channel] += one.cents
    return dict(found)


def expected(touches: list[tuple[float, int, bool]], made: float, won: float) -> dict[str, dict[int, float]]:
    """What each rule gives each source of one journey: (days ago, source, of the deal's own lead), oldest first."""
    count = len(touches)
    own = next((place for place, (_, _, is_own) in enumerate(touches) if is_own), None)
    before = max((place for place, (days, _, _) in enumerate(touches) if days >= made), default=None)
    weights: dict[str, list[float]] = {
        "first": [float(place == 0) for place in range(count)],
        "last": [float(place == count - 1) for place in range(count)],
        "linear": [1.0] * count,
        "decay": [0.5 ** ((days - won) / HALF_LIFE_DAYS) for days, _, _ in touches],
    }
    for rule, each, marks in (("u", 40, [0, own]), ("w", 30, [0, own, before])):
        named = [place for place in marks if place is not None]
        beside = count - len(set(named))
        rest = {40: 20, 30: 10}[each]
        weights[rule] = [each * named.count(place) if place in named else rest / beside for place in range(count)]
    found: dict[str, dict[int, float]] = {}
    for rule, parts in weights.items():
        shares: dict[int, float] = defaultdict(float)
        for part, (_, source, _) in zip(parts, touches, strict=True):
            shares[source] += part / sum(parts)
        found[rule] = dict(shares)
    return found


@pytest.mark.parametrize("seed", range(6))
def test_every_rule_gives_what_a_plain_calculation_gives(seed: int) -> None:
    chance = random.Random(seed)
    sources = [make_source(name) for name in ("a", "b", "c")]
    shares: dict[str, dict[int, float]] = {rule: defaultdict(float) for rule in RULES}
    revenue = Decimal(0)
    for _ in range(5):
        company = make_company()
        lead, other = person(90, company=company), person(80, company=company, stage="mql")
        won, made = chance.uniform(1, 10), chance.uniform(11, 40)
        story = []
        for _ in range(chance.randint(1, 6)):
            days, source, whose = chance.uniform(won, 80), chance.choice(sources), chance.choice([lead, other])
            touch(whose, source, days)
            story.append((days, source.pk, whose is lead))
        amount = Decimal(chance.randint(1, 10**7)) / 100
        closed(lead, won, amount=str(amount), made=made)
        revenue += amount
        for rule, parts in expected(sorted(story, reverse=True), made, won).items():
            for source_id, part in parts.items():
                shares[rule][source_id] += part * float(amount)

    for rule in RULES:
        found = by_rule(rule)
        assert sum(found.values()) == revenue * 100, rule
        for source_id, cents in found.items():
            # Each of five deals is rounded to a whole cent.
            assert abs(cents / 100 - shares[rule][source_id]) <= 0.05, (rule, source_id)


def test_every_model_shares_out_the_revenue_to_the_cent() -> None:
    sources = [make_source(name) for name in ("a", "b", "c")]
    for number in range(7):
        lead = person(60)
        for step in range(number % 3 + 1):
            touch(lead, sources[(number + step) % 3], 50 - step)
        closed(lead, 3, amount="0.01" if number == 6 else "33.34", stage="lost" if number == 5 else "won")

    found = attribution(Filters())

    assert (found.deals, found.wins, found.cents) == (7, 6, 5 * 3334 + 1)
    for place, model in enumerate(MODELS):
        assert sum(channel.estimates[place].cents for channel in found.channels) == found.cents, model
        for channel in found.channels:
            estimate = channel.estimates[place]
            assert estimate.interval.low <= float(estimate.amount) + 0.01
            assert float(estimate.amount) <= estimate.interval.high + 0.01


def test_a_journey_is_the_companys_and_begins_anew_after_a_deal() -> None:
    ads, fair, web = make_source("ads"), make_source("fair"), make_source("web")
    company = make_company()
    first, second = person(200, company=company), person(60, company=company)
    touch(first, ads, 190)
    closed(first, 100)
    # A colleague's visit after the first deal belongs to the second one; what came before does not.
    touch(first, fair, 50)
    touch(second, web, 40)
    touch(second, web, 39, kind="email_open")
    closed(second, 5)
    touch(second, ads, 1)

    paths = {path.deal: path.channels for path in paths_of(Lead.objects.all(), START, END, "source")}

    assert list(paths.values()) == [[ads.pk], [fair.pk, web.pk]]


def test_what_is_too_old_does_not_count_and_no_touch_is_unknown() -> None:
    ads = make_source("ads")
    lead = person(500)
    touch(lead, ads, 490)
    closed(lead, 5)
    assert [path.channels for path in paths_of(Lead.objects.all(), START, END, "source")] == [[0]]
    assert by_rule("w") == {0: 100000}


def test_a_refused_handoff_is_no_lost_deal_and_a_win_without_amount_earns_nothing() -> None:
    ads = make_source("ads")
    for amount, stage, reason in (("50", "lost", "handoff-refused"), ("50", "lost", "price"), (None, "won", "price")):
        lead = person(60, stage="won" if stage == "won" else "recycled")
        touch(lead, ads, 50)
        closed(lead, 3, amount=amount, stage=stage, reason=reason)
    found = attribution(Filters())
    assert (found.deals, found.wins, found.cents, found.channels) == (2, 1, 0, ())
    assert attribution_sentence(found).finding == "No deal with an amount was won in this period."


def test_lost_journeys_teach_the_models_that_learn() -> None:
    """Two channels win as often; one of them is on many lost ways as well."""
    good, poor = make_source("good"), make_source("poor")
    for source, lost in ((good, 1), (poor, 30)):
        for number in range(10 + lost):
            lead = person(60, stage="won" if number < 10 else "recycled")
            touch(lead, source, 50)
            closed(lead, 3, stage="won" if number < 10 else "lost")
    found = attribution(Filters())
    credit = {channel.slug: {model: one.cents for model, one in zip(MODELS, channel.estimates, strict=True)}
              for channel in found.channels}  # fmt: skip
    assert credit["good"]["linear"] == credit["poor"]["linear"]
    # Alone on their ways, each is worth exactly its own wins: what was lost on a way cannot be another's.
    assert credit["good"]["markov"] == credit["poor"]["markov"] == 1000000


def test_with_few_wins_nobody_is_ranked_and_with_many_the_leader_is_named() -> None:
    ads, fair = make_source("ads", name="Ads"), make_source("fair", name="Fair")
    for source in (ads, fair, ads):
        lead = person(60)
        touch(lead, source, 50)
        closed(lead, 3)
    few = attribution_sentence(attribution(Filters()))
    assert few.finding == "Cannot be ranked with 3 wins."

    for _ in range(40):
        lead = person(60)
        touch(lead, ads, 50)
        closed(lead, 3)
    found = attribution(Filters())
    assert attribution_sentence(found).finding == "Ads leads in 8 of 8 models."
    assert [(channel.name, channel.group) for channel in found.channels] == [("Ads", "ahead"), ("Fair", "open")]


def test_first_and_last_touch_that_disagree_are_told() -> None:
    opener, closer = make_source("opener", name="Opener"), make_source("closer", name="Closer")
    for _ in range(12):
        lead = person(60)
        touch(lead, opener, 50)
        touch(lead, closer, 20)
        closed(lead, 3)
    said = attribution_sentence(attribution(Filters()))
    assert "Opener opens journeys but seldom closes them" in said.rest or "Closer closes what others open" in said.rest


def test_campaigns_of_one_name_are_told_apart_and_every_figure_opens_its_leads(client: Client) -> None:
    ads, fair = make_source("ads", name="Ads"), make_source("fair", name="Fair")
    campaigns = [Campaign.objects.create(source=one, key="spring", name="Spring") for one in (ads, fair)]
    team = make_team("a")
    for number, campaign in enumerate((*campaigns, None, campaigns[0])):
        lead = person(60, team=team if number % 2 else None)
        touch(lead, campaign.source if campaign else None, 50, campaign=campaign)
        closed(lead, 3)
    client.force_login(make_user("manager"))
    first, last = past(10).date(), NOW.date()

    for words in ("period=all", "period=all&level=campaign", f"from={first}&to={last}", "period=all&team=a",
                  f"from={first}&to={last}&level=campaign&team=a"):  # fmt: skip
        page = client.get(f"/reports/attribution/?{words}")
        assert page.status_code == 200
        links = figures(page.content.decode())
        assert len(links) >= 3, words
        for link, number in links:
            assert client.get(link).context["page"].paginator.count == number, (words, link)
    assert client.get("/leads/?journey=nonsense").status_code == 422
    assert client.get("/leads/?journey=source~nobody~~").status_code == 422


def test_who_may_see_only_some_leads_sees_only_their_deals() -> None:
    mine, others = make_team("mine"), make_team("others")
    ads = make_source("ads")
    for team in (mine, others):
        lead = person(60, team=team)
        touch(lead, ads, 50)
        closed(lead, 3)
    reader = make_user(TEAM_LEAD, team=mine)
    assert attribution(Filters(reader=reader)).wins == 1
    assert cohort_of(Filters(reader=make_user("manager"))).count() == 2


def test_programs_get_the_same_figures(client: Client) -> None:
    ads = make_source("ads", name="Ads")
    lead = person(60)
    touch(lead, ads, 50)
    closed(lead, 3, amount="12.34")
    client.force_login(make_user("manager"))
    told = client.get("/api/v1/reports/attribution/").json()
    assert told["total"] == [{"deals": 1, "won": 1, "revenue": 12.34}]
    (line,) = told["sources"]
    assert (line["source"], line["markov"], line["won_deals_touched"]) == ("Ads", 12.34, 1)
    assert "Ads" in client.get("/reports/attribution/export.csv?period=all").content.decode()

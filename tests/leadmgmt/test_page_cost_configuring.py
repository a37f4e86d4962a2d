"""What the pages of configuration cost: as many queries with sixty leads as with five."""

from collections.abc import Callable

import pytest

from leadmgmt.core.now import now
from leads.services.named_lists import save_list
from leads.services.territories import save_table
from qualification.models import ScoringModel
from qualification.services.score import rescore
from qualification.services.scoring_drafts import begin_draft
from routing.services.canary import start_canary
from tests.factories import (
    make_clock,
    make_contact,
    make_lead,
    make_policy,
    make_pool,
    make_rep,
    make_touchpoint,
    make_user,
)
from tests.leadmgmt.test_page_cost import compare, cost
from tests.routing.things import ALWAYS, make_rules

pytestmark = pytest.mark.django_db


def leads(count: int) -> None:
    for number in range(count):
        lead = make_lead(contact=make_contact(country="DE", postal_code=f"{number % 10}0331"))
        make_touchpoint(lead)
        make_clock(lead)
        rescore(lead.pk)


@pytest.fixture
def admin_page() -> Callable[[str], Callable[[], list[str]]]:
    admin = make_user("admin")
    save_table("area", "Area", "North;DE;;0-4\nSouth;DE;;5-9")
    save_list("targets", "Targets", "domain", "nord.example")
    make_policy(15, is_default=True)
    rules = [{"key": "form", "label_en": "Form", "part": "engagement", "points": 30, "touch": "form"}]
    ScoringModel.objects.create(version=1, status="published", rules=rules)
    return lambda address: lambda: cost(admin, address)


@pytest.mark.parametrize(
    "address",
    ["/routing/territories/", "/routing/territories/area/", "/routing/lists/", "/routing/promises/", "/scoring/"],
)
def test_pages_of_configuration(admin_page: Callable[[str], Callable[[], list[str]]], address: str) -> None:
    compare(leads, admin_page(address))


def test_a_scoring_draft_beside_last_months_leads(admin_page: Callable[[str], Callable[[], list[str]]]) -> None:
    begin_draft()

    compare(leads, admin_page("/scoring/"))


def test_rules_with_a_trial_beside_them(admin_page: Callable[[str], Callable[[], list[str]]]) -> None:

    pool = make_pool(make_rep())
    make_rules(("All", ALWAYS, pool))
    tried = make_rules(("All", ALWAYS, pool), version=2, status="draft")
    start_canary(tried.pk, 10, by=None, at=now())

    compare(leads, admin_page("/routing/"))

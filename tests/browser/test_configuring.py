"""Pages of configuration in a browser: weights move a picture, nothing runs over the edge of a phone."""

import pytest
from playwright.sync_api import expect

from leadmgmt.core.now import now
from leads.services.named_lists import save_list
from leads.services.territories import save_table
from qualification.models import ScoringModel
from qualification.services.defaults import install_defaults
from qualification.services.icp import learn_icp
from qualification.services.score import rescore
from qualification.services.scoring_drafts import begin_draft
from qualification.services.segments import save_segment
from tests.browser.conftest import DESKTOP, PHONE, Open
from tests.factories import make_company, make_contact, make_lead, make_policy, make_touchpoint, make_user
from tests.qualification.learned_cast import trained

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGES = (
    "/scoring/",
    "/scoring/draft/rules/decides/",
    "/scoring/prediction/",
    "/scoring/icp/",
    "/outreach/cadences/",
    "/outreach/cadences/new/",
    "/outreach/",
    "/outreach/programmes/new/",
    "/outreach/texts/",
    "/outreach/texts/new/",
    "/criteria/",
    "/criteria/mql/",
    "/frameworks/",
    "/frameworks/new/",
    "/frameworks/bant/edit/",
    "/segments/",
    "/segments/new/",
    "/routing/promises/",
    "/routing/promises/new/",
    "/routing/territories/",
    "/routing/territories/area/",
    "/routing/lists/",
    "/routing/lists/targets/",
)


def configured() -> None:
    install_defaults()
    make_policy(15, is_default=True, attempts=5, attempt_days=3)
    save_table("area", "Sales area", "North;DE;;0-4\nSouth;DE;;5-9\n")
    save_segment(None, "From 200 people up", {"fact": "company.staff", "op": "gte", "value": 200})
    save_list("targets", "Target accounts", "domain", "nord.example")
    for number in range(6):
        contact = make_contact(company=make_company(staff=300), country="DE", postal_code=f"{number}0331")
        lead = make_lead(contact=contact, subject="demo")
        make_touchpoint(lead)
        rescore(lead.pk)


def learned() -> None:
    """A version of the win probability, and a profile."""
    trained(ScoringModel.objects.get(status="published"))
    learn_icp(now())


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_nothing_runs_over_the_edge(open_page: Open, size: tuple[int, int]) -> None:
    configured()
    begin_draft()
    learned()
    page = open_page("/scoring/", make_user("admin"), size=size)
    for address in PAGES:
        page.goto(address)
        expect(page.locator("h1")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], address


def test_a_weight_moves_the_picture_before_anything_is_saved(open_page: Open) -> None:
    configured()
    page = open_page("/scoring/", make_user("admin"))
    page.get_by_role("button", name="Change the scoring").click()
    expect(page.locator("#distribution")).to_contain_text("No lead would get another grade")

    field = page.get_by_label("Points for 50 staff and more")
    field.fill("100")

    expect(page.locator("#distribution")).to_contain_text("6 leads would get another grade")
    draft = ScoringModel.objects.get(status="draft")
    assert all(rule["points"] != 100 for rule in draft.rules)
    page.get_by_role("button", name="Save in the draft").click()
    expect(page.get_by_text("changed", exact=True)).to_be_visible()
    draft.refresh_from_db()
    assert any(rule["points"] == 100 for rule in draft.rules)


def test_criteria_are_changed_in_rows(open_page: Open) -> None:
    configured()
    page = open_page("/criteria/", make_user("admin"))
    page.get_by_role("link", name="Change").first.click()
    page.get_by_label("What it asks").fill("Germans only")
    while page.get_by_role("button", name="Remove condition").count():
        rows = page.locator(".condition").count()
        page.get_by_role("button", name="Remove condition").first.click()
        expect(page.locator(".condition")).to_have_count(rows - 1)
    for _group in range(page.get_by_role("button", name="Remove the group").count()):
        groups = page.locator(".condition-group").count()
        if not groups:
            break
        page.get_by_role("button", name="Remove the group").first.click()
        expect(page.locator(".condition-group")).not_to_have_count(groups)
    page.get_by_role("button", name="Condition", exact=True).click()
    page.locator(".condition").first.get_by_label("Value").fill("DE")
    page.get_by_role("button", name="Save and put into force").click()

    expect(page.get_by_text("Germans only").first).to_be_visible()
    expect(page.get_by_text("6 leads of the last 30 days meet the condition").first).to_be_visible()


def test_a_segment_is_described_and_a_question_asked_of_it(open_page: Open) -> None:
    configured()
    page = open_page("/segments/new/", make_user("admin"))
    page.get_by_label("Name").fill("Germany")
    page.get_by_role("button", name="Condition", exact=True).click()
    page.locator("#condition-editor input[type=text], #condition-editor input:not([type])").first.fill("DE")
    page.get_by_role("button", name="Save", exact=True).last.click()
    card = page.locator("section.card", has_text="Germany")
    expect(card).to_contain_text("6 leads to be qualified")
    card.get_by_role("link", name="6 leads to be qualified").click()
    expect(page.locator(".chip--on", has_text="Segment: Germany")).to_be_visible()

    page.goto(page.url.partition("/leads/")[0] + "/frameworks/bant/edit/")
    row = page.locator("li.cadence-row").first
    row.get_by_label("Asked of").select_option("Germany")
    row.get_by_label("Weight").fill("5")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.locator(".framework-question").first).to_contain_text("Germany")
    expect(page.locator(".framework-question").first).to_contain_text("weighs 5")

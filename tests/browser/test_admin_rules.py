"""The admin changes the rules, tries a lead on them, publishes, and the next lead follows them."""

import pytest
from playwright.sync_api import Page, Route, expect

from leads.models import Lead
from leads.services.capture import receive
from routing.models import Certificate, RuleSet
from tests.browser.conftest import DESKTOP, PHONE, Open
from tests.factories import make_pool, make_rep, make_team, make_user
from tests.routing.things import is_in, make_rules
from tests.worker import drain
from tests.world import World, build_world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world(transactional_db: None) -> World:
    return build_world()


def came_in(world: World, name: str, **more: str) -> Lead:
    capture = receive(world.channel, {"email": f"{name}@rheintal.example", **more}).capture
    drain()
    return Lead.objects.get(captures=capture.pk)


def test_a_published_rule_takes_the_next_lead(world: World, open_page: Open) -> None:
    admin = make_user("admin")
    zoe = make_user("sdr", first_name="Zoe", team=make_team("alps"))
    make_pool(make_rep(zoe), team=zoe.team, name="Alps")
    before = came_in(world, "first", country="CH")
    assert before.owner in (world.ann, world.bob)

    page = open_page("/routing/", admin)
    page.get_by_role("button", name="Change the rules").click()
    page.get_by_role("link", name="Rule", exact=True).click()
    editor = page.locator(".rule-editor").first
    editor.get_by_label("Name", exact=True).fill("The Alps")
    if not editor.locator(".condition").count():
        editor.get_by_role("button", name="Condition", exact=True).click()
    row = editor.locator(".condition").first
    row.get_by_label("Fact").select_option("contact.country")
    row.get_by_label("Comparison").select_option("in")
    row.get_by_label("Value").fill("CH, AT")
    editor.locator("select[name=target]").select_option(label="Alps")
    page.get_by_role("button", name="Save in the draft").click()
    expect(page.locator(".rule-item", has_text="The Alps")).to_contain_text("CH or AT")

    # Behind the rule for everybody it can never be reached; above it, it can.
    page.locator(".rule-item", has_text="The Alps").get_by_role("link").first.click()
    page.get_by_role("button", name="Up", exact=True).click()
    expect(page.locator(".rule-item").first).to_contain_text("The Alps")
    assert came_in(world, "meanwhile", country="CH").owner in (world.ann, world.bob)

    # Publishing asks for a replay of what the draft says now.
    page.get_by_role("button", name="Publish 2").click()
    expect(page.get_by_text("Replay the draft as it is now first")).to_be_visible()
    page.get_by_role("button", name="Replay", exact=True).click()
    expect(page.locator("#replay")).to_be_visible()
    drain()
    expect(page.locator("#replay").get_by_text("to others, by a rule")).to_be_visible()
    page.get_by_role("link", name="Who would have had what").click()
    expect(page.get_by_role("heading", name="What version 2 would have done")).to_be_visible()
    expect(page.get_by_text("a rule", exact=True).first).to_be_visible()
    page.goto("/routing/")

    page.get_by_label("What has changed").fill("The Alps have a team of their own")
    page.get_by_role("button", name="Publish 2").click()
    expect(page.get_by_text("decides", exact=True)).to_be_visible()

    assert RuleSet.objects.get(status=RuleSet.Status.PUBLISHED).published_by == admin
    after = came_in(world, "second", country="CH")
    assert after.owner == zoe
    assert came_in(world, "third", country="DE").owner in (world.ann, world.bob)
    certificate = Certificate.objects.get(lead=after)
    page.goto(f"/routing/certificates/{certificate.pk}/")
    expect(page.locator("h1")).to_contain_text("Zoe")
    expect(page.get_by_text("Verified")).to_be_visible()


def hold_next(page: Page) -> list[Route]:
    """The next time that the rows are fetched, until it is let go; the ones after it go their way."""
    held: list[Route] = []
    page.route("**/routing/draft/rules/add/", lambda route: route.continue_() if held else held.append(route))
    return held


def test_nothing_is_lost_while_the_rows_of_a_rule_are_fetched(world: World, open_page: Open) -> None:
    make_rules(("Everybody", {}, world.pool), version=2, status="draft")
    page = open_page("/routing/draft/rules/add/", make_user("admin"))
    first, second = page.locator(".condition").nth(0), page.locator(".condition").nth(1)
    page.get_by_role("button", name="Condition", exact=True).click()
    expect(page.locator(".condition")).to_have_count(2)
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)
    held = hold_next(page)

    # While the answer to another fact is on its way: words into two rows, one row more, another comparison.
    with page.expect_request("**/routing/draft/rules/add/"):
        first.get_by_label("Fact").select_option("contact.city")
    second.get_by_label("Value").fill("Wien")
    first.get_by_label("Value").press_sequentially("Basel, Chur")
    page.keyboard.press("ArrowLeft")
    page.get_by_role("button", name="Condition", exact=True).dispatch_event("click")
    second.get_by_label("Comparison").select_option("not_in")
    first.get_by_label("Value").focus()
    held[0].continue_()

    expect(page.locator(".condition")).to_have_count(3)
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)
    expect(first.get_by_label("Value")).to_be_focused()
    page.keyboard.type("u")
    expect(first.get_by_label("Value")).to_have_value("Basel, Chuur")
    expect(first.get_by_label("Fact")).to_have_value("contact.city")
    expect(second.get_by_label("Value")).to_have_value("Wien")
    expect(second.get_by_label("Comparison")).to_have_value("not_in")


def test_a_row_that_is_taken_out_leaves_the_others_what_is_typed(world: World, open_page: Open) -> None:
    make_rules(("Everybody", {}, world.pool), version=2, status="draft")
    page = open_page("/routing/draft/rules/add/", make_user("admin"))
    page.get_by_role("button", name="Condition", exact=True).click()
    expect(page.locator(".condition")).to_have_count(2)
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)
    page.get_by_label("Value").first.fill("CH")
    held = hold_next(page)

    with page.expect_request("**/routing/draft/rules/add/"):
        page.get_by_role("button", name="Remove condition").first.click()
    page.get_by_label("Value").last.press_sequentially("AT")
    held[0].continue_()

    expect(page.locator(".condition")).to_have_count(1)
    expect(page.get_by_label("Value")).to_have_value("AT")
    expect(page.get_by_label("Value")).to_be_focused()


def test_the_rules_fit_a_phone(world: World, open_page: Open) -> None:
    page = open_page("/routing/", make_user("admin"), size=PHONE)

    expect(page.locator("h1")).to_have_text("Routing rules")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def order(page: Page) -> list[str]:
    return [text.split()[0] for text in page.locator(".rule-item .rule-sentence a.small").all_text_contents()]


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_rules_are_dragged_into_order(world: World, open_page: Open, size: tuple[int, int]) -> None:
    draft = make_rules(
        ("First", is_in("contact.country", "CH"), world.pool),
        ("Second", is_in("contact.country", "AT"), world.pool),
        ("Third", is_in("contact.country", "FR"), world.pool),
        version=2,
        status="draft",
    )
    page = open_page("/routing/", make_user("admin"), size=size)
    assert order(page) == ["First", "Second", "Third"]

    grip, target = page.locator("[data-grip]").nth(2), page.locator(".rule-item").nth(0)
    grip.scroll_into_view_if_needed()
    start, end = grip.bounding_box(), target.bounding_box()
    assert start
    assert end
    page.mouse.move(start["x"] + 5, start["y"] + 5)
    page.mouse.down()
    page.mouse.move(end["x"] + 20, end["y"] + 4, steps=8)
    with page.expect_navigation():
        page.mouse.up()

    assert order(page) == ["Third", "First", "Second"]
    assert list(draft.rules.order_by("position").values_list("name", flat=True)) == ["Third", "First", "Second"]

    # By keyboard; the grip keeps the focus, so that it can be pressed again.
    page.locator("[data-grip]").nth(0).focus()
    for _press in range(2):
        with page.expect_navigation():
            page.keyboard.press("Alt+ArrowDown")
    assert order(page) == ["First", "Second", "Third"]


def test_a_drag_that_is_given_up_changes_nothing(world: World, open_page: Open) -> None:
    make_rules(
        ("First", is_in("contact.country", "CH"), world.pool), ("Rest", {}, world.pool), version=2, status="draft"
    )
    page = open_page("/routing/", make_user("admin"))
    box = page.locator("[data-grip]").nth(0).bounding_box()
    assert box
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 5, box["y"] + 200, steps=5)
    assert order(page) == ["Rest", "First"]
    page.keyboard.press("Escape")
    page.mouse.up()

    assert order(page) == ["First", "Rest"]
    assert RuleSet.objects.get(version=2).rules.order_by("position").first().name == "First"  # type: ignore[union-attr]

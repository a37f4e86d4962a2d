"""The SDR's day: sign in, see who is next and why, call, log, answer, and hand an opportunity over."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from crmsync.models import Opportunity
from leads.models import Lead, Stage
from leads.services.capture import receive
from qualification.models import Activity, Answer, MailTemplate, OutgoingMail
from tests.browser.conftest import PHONE, Open
from tests.factories import PASSWORD, make_clock, make_contact, make_lead
from tests.worker import drain
from tests.world import BANT, World, build_world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world(transactional_db: None) -> World:
    return build_world()


def came_in(world: World, last_name: str, **more: str) -> Lead:
    """A demo request that has come all the way to its rep."""
    said = {"email": f"{last_name.lower()}@rheintal.example", "last_name": last_name, "subject": "demo", **more}
    capture = receive(world.channel, said).capture
    drain()
    lead = Lead.objects.get(captures=capture.pk)
    assert lead.owner is not None
    return lead


def answer(page: Page, label: str, value: str) -> None:
    """Open the question, say the answer, save."""
    page.locator(".answer", has_text=label).get_by_role("link", name="Answer").click()
    page.locator(".answer-form").get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Save answer").click()
    expect(page.get_by_text(f"{label} answered.")).to_be_visible()


def test_from_sign_in_to_an_opportunity(world: World, open_page: Open) -> None:
    lead = came_in(world, "Hoffmann", phone="+4972155501840", message="We plan 45 technicians in Excel.")
    owner = lead.owner
    assert owner is not None
    other = make_lead(owner=owner, stage="mql", contact=make_contact(last_name="Albrecht"), grade="D4")

    page = open_page("/")
    page.get_by_label("E-mail").fill(owner.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/queue/")

    # Who is next, and why.
    rows = page.locator("[data-row]")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Hoffmann")
    expect(rows.first).to_contain_text("Asked for a demo; nobody has called yet")
    pane = page.locator("#preview")
    expect(pane).to_contain_text("We plan 45 technicians in Excel.")

    # j and k move, Enter opens.
    page.keyboard.press("j")
    expect(pane.get_by_role("heading", level=2)).to_contain_text("Albrecht")
    page.keyboard.press("k")
    expect(pane.get_by_role("heading", level=2)).to_contain_text("Hoffmann")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/leads/{lead.pk}/")

    # Two keys log a call.
    page.keyboard.press("3")
    expect(page.get_by_role("radio", name="Voicemail")).to_be_checked()
    page.keyboard.press("1")
    # Got through: there are answers to write down before the next one.
    page.get_by_label("Then the next lead").uncheck()
    page.get_by_label("What was said").fill("Good talk")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Call logged.")).to_be_visible()
    expect(page.locator(".timeline")).to_contain_text("called and got through")
    assert Activity.objects.get().disposition == "connected"

    # Four answers make an opportunity by themselves.
    for question in world.questions():
        answer(page, question.label, BANT[question.key])
    assert Answer.objects.filter(lead=lead).count() == 4
    drain()
    lead = Lead.objects.get(pk=lead.pk)
    assert lead.stage == Stage.OPPORTUNITY
    assert Opportunity.objects.get(lead=lead).qualified_by == owner

    # The open page offers what is new; nothing moved before.
    expect(page.locator("#pulse")).to_contain_text("Opportunity", timeout=15_000)
    page.locator("#pulse").get_by_role("link", name="Show").click()
    expect(page.locator("header .stage")).to_contain_text("Opportunity")
    expect(page.locator(".why-now")).to_contain_text("An opportunity by now.")
    page.goto("/queue/")
    expect(page.locator("[data-row]")).to_have_count(1)
    assert other.pk


def test_what_was_logged_by_mistake_is_taken_back_with_one_key(world: World, open_page: Open) -> None:
    lead = came_in(world, "Hoffmann", phone="+4972155501840")
    page = open_page(f"/leads/{lead.pk}/", lead.owner)

    page.get_by_role("button", name=re.compile("Log call")).click()
    expect(page.get_by_text("Call logged.")).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press("u")
    expect(page.get_by_text("Taken back.")).to_be_visible()

    assert Activity.objects.get().undone_at is not None
    assert Lead.objects.get(pk=lead.pk).first_touched_at is None


def test_a_call_back_asks_for_its_time(world: World, open_page: Open) -> None:
    lead = came_in(world, "Hoffmann", phone="+4972155501840")
    page = open_page(f"/leads/{lead.pk}/", lead.owner)

    expect(page.get_by_label("Agreed for")).to_be_hidden()
    page.keyboard.press("4")
    expect(page.get_by_label("Agreed for")).to_be_visible()
    page.get_by_label("What was said").fill("Tomorrow at ten")
    page.keyboard.press("Control+Enter")

    expect(page.get_by_label("Agreed for")).to_be_focused()
    expect(page.get_by_label("What was said")).to_have_value("Tomorrow at ten")
    assert not Activity.objects.exists()

    page.get_by_role("button", name=re.compile("Log call")).click()
    expect(page.get_by_label("Agreed for")).to_be_focused()
    page.locator(".disposition", has_text="No answer").click()
    page.get_by_role("button", name=re.compile("Log call")).click()
    expect(page.get_by_text("Call logged.")).to_be_visible()


def test_a_key_reaches_what_a_closed_menu_holds(world: World, open_page: Open) -> None:
    lead = came_in(world, "Hoffmann", phone="+4972155501840")
    page = open_page(f"/leads/{lead.pk}/", lead.owner)

    page.keyboard.press("d")

    expect(page.locator("#lead-do form")).to_be_visible()


def test_a_fact_is_corrected_in_place(world: World, open_page: Open) -> None:
    lead = came_in(world, "Hoffmann", job_title="Assistant")
    page = open_page(f"/leads/{lead.pk}/", lead.owner)

    page.locator(".fact", has_text="Role").hover()
    page.get_by_role("link", name="Correct: Role").click()
    field = page.get_by_label("Role", exact=True)
    expect(field).to_be_focused()
    field.fill("Head of Service")
    page.keyboard.press("Enter")

    expect(page.locator(".lead-name")).to_contain_text("Head of Service")
    expect(page.locator(".fact", has_text="Role")).to_contain_text("2 values")


def test_snooze_and_back_from_the_queue(world: World, open_page: Open) -> None:
    lead = came_in(world, "Hoffmann")
    page = open_page("/queue/", lead.owner)

    page.keyboard.press("s")
    page.get_by_role("button", name="In three hours").click()
    expect(page.locator(".queue-calm")).to_contain_text("Nothing waits for you.")
    page.keyboard.press("u")

    expect(page.locator(".queue-calm")).to_have_count(0)
    assert Lead.objects.get(pk=lead.pk).snoozed_until is None


def test_a_key_pressed_while_the_pane_is_fetched_is_meant_for_the_new_row(world: World, open_page: Open) -> None:
    first = came_in(world, "Hoffmann", phone="+4972155501840")
    owner = first.owner
    assert owner is not None
    second = make_lead(owner=owner, stage="mql", contact=make_contact(last_name="Albrecht"), grade="D4")
    page = open_page("/queue/", owner)
    page.route("**/queue/?lead=*", lambda route: (page.wait_for_timeout(700), route.continue_())[-1])

    page.keyboard.press("j")
    page.keyboard.press("s")

    # The menu of the row that was reached, with the focus in it.
    menu = page.locator("#preview details[open] form")
    expect(menu).to_have_attribute("action", f"/leads/{second.pk}/snooze/")
    expect(menu.get_by_role("button", name="In an hour")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(menu.get_by_role("button", name="In three hours")).to_be_focused()
    assert not Lead.objects.filter(snoozed_until__isnull=False).exists()


def test_what_is_being_written_outlives_a_look_elsewhere(world: World, open_page: Open) -> None:
    lead = came_in(world, "Hoffmann", phone="+4972155501840")
    page = open_page(f"/leads/{lead.pk}/", lead.owner)
    page.get_by_label("What was said").fill("Wants to talk to their controller first")

    page.get_by_role("tab", name="Note").click()
    expect(page.get_by_placeholder("A note for the team")).to_have_value("Wants to talk to their controller first")
    page.goto("/queue/")
    page.goto(f"/leads/{lead.pk}/")
    expect(page.get_by_label("What was said")).to_have_value("Wants to talk to their controller first")

    page.get_by_role("button", name="Log call").click()
    # Nobody else waits today: on to the queue.
    expect(page.get_by_text("Hoffmann: Call logged.")).to_be_visible()
    page.goto(f"/leads/{lead.pk}/")
    expect(page.get_by_label("What was said")).to_have_value("")


def test_two_on_one_lead_see_each_other(world: World, open_page: Open) -> None:
    lead = came_in(world, "Hoffmann")
    assert lead.owner is not None
    second = world.bob if lead.owner == world.ann else world.ann

    first_page = open_page(f"/leads/{lead.pk}/", lead.owner)
    second_page = open_page(f"/leads/{lead.pk}/", second)

    expect(second_page.locator("#viewers")).to_contain_text(f"{lead.owner} is looking at this lead")
    expect(first_page.locator("#viewers")).to_contain_text(f"{second} is looking at this lead", timeout=15_000)


def test_the_phone_has_the_list_and_the_way_to_call(world: World, open_page: Open) -> None:
    lead = came_in(world, "Hoffmann", phone="+4972155501840")
    make_clock_if_missing(lead)
    page = open_page("/queue/", lead.owner, size=PHONE)

    expect(page.locator("#preview")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    page.locator("[data-row]").first.click()
    page.wait_for_url(f"**/leads/{lead.pk}/")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    expect(page.locator(".action-bar").get_by_role("link", name="Call")).to_have_attribute("href", "tel:+4972155501840")


def make_clock_if_missing(lead: Lead) -> None:
    """The rules have started one; a house without promises has none."""
    if not lead.sla_clocks.exists():
        make_clock(lead)


def test_everything_works_without_a_script(world: World, open_page: Open) -> None:
    lead = came_in(world, "Hoffmann", phone="+4972155501840")
    assert lead.owner is not None
    page = open_page("/login/", lead.owner)
    bare = page.context.browser.new_context(  # type: ignore[union-attr]
        base_url=page.url.split("/login")[0],
        java_script_enabled=False,
        storage_state=page.context.storage_state(),
    )
    tab = bare.new_page()

    tab.goto("/queue/")
    tab.locator("[data-row]").first.click()
    tab.wait_for_url(f"**/leads/{lead.pk}/")
    tab.locator(".answer", has_text="Budget").get_by_role("link", name="Answer").click()
    tab.locator(".answer-form").get_by_label("Budget", exact=True).fill("30,000")
    tab.get_by_role("button", name="Save answer").click()
    expect(tab.get_by_text("Budget answered.")).to_be_visible()
    # A call back without its time comes back with what was said.
    tab.locator(".disposition", has_text="Call back").click()
    tab.get_by_label("What was said").fill("Ring again on Thursday")
    tab.get_by_role("button", name="Log call").click()
    expect(tab.get_by_text("Say for when it was agreed.")).to_be_visible()
    expect(tab.get_by_label("What was said")).to_have_value("Ring again on Thursday")
    tab.get_by_label("Agreed for").fill("2030-01-03T10:00")
    tab.get_by_role("button", name="Log call").click()
    expect(tab.get_by_text("Call logged.")).to_be_visible()
    bare.close()


def test_a_mail_by_three_keys(world: World, open_page: Open, settings: Any) -> None:
    settings.MAIL_GOES_OUT = True
    MailTemplate.objects.create(name="Answer", subject="For {{ first_name | you }}", body="At ten?", position=0)
    lead = came_in(world, "Hoffmann", first_name="Mara")
    assert lead.owner is not None
    page = open_page(f"/leads/{lead.pk}/", lead.owner)
    expect(page.locator("#mail-subject")).to_be_visible()

    page.keyboard.press("e")
    page.keyboard.press("1")
    expect(page.locator("#mail-subject")).to_have_value("For Mara")
    page.keyboard.press("Control+Enter")

    expect(page.get_by_text("The e-mail goes out in ten seconds.")).to_be_visible()
    page.get_by_role("button", name="Undo").first.click()
    expect(page.get_by_text("Taken back.")).to_be_visible()
    assert OutgoingMail.objects.get().status == "cancelled"


def test_what_is_half_written_is_there_again(world: World, open_page: Open, settings: Any) -> None:
    settings.MAIL_GOES_OUT = True
    lead = came_in(world, "Hoffmann")
    assert lead.owner is not None
    lead.owner.mail_signature = "Regards"
    lead.owner.save()
    page = open_page(f"/leads/{lead.pk}/", lead.owner)
    page.locator("#mail-subject").fill("May")
    page.locator("#mail-body").fill("You want to start in May, but")
    page.locator(".answer", has_text="Budget").get_by_role("link", name="Answer").click()
    page.locator(".answer-form").get_by_label("Budget", exact=True).fill("30,0")

    page.goto("/queue/")
    page.goto(f"/leads/{lead.pk}/")

    expect(page.locator("#mail-body")).to_have_value("You want to start in May, but")
    page.locator(".answer", has_text="Budget").get_by_role("link", name="Answer").click()
    answer = page.locator(".answer-form").get_by_label("Budget", exact=True)
    expect(answer).to_have_value("30,0")
    expect(answer).to_be_focused()
    # What is swapped in is focused once more as it settles.
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added")).to_have_count(0)
    page.locator("#mail-body").focus()
    expect(page.locator("#mail-body")).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("The e-mail goes out in ten seconds.")).to_be_visible()
    page.goto(f"/leads/{lead.pk}/")
    expect(page.locator("#mail-body")).to_have_value("\n-- \nRegards")
    assert OutgoingMail.objects.get().subject == "May"

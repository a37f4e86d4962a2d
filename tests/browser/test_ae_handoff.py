"""The AE sees the handoff with the whole history, and accepts it or refuses it with a reason."""

import pytest
from playwright.sync_api import expect

from crmsync.models import Handoff
from leads.models import Lead
from leads.services.capture import receive
from qualification.services.activities import log_activity
from qualification.services.answers import give_answer
from tests.browser.conftest import PHONE, Open
from tests.worker import drain
from tests.world import BANT, World, build_world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world(transactional_db: None) -> World:
    return build_world()


@pytest.fixture
def handoff(world: World) -> Handoff:
    """A qualified lead, offered to Ada."""
    said = {
        "email": "annika@rheintal.example",
        "name": "Annika Hoffmann",
        "company": "Rheintal Kältetechnik GmbH",
        "subject": "demo",
        "message": "We plan 45 technicians in Excel.",
        "utm_source": "google-ads",
    }
    capture = receive(world.channel, said).capture
    drain()
    lead = Lead.objects.get(captures=capture.pk)
    log_activity(lead.pk, "call", by=lead.owner, disposition="connected", body="Uwe signs what she brings him.")
    for question in world.questions():
        value = BANT[question.key]
        give_answer(lead.pk, question.pk, value, by=lead.owner, evidence="call", quote=f"“{value}”", confidence=4)
    drain()
    return Handoff.objects.get(opportunity__lead=lead)


def test_the_ae_reads_everything_and_accepts_with_a_key(world: World, handoff: Handoff, open_page: Open) -> None:
    page = open_page("/", world.ada)
    page.wait_for_url("**/handoffs/")
    page.get_by_text("Rheintal Kältetechnik GmbH").first.click()

    main = page.locator("main")
    for said in (
        *BANT.values(),
        "Annika Hoffmann",
        "Uwe signs what she brings him.",
        "We plan 45 technicians in Excel.",
    ):
        expect(main).to_contain_text(said)
    page.keyboard.press("a")
    expect(page.get_by_text("Do you take it?")).to_have_count(0)

    handoff.refresh_from_db()
    assert handoff.status == Handoff.Status.ACCEPTED


def test_a_refusal_says_why_and_its_sdr_reads_it(world: World, handoff: Handoff, open_page: Open) -> None:
    page = open_page(f"/handoffs/{handoff.pk}/", world.ada)
    page.locator("input[name=reason][value=bad-timing]").check()
    page.get_by_placeholder("What would have made it acceptable?").fill("Call again when the plan for 2027 stands.")
    page.get_by_role("button", name="Refuse the handoff").click()
    expect(page.get_by_text("Do you take it?")).to_have_count(0)

    drain()
    handoff.refresh_from_db()
    assert handoff.status == Handoff.Status.REFUSED
    lead = handoff.opportunity.lead
    assert lead.stage == "recycled"
    assert lead.wake_at is not None
    sdr = handoff.sdr
    assert sdr is not None
    theirs = open_page(f"/handoffs/{handoff.pk}/", sdr)
    expect(theirs.locator("main")).to_contain_text("Call again when the plan for 2027 stands.")


def test_what_can_be_mended_is_back_in_its_sdrs_queue(world: World, handoff: Handoff, open_page: Open) -> None:
    page = open_page(f"/handoffs/{handoff.pk}/", world.ada)
    page.get_by_label("Not the one who decides").check()
    page.get_by_placeholder("What would have made it acceptable?").fill("Uwe has to be in the call.")
    page.get_by_role("button", name="Refuse the handoff").click()
    expect(page.get_by_text("Do you take it?")).to_have_count(0)
    drain()

    sdr = handoff.sdr
    assert sdr is not None
    queue = open_page("/queue/", sdr)
    expect(queue.get_by_text("Handoff refused: not the one who decides")).to_be_visible()
    lead = open_page(f"/leads/{handoff.opportunity.lead_id}/", sdr)
    expect(lead.locator("main")).to_contain_text("Find out what the AE missed.")
    expect(lead.locator("main")).to_contain_text("Uwe has to be in the call.")


def test_on_the_phone_the_decision_is_at_hand(world: World, handoff: Handoff, open_page: Open) -> None:
    page = open_page(f"/handoffs/{handoff.pk}/", world.ada, size=PHONE)

    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.locator(".action-bar").get_by_role("button", name="Accept").click()
    expect(page.get_by_text("Do you take it?")).to_have_count(0)
    handoff.refresh_from_db()
    assert handoff.status == Handoff.Status.ACCEPTED

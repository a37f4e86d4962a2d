"""An admin decides about deals that lost their record, and erases a person, on a desk and on a phone."""

import pytest
from playwright.sync_api import Page, expect

from crmsync.models import Conflict, InboxEvent, Link
from crmsync.services.apart import set_apart
from leadmgmt.core.now import now
from leads.models import Contact, Erasure, ErasureTask
from tests.browser.conftest import DESKTOP, PHONE, Open
from tests.crmsync.things import make_crm, make_deal
from tests.factories import make_company, make_contact, make_user
from tests.worker import drain

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def fits(page: Page) -> bool:
    """Whether nothing has to be scrolled sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_deals_apart_from_their_record_are_decided_where_they_stand(open_page: Open) -> None:
    make_crm()
    _, first, _ = make_deal()
    contact = make_contact(first_name="Ben", last_name="Ode", company=make_company(name="Ode & Sons"))
    _, second, _ = make_deal(owner=make_user("sdr"), contact=contact)
    one, other = first.links.get(), second.links.get()
    set_apart(one, Link.State.MERGED, now(), into=other.remote_id or "")
    Conflict.objects.create(link=other, field="name", ours=second.name, theirs="Theirs", rule="drift", at=now())
    body = {"values": {"name": "Theirs"}, "version": "2", "modified_at": now().isoformat()}
    InboxEvent.objects.create(
        connection=other.connection,
        via="poll",
        dedupe_key="1",
        remote_id=other.remote_id,
        received_at=now(),
        state="done",
        body=body | {"modified_by": "jo@there.example"},
    )
    admin = make_user("admin", first_name="Rita")
    page = open_page("/setup/crm/", admin, size=DESKTOP)

    both = page.get_by_text("Both histories")
    both.click()
    expect(page.get_by_text("jo@there.example")).to_be_visible()
    row = page.get_by_role("listitem").filter(has_text=first.name).first
    expect(row).to_contain_text(f"which is our deal “{second.name}”")
    # By keyboard: the likeliest decision comes first.
    row.get_by_role("button", name="They are one deal").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"They are one deal now: {second.name}.")).to_be_visible()
    expect(page.get_by_role("heading", name="Apart from their record")).to_have_count(0)
    first.refresh_from_db()
    assert first.loss_reason is not None
    assert first.loss_reason.code == "one-deal"

    other.refresh_from_db()
    set_apart(other, Link.State.REMOTE_DELETED, now())
    phone = open_page("/setup/crm/", admin, size=PHONE)
    assert fits(phone)
    phone.get_by_text("Close it here as lost …").click()
    phone.get_by_label("Lost because").select_option("no-decision")
    phone.get_by_role("button", name="Close", exact=True).click()
    expect(phone.get_by_text("It is closed here as lost.")).to_be_visible()
    second.refresh_from_db()
    assert (second.stage, second.loss_reason.code if second.loss_reason else "") == ("lost", "no-decision")


def test_a_person_is_looked_at_and_erased(open_page: Open) -> None:
    make_crm()
    lead, _, _ = make_deal()
    email = lead.contact.email
    admin = make_user("admin", first_name="Rita")
    page = open_page(f"/leads/{lead.pk}/", admin, size=DESKTOP)
    page.get_by_label("More: disqualify, recycle, reassign").click()
    page.get_by_role("button", name="Erase this person …").click()
    expect(page.get_by_role("heading", name="Annika Hoffmann")).to_be_visible()

    # Not without saying so.
    page.get_by_role("button", name="Erase", exact=True).click()
    assert Contact.objects.get(pk=lead.contact_id).email == email
    page.get_by_label("It cannot be taken back.").check()
    page.get_by_role("button", name="Erase", exact=True).click()
    expect(page.get_by_text("gone everywhere")).to_be_visible()
    drain()
    contact = Contact.objects.get(pk=lead.contact_id)
    assert (contact.email, contact.name) == ("", f"Erased person {contact.pk}")
    assert "Hoffmann" not in page.content()

    ErasureTask.objects.create(erasure=Erasure.objects.get(), system="Salesforce", what="contact 0035g")
    phone = open_page("/setup/erasures/", admin, size=PHONE)
    assert fits(phone)
    phone.get_by_role("button", name="Deleted there").click()
    expect(phone.get_by_text("gone everywhere")).to_be_visible()
    phone.get_by_label("E-mail address").fill("nobody@other.example")
    phone.get_by_role("button", name="Look who it is").click()
    expect(phone.get_by_text("Nobody with this address is known.")).to_be_visible()
    expect(phone.get_by_label("E-mail address")).to_have_value("nobody@other.example")

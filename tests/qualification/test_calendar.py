"""A rep's calendar: what was agreed, behind an address that only they know."""

import re
from datetime import datetime, timedelta

import pytest
from django.test import Client
from icalendar import Calendar

from leadmgmt.core.now import now
from leads.models import User
from qualification.mail_text import fill
from qualification.services.activities import log_activity
from qualification.services.calendar import make_address
from qualification.services.mail import values_for
from tests.factories import make_company, make_contact, make_lead, make_user
from tests.routing.things import signed_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> User:
    return make_user("sdr", first_name="Ann")


def read(address: str) -> list[tuple[str, datetime]]:
    """What a calendar program sees, without signing in."""
    response = Client().get("/calendar/" + address.rpartition("/")[2])
    assert response.headers["Content-Type"] == "text/calendar; charset=utf-8"
    events = Calendar.from_ical(response.content).walk("VEVENT")
    return [(str(event["summary"]), event["dtstart"].dt) for event in events]


def agree(ann: User, name: str, *, kind: str = "call", days: int = 1) -> None:
    lead = make_lead(contact=make_contact(last_name=name, company=make_company(name="Nord AG")), owner=ann, stage="mql")
    disposition = "booked" if kind == "meeting" else "call_back"
    log_activity(lead.pk, kind, by=ann, disposition=disposition, due_at=now() + timedelta(days=days))


def test_what_was_agreed_and_nothing_else_is_in_it(ann: User) -> None:
    agree(ann, "Berg", days=2)
    agree(ann, "Tal", kind="meeting")
    agree(make_user("sdr"), "Fremd")
    done = make_lead(owner=ann, stage="mql")
    log_activity(done.pk, "call", by=ann, disposition="call_back", due_at=now() + timedelta(days=1))
    log_activity(done.pk, "call", by=ann, disposition="connected")

    found = read(make_address(ann))

    assert [re.sub(r"\w+ (Tal|Berg)", r"\1", title) for title, _at in found] == [
        "Meeting with Tal, Nord AG",
        "Call Berg back, Nord AG",
    ]
    assert found[0][1] < found[1][1]


def test_it_reminds_and_leads_to_the_lead(ann: User) -> None:
    agree(ann, "Berg")
    body = Client().get("/calendar/" + make_address(ann).rpartition("/")[2]).content.decode()

    assert "TRIGGER:-PT10M" in body
    assert re.search(r"URL:\S+/leads/\d+/", body)


def test_it_speaks_its_owners_language(ann: User) -> None:
    ann.language = "de"
    agree(ann, "Berg")
    ann.save()

    ((title, _at),) = read(make_address(ann))

    assert title.endswith("zurückrufen, Nord AG")


def test_a_new_address_ends_the_old_one(ann: User) -> None:
    old, new = make_address(ann), make_address(ann)

    assert Client().get("/calendar/" + old.rpartition("/")[2]).status_code == 404
    assert read(new) == []
    assert ann.calendar_hash not in new
    ann.is_active = False
    ann.save()
    assert Client().get("/calendar/" + new.rpartition("/")[2]).status_code == 404


def test_the_address_is_made_on_the_profile_and_shown_once(ann: User) -> None:
    client = signed_in(ann)

    made = text_of(client.post("/calendar/make/", follow=True).content.decode())
    found = re.search(r"https?://\S+/calendar/\S+\.ics", made)

    assert found
    assert read(found[0]) == []
    assert found[0] not in client.get("/profile/").content.decode()


def test_where_a_time_can_be_booked_is_a_variable(ann: User) -> None:
    ann.booking_url = "https://book.example/ann"

    assert fill("{{ my_calendar }}", values_for(make_lead(), ann)).text == "https://book.example/ann"

"""The queue page: whose leads, in which order, and at what cost."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leads.models import Contact, Lead, User
from qualification.models import Activity
from routing.models import WaitingLead
from tests.factories import make_clock, make_company, make_contact, make_lead, make_source, make_touchpoint
from tests.qualification.desk_cast import Cast, as_user, make_cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def names(response: object) -> list[str]:
    """The leads of the list in their order."""
    text = response.content.decode()  # type: ignore[attr-defined]
    return re.findall(r'<strong class="cut">([^<]+)</strong>', text)


def lead_of(owner: object, name: str, **fields: object) -> Lead:
    contact = make_contact(first_name="", last_name=name, company=make_company(name=f"{name} GmbH"))
    return make_lead(owner=owner, contact=contact, stage="mql", **fields)


def test_the_queue_puts_broken_promises_first_and_snoozed_leads_last(cast: Cast) -> None:
    now = timezone.now()
    later, soon, late, asleep = (lead_of(cast.ann, name, grade="B1") for name in ("Later", "Soon", "Late", "Asleep"))
    make_clock(later, due_at=now + timedelta(hours=30))
    make_clock(soon, due_at=now + timedelta(minutes=40))
    make_clock(late, due_at=now - timedelta(minutes=5))
    make_clock(asleep, due_at=now - timedelta(minutes=50))
    Lead.objects.filter(pk=asleep.pk).update(snoozed_until=now + timedelta(days=2))

    response = as_user(cast.ann).get("/queue/")

    assert names(response) == ["Late", "Soon", "Later", "Asleep"]
    page = response.content.decode()
    assert "5 min over" in page
    assert page.index(">Now<") < page.index(">Within the hour<") < page.index(">Coming days<") < page.index(">Paused<")


def test_what_is_put_aside_counts_in_no_total_of_the_queue(cast: Cast) -> None:
    now = timezone.now()
    for name in ("One", "Two"):
        lead_of(cast.ann, name, grade="A1")
    aside = lead_of(cast.ann, "Aside", grade="A1")
    Activity.objects.create(lead=aside, kind="call", disposition="call_back", at=now, by=cast.ann, due_at=now)
    Lead.objects.filter(pk=aside.pk).update(snoozed_until=now + timedelta(days=2))

    response = as_user(cast.ann).get("/queue/")

    page = response.content.decode()
    counts = dict(re.findall(r'>([^<>]+) <span class="tab-count">(\d+)</span>', page))
    assert counts == {"My queue": "2", "Hot inbound": "2", "Call-backs": "0", "Team waiting room": "0"}
    assert re.findall(r'nav-label">Queue</span><span class="nav-count">(\d+)', page) == ["2"]
    assert names(response)[-1] == "Aside"
    assert re.search(r'id="group-paused">Paused</h2><span>1</span>', page)


def test_only_own_leads_that_are_worked_stand_in_the_queue(cast: Cast) -> None:
    lead_of(cast.ann, "Mine")
    lead_of(cast.bob, "His")
    closed = lead_of(cast.ann, "Sold")
    Lead.objects.filter(pk=closed.pk).update(stage="opportunity")

    assert names(as_user(cast.ann).get("/queue/")) == ["Mine"]


def test_the_queue_is_for_who_works_leads(cast: Cast) -> None:
    assert Client().get("/queue/").status_code == 302
    assert as_user(cast.mia).get("/queue/").status_code == 403
    assert as_user(cast.out).get("/queue/").status_code == 403
    assert as_user(cast.lea).get("/queue/").status_code == 200


def test_the_preview_shows_the_factors_and_the_sentence(cast: Cast) -> None:
    lead = lead_of(cast.ann, "Hoffmann", grade="A1", win_probability=0.38, subject="demo")
    make_touchpoint(lead, message="We plan 45 technicians in Excel.")
    make_clock(lead, due_at=timezone.now() + timedelta(minutes=4))

    page = as_user(cast.ann).get("/queue/").content.decode()

    assert "“We plan 45 technicians in Excel.”" in page
    assert "38 % × € 10,000" in page.replace("\xa0", " ")
    assert "first touch" in page
    assert "Asked for a demo; nobody has called yet" in page


def test_a_move_fetches_the_pane_alone(cast: Cast) -> None:
    first, second = lead_of(cast.ann, "First", grade="A1"), lead_of(cast.ann, "Second", grade="D4")

    response = as_user(cast.ann).get(
        f"/queue/?lead={second.pk}", headers={"HX-Request": "true", "HX-Target": "preview"}
    )

    page = response.content.decode()
    assert "<html" not in page
    assert "2 of 2" in page
    assert f"/leads/{second.pk}/" in page
    assert f"?lead={first.pk}" in page


def test_tabs_and_filters_narrow_the_list(cast: Cast) -> None:
    ads = make_source("google-ads")
    hot = lead_of(cast.ann, "Hot", subject="demo", grade="A1", source=ads)
    lead_of(cast.ann, "Cold", grade="D4")
    agreed = lead_of(cast.ann, "Agreed", grade="B2")
    now = timezone.now()
    Activity.objects.create(
        lead=agreed, kind="call", disposition="call_back", at=now, by=cast.ann, due_at=now + timedelta(minutes=30)
    )
    Lead.objects.filter(pk=agreed.pk).update(first_touched_at=now)
    ann = as_user(cast.ann)

    assert names(ann.get("/queue/?tab=hot")) == ["Hot"]
    assert names(ann.get("/queue/?tab=calls")) == ["Agreed"]
    assert names(ann.get("/queue/?source=google-ads")) == ["Hot"]
    assert names(ann.get("/queue/?grade=d")) == ["Cold"]
    assert names(ann.get("/queue/?q=cold gmbh")) == ["Cold"]
    assert "No lead fits" in ann.get("/queue/?q=nobody").content.decode()
    assert hot.pk


def test_countries_are_called_by_their_names(cast: Cast) -> None:
    company = make_company(country="CH")
    lead = make_lead(owner=cast.ann, stage="mql", contact=make_contact(country="AT", company=company))
    ann = as_user(cast.ann)

    queue, page = ann.get("/queue/").content.decode(), ann.get(f"/leads/{lead.pk}/").content.decode()
    assert '<a class="menu-item" href="?country=AT">Austria</a>' in queue
    assert "Country: Austria" in ann.get("/queue/?country=AT").content.decode()
    assert 'title="Austria">Austria<' in page
    assert 'title="Switzerland">Switzerland<' in page
    leads = ann.get("/leads/?country=at").content.decode()
    assert '<option value="AT" selected>Austria</option>' in leads
    assert "Country: Austria" in leads

    edited = ann.get(f"/leads/{lead.pk}/?edit=person.country").content.decode()
    assert 'name="value" value="Austria"' in edited
    ann.post(f"/leads/{lead.pk}/correct/", {"subject": "person", "field": "country", "value": "Italy"})
    assert Contact.objects.get(leads=lead).country == "IT"

    User.objects.filter(pk=cast.ann.pk).update(language="de")
    assert ">Italien</a>" in ann.get("/queue/?tab=mine").content.decode()
    assert 'title="Schweiz">Schweiz<' in ann.get(f"/leads/{lead.pk}/").content.decode()


def test_the_waiting_room_of_the_team_can_be_taken_from(cast: Cast) -> None:
    waiting = make_lead(team=cast.ann.team, contact=make_contact(last_name="Petrescu"))
    now = timezone.now()
    WaitingLead.objects.create(lead=waiting, reason="Nobody is on shift", since=now, wake_at=now + timedelta(hours=9))

    page = as_user(cast.ann).get("/queue/?tab=waiting").content.decode()
    assert "Petrescu" in page
    assert "Take this lead" in page
    assert "Petrescu" not in as_user(cast.bob).get("/queue/?tab=waiting").content.decode()

    as_user(cast.ann).post(f"/leads/{waiting.pk}/claim/")
    waiting.refresh_from_db()
    assert waiting.owner == cast.ann


def test_the_second_who_takes_a_waiting_lead_is_told_whose_it_is(cast: Cast) -> None:
    lead = make_lead(owner=cast.lea, contact=make_contact(last_name="Petrescu"))

    page = as_user(cast.ann).post(f"/leads/{lead.pk}/claim/", follow=True).content.decode()

    assert "Lea Leitner has this lead already." in page
    lead.refresh_from_db()
    assert lead.owner == cast.lea


def test_an_empty_queue_says_so_and_what_comes_next(cast: Cast) -> None:
    ann = as_user(cast.ann)
    assert "New leads come here by themselves" in ann.get("/queue/").content.decode()

    lead = lead_of(cast.ann, "Bachmann")
    Lead.objects.filter(pk=lead.pk).update(snoozed_until=timezone.now() + timedelta(hours=30))

    assert "Nothing waits for you. Next: <strong>Bachmann</strong>" in ann.get("/queue/").content.decode()

    lead_of(cast.ann, "Urgent")
    assert "Nothing waits" not in ann.get("/queue/").content.decode()
    assert "Nothing waits" not in ann.get("/queue/?q=bachmann").content.decode()


def test_the_day_is_counted(cast: Cast) -> None:
    now = timezone.now()
    done, late = lead_of(cast.ann, "Done"), lead_of(cast.ann, "Late")
    make_clock(late, due_at=now - timedelta(minutes=5))
    came = now - timedelta(minutes=4)
    Lead.objects.filter(pk=done.pk).update(captured_at=came, last_touch_at=came, first_touched_at=now)
    Activity.objects.create(lead=done, kind="call", disposition="connected", at=now, by=cast.ann)

    page = as_user(cast.ann).get("/queue/").content.decode()

    # Who was just spoken to waits for the follow-up: one is left, one is done.
    assert re.search(r'figure-value">1 <span class="small faint">of 2</span>', page)
    assert '<p class="figure-value bad">1</p>' in page
    assert "4:00" in page


def test_fifty_leads_cost_as_many_queries_as_five(cast: Cast) -> None:
    def fill(count: int) -> None:
        for number in range(count):
            lead = lead_of(cast.ann, f"L{count}-{number}", grade="B1")
            make_touchpoint(lead)
            make_clock(lead)
            Activity.objects.create(lead=lead, kind="note", at=timezone.now(), by=cast.ann, body="x")

    def cost() -> int:
        client = as_user(cast.ann)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get("/queue/").status_code == 200
        return len(queries)

    fill(5)
    few = cost()
    fill(45)

    assert cost() == few
    assert few <= 24

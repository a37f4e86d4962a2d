"""How one goes through the queue: filters that stick, the next lead after an outcome, several at once and back."""

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from leadmgmt.core.now import moment, now
from leads.models import Lead
from qualification.services.bulk import assign_all, snooze_all, take_back
from qualification.services.snooze import resume_lead
from tests.factories import make_clock, make_contact, make_lead, make_policy, make_user
from tests.qualification.desk_cast import Cast, as_user, make_cast

pytestmark = pytest.mark.django_db
SENT = {"kind": "call", "disposition": "no_answer", "may_go_on": "1"}


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def queue_of(cast: Cast, count: int = 4) -> list[Lead]:
    """Ann's leads, all of them wanted now."""
    policy, found = make_policy(60), []
    for number in range(count):
        contact = make_contact(last_name=f"N{number}", phone=f"+4972155500{number:02d}")
        lead = make_lead(owner=cast.ann, contact=contact, grade="A1" if number % 2 else "B2")
        make_clock(lead, due_at=now() + timedelta(minutes=5 + 2 * number), policy=policy)
        found.append(lead)
    return found


def rows(client: Client, address: str = "/queue/") -> list[int]:
    page = client.get(address, follow=True)
    return [row.lead.pk for section in page.context["sections"] for row in section.rows]


def place(client: Client, lead: Lead) -> Any:
    return client.get(f"/leads/{lead.pk}/").context["page"].place


def test_filters_stick_until_they_are_taken_away(cast: Cast) -> None:
    leads = queue_of(cast)
    ann = as_user(cast.ann)
    good = [leads[1].pk, leads[3].pk]
    assert rows(ann, "/queue/?grade=A") == good
    # Whoever comes back without a word finds the queue as it was left, also with a lead to be shown.
    assert rows(ann) == good
    back = ann.get(f"/queue/?lead={leads[3].pk}")
    assert back["Location"] == f"/queue/?grade=A&lead={leads[3].pk}"
    # The page of a lead walks the same list; one that is not in it walks the whole queue.
    assert (place(ann, leads[1]).number, place(ann, leads[1]).total, place(ann, leads[1]).after) == (1, 2, leads[3].pk)
    assert place(ann, leads[0]).total == 4
    # The chip's cross and "Show all" ask for the whole queue, which sticks as well.
    (chip,) = [chip for chip in ann.get("/queue/?grade=A").context["chips"] if chip.value]
    assert chip.clear_url == "?tab=mine"
    assert len(rows(ann, f"/queue/{chip.clear_url}")) == 4
    assert len(rows(ann)) == 4
    # So does a tab, and a search that was emptied.
    assert rows(ann, "/queue/?tab=calls") == rows(ann) == []
    assert len(rows(ann, "/queue/?q=")) == 4
    assert len(rows(ann)) == 4
    # Of one person only.
    as_user(cast.ann).get("/queue/?grade=A")
    assert "grade" not in as_user(cast.lea).get("/queue/").get("Location", "")


def test_another_window_does_not_change_what_a_move_fetches(cast: Cast) -> None:
    leads = queue_of(cast)
    ann = as_user(cast.ann)
    ann.get("/queue/?grade=A")
    part = ann.get(f"/queue/?lead={leads[0].pk}", headers={"HX-Request": "true", "HX-Target": "preview"})
    assert part.status_code == 200
    assert "N0" in part.content.decode()


def test_nothing_fits_leads_back_to_everything(cast: Cast) -> None:
    queue_of(cast, 2)
    ann = as_user(cast.ann)
    page = ann.get("/queue/?q=nobody-of-this-name").content.decode()
    assert "No lead fits" in page
    assert 'href="?tab=mine"' in page
    assert len(rows(ann, "/queue/?tab=mine")) == 2


def test_after_an_outcome_the_next_lead_follows(cast: Cast) -> None:
    queue_of(cast)
    ann = as_user(cast.ann)
    order = rows(ann)

    first = ann.post(f"/leads/{order[0]}/log/", {**SENT, "go_on": "on"})
    assert first["Location"] == f"/leads/{order[1]}/"
    page = ann.get(first["Location"]).content.decode()
    # What was done can be taken back from there, and says of whom it speaks.
    logged = Lead.objects.get(pk=order[0])
    assert f"{logged.contact.name}: Call logged." in page
    activity = logged.activities.get()
    assert ann.post(f"/activities/{activity.pk}/undo/")["Location"] == f"/leads/{order[0]}/"

    # The last one of the list goes on with the first that still wants something.
    assert ann.post(f"/leads/{order[3]}/log/", {**SENT, "go_on": "on"})["Location"] == f"/leads/{order[0]}/"


def test_who_wants_to_stay_says_so_once(cast: Cast) -> None:
    leads = queue_of(cast, 2)
    ann = as_user(cast.ann)
    assert 'name="go_on" checked' in ann.get(f"/leads/{leads[0].pk}/").content.decode()

    assert ann.post(f"/leads/{leads[0].pk}/log/", SENT)["Location"] == f"/leads/{leads[0].pk}/"

    cast.ann.refresh_from_db()
    assert cast.ann.goes_on is False
    page = ann.get(f"/leads/{leads[1].pk}/").content.decode()
    assert 'name="go_on">' in page
    # A program that logs says nothing about it and changes nothing.
    ann.post(f"/leads/{leads[1].pk}/log/", {"kind": "call", "disposition": "no_answer", "go_on": "on"})
    cast.ann.refresh_from_db()
    assert cast.ann.goes_on is False


def test_going_on_stays_within_the_filter_and_ends_at_the_queue(cast: Cast) -> None:
    leads = queue_of(cast)
    ann = as_user(cast.ann)
    ann.get("/queue/?grade=A")
    sent = {**SENT, "go_on": "on"}
    assert ann.post(f"/leads/{leads[1].pk}/log/", sent)["Location"] == f"/leads/{leads[3].pk}/"
    # Nothing else in the list wants anything today.
    assert ann.post(f"/leads/{leads[3].pk}/log/", sent)["Location"] == "/queue/"


def test_a_note_and_a_refused_form_stay(cast: Cast) -> None:
    leads = queue_of(cast, 2)
    ann = as_user(cast.ann)
    sent = {**SENT, "go_on": "on"}
    note = ann.post(f"/leads/{leads[0].pk}/log/", {**sent, "kind": "note", "disposition": "", "body": "Hello"})
    assert note["Location"] == f"/leads/{leads[0].pk}/"
    refused = ann.post(f"/leads/{leads[0].pk}/log/", {**sent, "disposition": "call_back"})
    assert refused.status_code == 422
    # Somebody else's lead is in nobody's list: one stays there.
    foreign = make_lead(owner=cast.lea)
    assert ann.post(f"/leads/{foreign.pk}/log/", sent)["Location"] in (f"/leads/{foreign.pk}/", "/queue/")
    assert 'name="go_on"' not in ann.get(f"/leads/{foreign.pk}/").content.decode()


def test_several_are_put_aside_in_the_queue_and_brought_back(cast: Cast) -> None:
    leads = queue_of(cast)
    ann = as_user(cast.ann)
    page = ann.get("/queue/").content.decode()
    assert page.count('form="queue-bulk"') == 4
    # For whom it may be assigned is shown to those who may.
    assert 'value="assign"' not in page
    assert 'value="assign"' in as_user(cast.lea).get("/queue/").content.decode()

    sent = {"leads": [leads[0].pk, leads[2].pk], "do": "snooze", "until": "tomorrow", "page": "queue"}
    page = ann.post("/leads/bulk/", sent, follow=True, HTTP_REFERER="http://testserver/queue/").content.decode()
    assert "2 leads changed." in page
    assert Lead.objects.filter(snoozed_until__isnull=False).count() == 2

    page = ann.post("/leads/bulk/undo/", follow=True, HTTP_REFERER="http://testserver/queue/").content.decode()
    assert "2 leads are as they were before." in page
    assert not Lead.objects.filter(snoozed_until__isnull=False).exists()
    assert "There is nothing to take back." in ann.post("/leads/bulk/undo/", follow=True).content.decode()


def test_what_was_changed_since_is_left_as_it_is(cast: Cast) -> None:
    one, two, three = queue_of(cast, 3)
    at = now()
    until, earlier = at + timedelta(days=1), at + timedelta(hours=2)
    Lead.objects.filter(pk=two.pk).update(snoozed_until=earlier)
    done = snooze_all([one.pk, two.pk, three.pk], until, by=cast.ann, at=at)
    resume_lead(three.pk, by=cast.ann)

    back = take_back(done.undo, [one.pk, two.pk, three.pk], by=cast.ann, at=at)

    assert (done.done, back.done, back.left, back.why) == (3, 2, 1, "it was changed since.")
    assert [Lead.objects.get(pk=lead.pk).snoozed_until for lead in (one, two, three)] == [None, earlier, None]


def test_a_team_lead_takes_an_assignment_back(cast: Cast) -> None:
    amy, ben = (make_user("sdr", team=cast.ann.team) for _ in range(2))
    one, two = queue_of(cast, 2)
    nobodys = make_lead(team=cast.ann.team)
    at = now()
    done = assign_all([one.pk, two.pk, nobodys.pk], amy, by=cast.lea, at=at)
    # One has gone further meanwhile, one was nobody's.
    assign_all([two.pk], ben, by=cast.lea, at=at)

    back = take_back(done.undo, [one.pk, two.pk, nobodys.pk], by=cast.lea, at=at)

    assert (done.done, back.done, back.left) == (3, 1, 2)
    assert [Lead.objects.get(pk=lead.pk).owner for lead in (one, two, nobodys)] == [cast.ann, ben, amy]


def test_nobody_chosen_leads_back_to_the_queue(cast: Cast) -> None:
    (lead,) = queue_of(cast, 1)
    sent = {"leads": [lead.pk], "do": "assign", "page": "queue"}
    answer = as_user(cast.lea).post("/leads/bulk/", sent, follow=True)
    assert answer.redirect_chain[-1][0].startswith("/queue/")
    assert "Choose who shall have them." in answer.content.decode()


def test_q_asks_the_next_open_question(cast: Cast) -> None:
    (lead,) = queue_of(cast, 1)
    ann = as_user(cast.ann)
    assert f'href="/leads/{lead.pk}/#qualification" data-key="q"' in ann.get("/queue/").content.decode()
    answer = ann.get(f"/leads/{lead.pk}/")
    first = answer.context["assessment"].open_items[0].question.key
    assert f'href="/leads/{lead.pk}/?answer={first}#qualification"' in answer.content.decode()
    assert answer.context["assessment"].following == first


@pytest.mark.parametrize(("hour", "first"), [(10, "tel"), (23, "mailto")])
def test_the_first_button_is_what_the_hour_allows(cast: Cast, hour: int, first: str) -> None:
    contact = make_contact(last_name="Night", phone="+4972155501840", email="n@firm.example", time_zone="Europe/Berlin")
    lead = make_lead(owner=cast.ann, contact=contact, stage="mql")
    with moment(datetime(2026, 11, 25, hour, 30, tzinfo=ZoneInfo("Europe/Berlin"))):
        ann = as_user(cast.ann)
        for address in ("/queue/", f"/leads/{lead.pk}/"):
            page = ann.get(address).content.decode()
            assert re.findall(r'class="button button--primary(?: wide-only)?" href="(\w+):', page)[0] == first, address
        # What is logged and what is advised go with it.
        kind, words = {"tel": ("call", "Call. If nobody answers"), "mailto": ("email", "Write. Their working day")}[
            first
        ]
        assert f'name="kind" value="{kind}"' in page
        assert words in page

"""A person is erased: no table tells who they were, the figures stay, and nobody else brings them back."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from crmsync.models import BoardDeal, Conflict, Connection, Handoff, Link, Opportunity, OutboxEntry
from crmsync.services.outbox import record_change
from crmsync.tasks import push_connection
from leadmgmt.core.now import now
from leadmgmt.reports import funnel
from leadmgmt.reports.filters import Filters
from leads.erasure import Subject, without_person
from leads.models import Capture, Contact, ErasedKey, Erasure, ErasureTask, ImportRow, ImportRun, Lead, User
from leads.services.capture import receive, release
from leads.services.erase import erase, finish_task
from leads.services.merge import merge_contacts
from qualification.models import Activity, Answer, OutgoingMail
from routing.models import Assignment, Certificate, LedgerEntry
from tests.erasing import QUIRINA, TRACES, breaches, traces, whole_story
from tests.factories import make_channel, make_contact, make_user
from tests.worker import drain
from tests.world import World, build_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return build_world()


def test_no_table_tells_who_she_was_and_the_figures_stay(world: World) -> None:
    lead = whole_story(world)
    assert {table for table, _ in traces()} >= {
        "leads_contact",
        "leads_capture",
        "crmsync_boarddeal",
        "qualification_answer",
    }
    # A change that was on its way when she asked.
    deal = Opportunity.objects.get()
    Opportunity.objects.filter(pk=deal.pk).update(name="Quirina's deal")
    record_change(deal, ["name", "contact"], at=now())
    Conflict.objects.create(
        link=Link.objects.get(), field="name", ours="Quirina", theirs="Dr. Q", rule="drift", at=now()
    )
    before = funnel.funnel(Filters()).steps
    assignments, ledger = Assignment.objects.count(), LedgerEntry.objects.count()

    erasure = erase("q.quastenflosser@NORDWIND-pumpen.example", by=world.mia)
    drain()

    assert traces() == []
    assert erasure is not None
    assert erasure.told["contacts"] == 1
    assert funnel.funnel(Filters()).steps == before
    assert (Assignment.objects.count(), LedgerEntry.objects.count()) == (assignments, ledger)
    lead.refresh_from_db()
    assert (lead.stage, lead.source.slug if lead.source else "") == ("opportunity", "google-ads")
    assert lead.contact.name == f"Erased person {lead.contact_id}"
    assert lead.contact.company is not None
    assert Activity.objects.get().disposition == "connected"
    assert Answer.objects.filter(is_met=True).count() == 4
    assert not Certificate.objects.filter(lead=lead).exists()
    assert breaches() == []
    # The deal on the board is the company's; it goes on without her.
    deal = BoardDeal.objects.get()
    assert (deal.contact_email, deal.contact_phone, deal.name) == ("", "", "Nordwind Pumpen GmbH")
    assert deal.notes.count() == 0
    assert Conflict.objects.filter(resolved_at=None).count() == 0
    assert not OutboxEntry.objects.exclude(state__in=["done", "superseded"]).exists()


def test_pages_go_on_without_her(world: World, client: Client) -> None:
    lead = whole_story(world)
    erase(QUIRINA["email"])
    drain()
    client.force_login(world.mia)
    for address in (
        f"/leads/{lead.pk}/",
        "/leads/",
        f"/leads/{lead.pk}/crm/",
        f"/handoffs/{Handoff.objects.get().pk}/",
    ):
        answer = client.get(address)
        assert answer.status_code == 200
        page = answer.content.decode()
        assert [trace for trace in TRACES if trace.lower() in page.lower()] == [], address
    assert f"Erased person {lead.contact_id}" in client.get(f"/leads/{lead.pk}/").content.decode()


def test_who_is_still_worked_leaves_the_queue_and_no_mail_goes_out(world: World) -> None:
    receive(world.channel, QUIRINA)
    drain()
    lead = Lead.objects.get()
    when = {"lead": lead, "by": world.ann}
    activity = Activity.objects.create(kind="email", at=lead.captured_at, **when)
    OutgoingMail.objects.create(
        to=QUIRINA["email"],
        subject="For Quirina",
        body="Dear Quirina",
        message_id="quasten-1",
        activity=activity,
        written_at=lead.captured_at,
        **when,
    )

    erase(QUIRINA["email"], by=world.mia)
    drain()

    lead.refresh_from_db()
    assert (lead.stage, lead.reason.code if lead.reason else "") == ("disqualified", "erased")
    assert OutgoingMail.objects.get().status == "cancelled"
    assert traces() == []
    assert breaches() == []


def test_an_integration_cannot_bring_her_back_and_is_told_why(world: World, client: Client) -> None:
    receive(world.channel, QUIRINA)
    drain()
    erase(QUIRINA["email"])
    body = json.dumps(QUIRINA | {"external_id": "again"})
    headers = {"Authorization": f"Bearer {world.token}"}

    answer = client.post("/api/v1/capture/", body, content_type="application/json", headers=headers)
    assert answer.status_code == 202
    drain()

    told = client.get(answer.json()["url"], headers=headers).json()
    assert told["status"] == "refused"
    assert "erased on request" in json.dumps(told)
    assert Contact.objects.count() == 1
    assert traces() == []


def test_a_file_cannot_bring_her_back_and_the_row_says_why(world: World, tmp_path: Any) -> None:
    receive(world.channel, QUIRINA)
    drain()
    erase(QUIRINA["email"])
    path = tmp_path / "people.csv"
    path.write_text(f"email,name\n{QUIRINA['email']},Quirina Quastenflosser\nben@other.example,Ben Ode\n")

    call_command("import_leads", str(path), channel="fair", stdout=StringIO())
    drain()

    row = ImportRow.objects.get()
    assert (row.cells, row.field) == ({}, "email")
    assert "erased on request" in row.reason
    assert Contact.objects.exclude(email="").get().email == "ben@other.example"
    ImportRun.objects.update(file_name="people.csv")
    assert traces() == []


def test_who_comes_back_by_themselves_waits_for_an_admin(world: World) -> None:
    receive(world.channel, QUIRINA)
    drain()
    erase(QUIRINA["email"])
    form = make_channel("contact-form", kind="form")

    held = receive(form, {"email": QUIRINA["email"], "name": QUIRINA["name"], "message": "I am back"}).capture

    held.refresh_from_db()
    assert (held.status, held.verdict) == ("quarantined", "erased")
    assert Contact.objects.count() == 1
    release(held.pk, by=world.mia)
    drain()
    back = Contact.objects.get(email_key="q.quastenflosser@nordwind-pumpen.example")
    assert back.erased_at is None
    assert back.leads.count() == 1
    # From now on she is as known as anybody.
    receive(world.channel, QUIRINA | {"external_id": "later"})
    assert Capture.objects.order_by("-received_at").first().status == "accepted"


def test_those_merged_with_her_are_her(world: World) -> None:
    receive(world.channel, QUIRINA)
    receive(world.channel, {"email": "quirina@private.example", "name": "Quirina Quastenflosser"})
    drain()
    kept, gone = Contact.objects.order_by("pk")
    merge_contacts(kept.pk, gone.pk, {}, by=world.mia)
    assert traces()

    erase("quirina@private.example")
    drain()

    assert traces() == []
    assert Contact.objects.filter(erased_at=None).count() == 0


def test_others_are_left_alone_and_a_colleague_keeps_their_account(world: World) -> None:
    receive(world.channel, QUIRINA)
    receive(
        world.channel, {"email": "ben@nordwind-pumpen.example", "name": "Ben Ode", "message": f"Ask {QUIRINA['email']}"}
    )
    drain()
    colleague = make_user("sdr", email="q.quastenflosser@nordwind-pumpen.example")

    erase(QUIRINA["email"])

    ben = Contact.objects.get(email_key="ben@nordwind-pumpen.example")
    assert (ben.name, ben.leads.count(), ben.erased_at) == ("Ben Ode", 1, None)
    assert Certificate.objects.filter(lead__contact=ben).exists()
    assert ben.leads.get().touchpoints.get().message == "Ask …"
    assert User.objects.get(pk=colleague.pk).email == "q.quastenflosser@nordwind-pumpen.example"


def test_what_a_crm_that_is_off_keeps_is_a_task_for_a_person(world: World) -> None:
    whole_story(world)
    link = Link.objects.get()
    Connection.objects.update(mode="off", adapter="salesforce", name="Salesforce")

    erasure = erase(QUIRINA["email"], by=world.mia)

    assert erasure is not None
    task = erasure.tasks.get()
    assert (task.system, task.what, task.state) == ("Salesforce", f"deal {link.remote_id}", "open")
    link.refresh_from_db()
    assert "contact_email" not in link.shadow
    done = finish_task(task.pk, by=world.mia)
    assert (done.state, done.done_by) == ("done", world.mia)
    assert finish_task(task.pk, by=world.ann).done_by == world.mia


def test_the_command_tells_what_it_did(world: World) -> None:
    whole_story(world)
    out = StringIO()
    call_command("erase", QUIRINA["email"], stdout=out)
    said = out.getvalue()
    assert "contacts: 1\n" in said
    assert f"Erased (number {Erasure.objects.get().pk})." in said
    assert ErasedKey.objects.count() >= 2
    with pytest.raises(CommandError, match="Nobody with this address is known"):
        call_command("erase", QUIRINA["email"], stdout=out)
    with pytest.raises(CommandError):
        call_command("erase", "no address", stdout=out)


@pytest.mark.parametrize(
    ("kept", "rest"),
    [
        ({"from": "mql", "user": 4, "sum": "300000.00"}, {"from": "mql", "user": 4, "sum": ""}),
        ({"changes": {"stage": ["Demo", "Won"], "name": ["A", "B"]}}, {"changes": {"stage": ["Demo", "Won"]}}),
        ({"name": "demo", "who": "x", "reason": "no-budget"}, {"reason": "no-budget"}),
        (["Quirina", "price", 3, None, True], ["", "price", 3, None, True]),
        ({"due_at": "2026-12-01T10:00:00+00:00"}, {"due_at": "2026-12-01T10:00:00+00:00"}),
        (
            {"opportunity": "8d8ac610-566d-4ef0-9c22-186b2a5ed793"},
            {"opportunity": "8d8ac610-566d-4ef0-9c22-186b2a5ed793"},
        ),
        ({"number": "4972155501877", "at": "a@b.example"}, {"number": "", "at": ""}),
    ],
)
def test_what_may_stay_of_details(kept: Any, rest: Any) -> None:
    assert without_person(kept) == rest


def test_the_deal_goes_on_and_nobody_else_has_anything_to_do(world: World) -> None:
    whole_story(world)
    erase(QUIRINA["email"])
    push_connection(Connection.objects.get(slug="local").pk)
    assert Opportunity.objects.get().stage == "open"
    assert ErasureTask.objects.count() == 0


def test_whoever_was_just_being_taken_in_is_erased_as_well(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    receive(world.channel, QUIRINA)
    drain()

    def meanwhile(subject: Subject) -> int:
        # Another worker attaches a submission that it had read before anybody asked to be erased.
        monkeypatch.undo()
        make_contact(email="q.quastenflosser@nordwind-pumpen.example", first_name="Quirina", last_name="Quastenflosser")
        return 0

    monkeypatch.setattr("leads.services.erase.empty_leftovers", meanwhile)
    erase(QUIRINA["email"])

    assert Contact.objects.filter(erased_at=None).count() == 0
    assert Erasure.objects.get().told["contacts"] == 2
    assert traces() == []

"""R01: both sides are compared and every seeded difference is found; a person mends what cannot mend itself."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse

from crmsync.adapters import errors
from crmsync.adapters.base import Remote
from crmsync.models import AuditRow, Conflict, Connection, Link, Opportunity, OutboxEntry, Parent, ReconcileRun
from crmsync.pages.conflict import histories
from crmsync.services import backfill as filling
from crmsync.services.claim import claim_next
from crmsync.services.convert import convert_lead
from crmsync.services.drift import compare, compare_due
from crmsync.services.reconcile import reconcile
from crmsync.tasks import pull_connection, push_connection
from leadmgmt.core.now import now
from leads.models import Organisation
from tests.crmsync.conformance.steps import rename
from tests.crmsync.memory import Killed
from tests.crmsync.stands.stand_own import SalesforceStand
from tests.crmsync.things import converted, later, make_crm, make_sql
from tests.factories import make_team, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client):
    client.force_login(make_user("admin", first_name="Rita"))
    return client


def deals(connection, count):
    """So many deals that both sides know."""
    made = []
    for _ in range(count):
        owner = make_user("sdr", team=make_team("inbound"))
        made.append(convert_lead(make_sql(owner=owner).pk, by=owner))
    push_connection(connection.pk)
    return made


def seed_all(crm, linked):
    """One difference of each class."""
    made = deals(linked, 8)
    ids = [link.remote_id for link in Link.objects.filter(connection=linked).order_by("pk")]
    prefix = Organisation.objects.get().instance
    del crm.records[ids[0]]
    crm.edit(ids[1], amount=Decimal("1"))
    crm.edit(ids[2], stage="Nowhere")
    again = crm.records[ids[3]]
    crm.records["twin"] = replace(again, remote_id="twin")
    strange = f"{prefix}:opportunity:{uuid4()}"
    crm.records["strange"] = replace(again, remote_id="strange", external_key=strange)
    Link.objects.filter(remote_id=ids[4]).update(state="remote_deleted", apart_at=now())
    Link.objects.filter(remote_id=ids[5]).update(state="merged", apart_at=now())
    Link.objects.filter(remote_id=ids[6]).update(state="quarantined", apart_at=now())
    return made, ids


def test_r01_every_seeded_difference_is_found_and_no_other(crm, linked):
    seed_all(crm, linked)

    report = reconcile(linked)

    assert dict(report.counts) == {
        "missing_remote": 1,
        "field_diff": 2,
        "stage_unmapped": 1,
        "duplicate_key": 1,
        "missing_local": 1,
        "deleted": 1,
        "merged": 1,
        "orphan_link": 1,
    }


def test_r01_both_sides_that_agree_have_no_difference(crm, linked):
    deals(linked, 3)

    assert compare(linked.pk) == "0 differences, 0 mended"
    assert ReconcileRun.objects.get().counts == {}


def test_a_little_is_mended_by_reading_again(crm, linked):
    one, two = deals(linked, 2)
    ids = [link.remote_id for link in Link.objects.order_by("pk")]
    crm.edit(ids[0], amount=Decimal("77"))
    del crm.records[ids[1]]

    assert compare(linked.pk) == "2 differences, 2 mended"

    assert Opportunity.objects.get(pk=one.pk).amount == Decimal("77")
    assert Link.objects.get(opportunity=two).state == "remote_deleted"


def test_a_lot_is_left_to_a_person(crm, linked):
    deals(linked, 12)
    for remote_id in list(crm.records):
        crm.edit(remote_id, amount=Decimal("77"))

    assert compare(linked.pk) == "12 differences, 0 mended"
    assert not Opportunity.objects.filter(amount=77).exists()


def test_nothing_is_mended_where_the_admin_does_not_want_it(crm, linked):
    deals(linked, 1)
    Connection.objects.filter(pk=linked.pk).update(config={"mend": []})
    crm.edit(crm.only().remote_id, amount=Decimal("77"))

    assert compare(linked.pk) == "1 differences, 0 mended"


def test_a_crm_that_cannot_be_read_says_so(crm, linked):
    crm.faults["changes"] = [errors.Unavailable("no")]

    assert compare(linked.pk) == "no answer"
    assert "Unavailable" in ReconcileRun.objects.get().error


def test_it_is_compared_once_a_night(crm, linked):
    night = datetime(2026, 12, 1, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))

    assert compare_due(night + timedelta(hours=9)) == 0
    assert compare_due(night) == 1
    ReconcileRun.objects.create(connection=linked, begun_at=night)
    assert compare_due(night + timedelta(minutes=30)) == 0
    assert compare_due(night + timedelta(days=1)) == 1


def test_r01_a_backfill_that_is_killed_goes_on_where_it_was(crm, linked, monkeypatch):
    Connection.objects.filter(pk=linked.pk).update(mode="off")
    for _ in range(5):
        owner = make_user("sdr", team=make_team("inbound"))
        convert_lead(make_sql(owner=owner).pk, by=owner)
    Connection.objects.filter(pk=linked.pk).update(mode="both")
    linked.refresh_from_db()
    real, seen = filling._queue, []

    def killed(connection, pk):
        seen.append(pk)
        if len(seen) == 3:
            raise Killed
        return real(connection, pk)

    monkeypatch.setattr(filling, "_queue", killed)
    with pytest.raises(Killed):
        filling.backfill(linked)
    assert filling.missing(linked) == 3
    monkeypatch.setattr(filling, "_queue", real)

    assert filling.backfill(linked) == 3
    push_connection(linked.pk)
    assert len(crm.records) == 5
    assert set(OutboxEntry.objects.filter(connection=linked).values_list("priority", "state")) == {(1, "done")}


def test_what_people_do_goes_before_what_is_brought_up_to_date(crm, linked):
    Connection.objects.filter(pk=linked.pk).update(mode="off")
    deals(linked, 3)
    Connection.objects.filter(pk=linked.pk).update(mode="both")
    linked.refresh_from_db()
    filling.backfill(linked)
    (fresh,) = _convert(1)

    assert claim_next(linked.pk, now()).entry.opportunity_id == fresh.pk


def _convert(count):
    made = []
    for _ in range(count):
        owner = make_user("sdr", team=make_team("inbound"))
        made.append(convert_lead(make_sql(owner=owner).pk, by=owner))
    return made


def test_all_of_one_kind_are_tried_again_at_once(admin, crm, linked):
    crm.faults["upsert"] = [errors.Invalid("no"), errors.Invalid("no"), errors.Forbidden("no")]
    deals(linked, 3)
    page = admin.get("/setup/crm/").content.decode()
    assert "All 2 of Invalid at memory" in page

    admin.post(reverse("crmsync:class_retry", args=[linked.pk]), {"error_class": "Invalid"})

    states = list(OutboxEntry.objects.filter(connection=linked).order_by("pk").values_list("state", flat=True))
    # What may have reached the CRM is verified first.
    assert sorted(states) == ["verify", "verify", "waiting"]


def test_the_difference_that_an_entry_would_send_is_shown(admin, crm, linked):
    _, opportunity = converted()
    push_connection(linked.pk)
    crm.faults["upsert"] = [errors.Invalid("no")]
    rename(opportunity, "Another name")
    push_connection(linked.pk)
    entry = OutboxEntry.objects.latest("pk")

    said = admin.get(reverse("crmsync:entry_diff", args=[entry.pk])).content.decode()

    assert "Another name" in said
    assert crm.calls.count("upsert") == 2


def test_a_record_that_stands_there_is_taken_for_the_deal(admin, crm, linked):
    crm.faults["upsert"] = [errors.DuplicateSuspected(candidates=["there"])]
    _, _opportunity = converted()
    push_connection(linked.pk)
    entry = OutboxEntry.objects.latest("pk")
    crm.records["there"] = Remote("deal", "there", None, {"name": "As they call it", "stage": "Open"}, "1", now())
    admin.post(reverse("crmsync:entry_adopt", args=[entry.pk]), {"kind": "deal", "remote_id": "nowhere"})
    assert Link.objects.get(connection=linked).remote_id is None

    admin.post(reverse("crmsync:entry_adopt", args=[entry.pk]), {"kind": "deal", "remote_id": "there"})
    push_connection(linked.pk)

    assert Link.objects.get(connection=linked).remote_id == "there"
    assert set(crm.records) == {"there"}
    assert OutboxEntry.objects.get(pk=entry.pk).state == "done"
    assert AuditRow.objects.filter(verdict="adopted", actor__startswith="user:").exists()


def test_a_record_that_another_deal_has_is_not_taken_twice(admin, crm, linked):
    one, other = deals(linked, 2)
    taken = Link.objects.get(opportunity=one).remote_id
    crm.faults["upsert"] = [errors.Invalid("no")]
    rename(other, "Another")
    push_connection(linked.pk)
    entry = OutboxEntry.objects.latest("pk")

    admin.post(reverse("crmsync:entry_adopt", args=[entry.pk]), {"kind": "deal", "remote_id": taken})

    assert Link.objects.get(opportunity=other).remote_id != taken
    assert OutboxEntry.objects.get(pk=entry.pk).state == "dead"


@pytest.mark.parametrize("another", [False, True])
def test_a_company_that_is_there_already_waits_for_a_person(admin, settings, another):
    settings.OUTBOUND_ALLOW_PRIVATE = ["127.0.0.1"]
    stand = SalesforceStand()
    stand.start()
    try:
        make_crm()
        Connection.objects.update(mode="off")
        make_user("ae", first_name="Ada", email=stand.ae)
        connection = stand.connect(adopt_matches=False)
        _, opportunity = converted()
        domain = opportunity.lead.contact.company.domain
        there = stand.crm.create("Account", {"Name": "As they call it", "Website": f"https://www.{domain}/"})
        push_connection(connection.pk)
        entry = OutboxEntry.objects.latest("pk")
        assert (entry.state, entry.error_class) == ("waiting", "NeedsPerson")
        assert "Take this one" in admin.get("/setup/crm/").content.decode()

        said = {"kind": "company"} | ({"another": "yes"} if another else {"remote_id": there["Id"]})
        admin.post(reverse("crmsync:entry_adopt", args=[entry.pk]), said)
        push_connection(connection.pk)

        assert OutboxEntry.objects.get(pk=entry.pk).state == "done"
        company = Parent.objects.get(kind="company")
        assert (company.remote_id == there["Id"]) is not another
        assert company.is_ours is another
        assert len(stand.crm.records["Account"]) == 1 + another
    finally:
        stand.stop()


def test_a_value_of_ours_that_was_changed_there_is_written_again(admin, crm, linked):
    _, opportunity = converted()
    push_connection(linked.pk)
    crm.edit(crm.only().remote_id, name="Theirs")
    pull_connection(linked.pk)
    conflict = Conflict.objects.get(field="name")
    assert "Write ours again" in admin.get("/setup/crm/").content.decode()

    admin.post(reverse("crmsync:conflict_restore", args=[conflict.pk]))
    push_connection(linked.pk)

    assert crm.only().values["name"] == opportunity.name
    assert Conflict.objects.get(pk=conflict.pk).resolved_at


def test_a_conflict_tells_both_histories(admin, crm, linked):
    _, opportunity = converted()
    push_connection(linked.pk)
    first = opportunity.name
    with later(minutes=1):
        pull_connection(linked.pk)
    with later(minutes=2):
        crm.edit(crm.only().remote_id, name="Theirs", by="jo@there.example", at=now())
    rename(opportunity, "Ours")
    with later(minutes=3):
        pull_connection(linked.pk)
        both = histories(Conflict.objects.get(field="name", rule="keep_ours"))

    assert [(step.value, step.who) for step in both.there] == [("Theirs", "jo@there.example"), (first, "us")]
    assert [step.value for step in both.here] == ["Ours", first]
    assert both.waiting
    page = admin.get("/setup/crm/").content.decode()
    address = reverse("crmsync:conflict_history", args=[both.conflict.pk])
    assert "Both histories" in page
    assert f'hx-get="{address}"' in page
    shown = admin.get(address).content.decode()
    assert shown.index("Theirs") < shown.rindex(first)
    assert "sent by Leadmgmt" in shown
    assert "on its way" in shown


def test_a_name_of_theirs_that_lost_is_taken_after_all(admin, crm, linked):
    _, opportunity = converted()
    push_connection(linked.pk)
    crm.edit(crm.only().remote_id, name="Theirs")
    rename(opportunity, "Ours")
    pull_connection(linked.pk)
    push_connection(linked.pk)
    conflict = Conflict.objects.get(field="name", rule="keep_ours")

    admin.post(reverse("crmsync:conflict_restore", args=[conflict.pk]))
    push_connection(linked.pk)

    opportunity.refresh_from_db()
    assert (opportunity.name, crm.only().values["name"]) == ("Theirs", "Theirs")


def test_a_field_that_the_crm_owns_is_not_given_back(admin, crm, linked):
    _, opportunity = converted()
    push_connection(linked.pk)
    link = Link.objects.get(connection=linked)
    conflict = Conflict.objects.create(link=link, field="amount", ours="1", theirs="2", rule="take_theirs", at=now())

    admin.post(reverse("crmsync:conflict_restore", args=[conflict.pk]))

    assert Conflict.objects.get(pk=conflict.pk).resolved_at is None
    assert "Write ours again" not in admin.get("/setup/crm/").content.decode()
    assert opportunity.amount != 1

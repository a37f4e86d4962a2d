"""What goes wrong on the way in: hints, pages, late and broken states."""

import pytest
from django.db import connection as database

from crmsync.adapters import errors
from crmsync.adapters.base import Upsert
from crmsync.fields import ALL_FIELDS
from crmsync.models import Conflict, Cursor, InboxEvent, Link, Opportunity, OutboxEntry
from crmsync.outgoing import outgoing
from crmsync.services.take_in import store
from crmsync.tasks import apply_inbox, pull_connection, pull_record, push_connection
from leadmgmt.core.now import now
from tests.crmsync.conformance.steps import rename
from tests.crmsync.things import converted, kinds, later, read

pytestmark = pytest.mark.django_db


def test_a_hint_that_is_faster_than_the_reply_to_our_own_create(crm, linked):
    lead, opportunity = converted()

    def webhook():
        record = crm({}, "")._create(_command(opportunity))
        pull_record(linked.pk, record.remote_id)

    crm.faults["upsert"] = [webhook]
    push_connection(linked.pk)

    assert len(crm.records) == 1
    assert Link.objects.get().remote_id == crm.only().remote_id
    assert OutboxEntry.objects.get(opportunity=opportunity).state == "done"
    assert read(lead).stage == "opportunity"


def _command(opportunity):
    link = Link.objects.get(opportunity=opportunity)
    values = outgoing(Opportunity.objects.get(pk=opportunity.pk), link.connection, ALL_FIELDS)
    return Upsert("deal", link.external_key, values, mode="create")


def test_a_page_that_fails_leaves_the_cursor_and_the_next_poll_reads_it_again(crm, linked):
    lead, _ = converted()
    push_connection(linked.pk)
    crm.edit(crm.only().remote_id, stage="Won")
    crm.faults["changes"] = [("after", errors.Unavailable("cut off"))]

    pull_connection(linked.pk)
    assert not Cursor.objects.exists()
    assert read(lead).stage == "opportunity"

    pull_connection(linked.pk)
    assert read(lead).stage == "won"
    assert Cursor.objects.exists()


def test_a_row_that_becomes_visible_late_is_found(crm, linked):
    lead, _ = converted()
    push_connection(linked.pk)
    stamped = now()
    with later(minutes=1):
        pull_connection(linked.pk)
    crm.edit(crm.only().remote_id, stage="Won", at=stamped)

    with later(minutes=2):
        pull_connection(linked.pk)

    assert read(lead).stage == "won"


def test_an_older_state_that_arrives_late_changes_nothing(crm, linked):
    lead, _opportunity = converted()
    push_connection(linked.pk)
    remote_id = crm.only().remote_id
    crm.edit(remote_id, stage="Demo")
    old = crm.only()
    with later(minutes=1):
        crm.edit(remote_id, stage="Lost", lost_reason="Price")
        pull_record(linked.pk, remote_id)
        # A list that lags behind shows what was there before.
        store(linked, [old], via="poll", at=now())
        apply_inbox(linked.pk)

    assert read(lead).stage == "recycled"
    assert kinds(lead).count("opportunity.reopened") == 0


def test_a_failure_while_applying_takes_everything_back_and_is_tried_again(crm, linked):
    lead, _ = converted()
    push_connection(linked.pk)
    crm.edit(crm.only().remote_id, stage="Lost", lost_reason="Price", amount="not a number")

    with database.execute_wrapper(_no_audit):
        pull_connection(linked.pk)
    event = InboxEvent.objects.get()
    assert (event.state, event.attempts, read(lead).stage) == ("ready", 1, "opportunity")
    assert "broken" in event.error

    with later(minutes=20):
        pull_connection(linked.pk)
    assert read(lead).stage == "recycled"
    assert Conflict.objects.get().rule == "unreadable"


def _no_audit(execute, sql, params, many, context):
    if 'INSERT INTO "crmsync_auditrow"' in sql:
        raise RuntimeError("broken")
    return execute(sql, params, many, context)


def test_a_state_that_cannot_be_applied_does_not_block_a_newer_one(crm, linked):
    lead, _ = converted()
    push_connection(linked.pk)
    remote_id = crm.only().remote_id
    crm.edit(remote_id, stage="Demo")
    with database.execute_wrapper(_no_audit):
        pull_connection(linked.pk)
    InboxEvent.objects.update(body={})

    crm.edit(remote_id, stage="Won")
    pull_record(linked.pk, remote_id)

    assert read(lead).stage == "won"
    assert set(InboxEvent.objects.values_list("state", flat=True)) == {"done", "dead"}


@pytest.mark.parametrize("amount", ["1e30", "-1e12", "many", "NaN"])
def test_an_amount_that_cannot_be_kept_is_a_conflict_and_the_rest_goes_on(crm, linked, amount):
    lead, opportunity = converted()
    push_connection(linked.pk)

    crm.edit(crm.only().remote_id, stage="Lost", lost_reason="x" * 5000, amount=amount, close_on="soon")
    pull_connection(linked.pk)

    opportunity.refresh_from_db()
    assert (opportunity.amount, read(lead).stage, len(opportunity.loss_text)) == (30000, "recycled", 255)
    assert {conflict.field for conflict in Conflict.objects.all()} == {"amount", "close_on"}


def test_what_we_wrote_is_agreed_at_once_so_that_an_edit_right_after_it_is_theirs_alone(crm, linked):
    _, opportunity = converted()
    push_connection(linked.pk)
    rename(opportunity, "By us")
    push_connection(linked.pk)
    crm.edit(crm.only().remote_id, name="By a person over there")

    pull_connection(linked.pk)

    # Both sides would have changed it, had our write not been agreed on.
    assert Conflict.objects.get().rule == "drift"

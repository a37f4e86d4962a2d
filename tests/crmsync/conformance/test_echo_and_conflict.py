"""E01–E04, C01: what we caused causes nothing more, and no edit of a person is lost without a trace."""

from decimal import Decimal

import pytest

from crmsync.fields import Owner, Verdict, merge
from crmsync.models import Conflict, Connection, Opportunity, OutboxEntry
from crmsync.services import send as sending
from tests.crmsync.conformance.conftest import every, over, wired
from tests.crmsync.conformance.steps import entry_of, link_of, poll, push, rename, there

pytestmark = pytest.mark.django_db


@every
def test_e01_our_own_write_comes_back_and_causes_nothing(stand, crm):
    _, opportunity, _ = there(stand, crm)
    rename(opportunity, "Renamed by us")
    push(crm)
    entries = OutboxEntry.objects.count()
    writes = stand.proxy.writes if stand.has_wire else 0

    for _ in range(10):
        poll(crm)
        push(crm)

    assert OutboxEntry.objects.count() == entries
    assert not Conflict.objects.exists()
    if stand.has_wire:
        assert stand.proxy.writes == writes


@over("salesforce", "tryton", "odoo")
def test_e02_a_value_that_the_crm_writes_its_own_way_settles_at_once(stand, crm):
    _, opportunity, _ = there(stand, crm)
    rename(opportunity, "  With room around  ")
    push(crm)
    writes = stand.proxy.writes

    for _ in range(3):
        poll(crm)
        push(crm)

    assert stand.proxy.writes == writes
    assert entry_of(opportunity).state == "done"


@wired
def test_e03_an_edit_between_our_look_and_our_write_survives(stand, crm, monkeypatch):
    """The person writes another field of the same record right before us, and their own name of the deal."""
    _, opportunity, remote_id = there(stand, crm)
    poll(crm)
    rename(opportunity, "Our name")
    real, done = sending.fence, []

    def fence(claim, at):
        if not done:
            done.append(True)
            stand.edit(remote_id, amount=Decimal("123"), name="Their name")
        return real(claim, at)

    monkeypatch.setattr(sending, "fence", fence)
    push(crm)
    for _ in range(2):
        poll(crm)
        push(crm)

    opportunity.refresh_from_db()
    assert opportunity.amount == Decimal("123")
    assert stand.only()[1]["amount"] == Decimal("123")
    assert stand.only()[1]["name"] == "Our name"
    if stand.adapter(crm).capabilities().compare_and_set:
        assert Conflict.objects.filter(field="name", theirs="Their name").exists()


@every
def test_e03_an_edit_before_our_write_is_a_conflict_and_not_lost(stand, crm):
    _, opportunity, remote_id = there(stand, crm)
    rename(opportunity, "Our name")
    stand.edit(remote_id, amount=Decimal("123"), name="Their name")

    push(crm)
    poll(crm)
    push(crm)

    assert stand.only()[1]["amount"] == Decimal("123")
    assert stand.only()[1]["name"] == "Our name"
    assert Opportunity.objects.get().amount == Decimal("123")
    assert Conflict.objects.filter(field="name", ours="Our name", theirs="Their name").exists()


@wired
def test_e04_a_ring_of_two_crms_settles(stand, crm):
    """What one CRM says goes on to the other, and no further."""
    Connection.objects.filter(slug="local").update(mode="both")
    board = Connection.objects.get(slug="local")
    _, opportunity, remote_id = there(stand, crm)
    push(board)
    stand.edit(remote_id, amount=Decimal("4321"))
    for _ in range(3):
        for one in (crm, board):
            poll(one)
            push(one)
    entries, writes = OutboxEntry.objects.count(), stand.proxy.writes

    for _ in range(10):
        for one in (crm, board):
            poll(one)
            push(one)

    assert (OutboxEntry.objects.count(), stand.proxy.writes) == (entries, writes)
    assert Opportunity.objects.get(pk=opportunity.pk).amount == Decimal("4321")
    assert link_of_in(opportunity, crm).shadow["amount"] == "4321"


def link_of_in(opportunity, connection):
    return opportunity.links.get(connection=connection)


OURS, THEIRS = Owner.OURS, Owner.THEIRS
# owner, last agreed, ours now, theirs now → what follows
MATRIX = [
    (OURS, "a", "a", "a", Verdict.NOTHING),
    (OURS, "a", "b", "a", Verdict.PUSH),
    (OURS, "a", "a", "b", Verdict.DRIFT),
    (OURS, "a", "b", "b", Verdict.AGREE),
    (OURS, "a", "b", "c", Verdict.KEEP_OURS),
    (OURS, None, "b", None, Verdict.PUSH),
    (OURS, None, None, "b", Verdict.DRIFT),
    (OURS, "a", None, "b", Verdict.KEEP_OURS),
    (OURS, "a", "b", None, Verdict.KEEP_OURS),
    (THEIRS, "a", "a", "a", Verdict.NOTHING),
    (THEIRS, "a", "b", "a", Verdict.PUSH),
    (THEIRS, "a", "a", "b", Verdict.PULL),
    (THEIRS, "a", "b", "b", Verdict.AGREE),
    (THEIRS, "a", "b", "c", Verdict.TAKE_THEIRS),
    (THEIRS, None, None, "b", Verdict.PULL),
    (THEIRS, "a", "a", None, Verdict.PULL),
    (THEIRS, "a", "b", None, Verdict.TAKE_THEIRS),
    (THEIRS, "a", None, "b", Verdict.TAKE_THEIRS),
]


@pytest.mark.parametrize(("owner", "base", "ours", "theirs", "verdict"), MATRIX)
def test_c01_the_matrix_of_changes(owner, base, ours, theirs, verdict):
    assert merge(owner, base, ours, theirs) is verdict


@every
def test_c01_the_loser_of_a_conflict_is_kept(stand, crm):
    _, opportunity, remote_id = there(stand, crm)
    stand.edit(remote_id, name="Their name")
    poll(crm)

    conflict = Conflict.objects.get(field="name")
    assert (conflict.ours, conflict.theirs, conflict.rule) == (opportunity.name, "Their name", "drift")
    assert link_of(opportunity).shadow["name"] == "Their name"

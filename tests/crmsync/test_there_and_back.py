"""Conversion → outbox → board, and lost, won and reopened back."""

from datetime import timedelta
from decimal import Decimal

import pytest

from crmsync.models import AuditRow, BoardDeal, Conflict, InboxEvent, Link, OutboxEntry
from crmsync.services.convert import convert_lead
from crmsync.tasks import pull_connection, push_connection
from leadmgmt.audit import CHECKS, run
from leadmgmt.core.now import now
from leads import lifecycle
from leads.lifecycle import Cause
from routing.models import Notification
from routing.notices import notice_of, who
from tests.crmsync.things import deal_of, kinds, make_crm, make_deal, on_the_board, read
from tests.factories import make_user
from tests.worker import drain

pytestmark = pytest.mark.django_db


def test_a_conversion_reaches_the_board_with_all_that_is_known():
    crm = make_crm()

    lead, opportunity, deal = make_deal()

    assert lead.stage == "opportunity"
    assert (deal.stage, deal.name, deal.amount) == ("Discovery", opportunity.name, Decimal(30000))
    assert deal.company == lead.contact.company.name
    assert (deal.contact, deal.contact_email) == ("Annika Hoffmann", lead.contact.email)
    assert deal.owner_email == opportunity.owner.email
    assert deal.source == "Google Ads"
    assert "Budget: € 30,000 a year" in deal.summary
    assert "“budget quote”" in deal.summary
    assert deal.link.endswith(f"/leads/{lead.pk}/")
    link = Link.objects.get(connection=crm, opportunity=opportunity)
    assert (link.state, link.remote_id, link.remote_version) == ("linked", str(deal.pk), "1")
    assert list(OutboxEntry.objects.values_list("state", flat=True)) == ["done"]


def test_lost_on_the_board_recycles_the_lead_with_reason_and_wake_up_date():
    crm = make_crm()
    lead, opportunity, deal = make_deal()

    on_the_board(deal, "Lost", lost_reason="Price")
    pull_connection(crm.pk)

    lead, deal = read(lead), deal_of(opportunity)
    opportunity.refresh_from_db()
    assert (lead.stage, lead.reason.code) == ("recycled", "price")
    assert lead.wake_at - deal.modified_at > timedelta(days=178)
    assert (opportunity.stage, opportunity.loss_reason.code, opportunity.closed_at) == (
        "lost",
        "price",
        deal.modified_at,
    )
    event = lead.events.get(kind="stage.recycled")
    assert (event.actor_label, event.at) == ("crm:local", deal.modified_at)
    assert event.data["lost"] is True
    assert event.data["reason"] == "price"
    assert opportunity.handoffs.get().status == "withdrawn"


def test_won_on_the_board_makes_the_lead_won_with_the_amount():
    crm = make_crm()
    lead, opportunity, deal = make_deal()

    on_the_board(deal, "Won", amount="31500.50")
    pull_connection(crm.pk)

    opportunity.refresh_from_db()
    assert read(lead).stage == "won"
    assert (opportunity.stage, opportunity.amount) == ("won", Decimal("31500.50"))
    assert lead.events.get(kind="stage.won").data["amount"] == "31500.50"
    assert read(lead).contact.company.is_customer


def test_lost_then_reopened_then_won_is_followed_step_by_step():
    crm = make_crm()
    lead, _opportunity, deal = make_deal()

    for stage, ours in (("Lost", "recycled"), ("Negotiation", "opportunity"), ("Won", "won"), ("Lost", "recycled")):
        on_the_board(deal, stage, lost_reason="Price" if stage == "Lost" else "")
        pull_connection(crm.pk)
        assert read(lead).stage == ours

    assert not Conflict.objects.exists()


def test_lost_first_and_won_after_all_goes_through_opportunity():
    crm = make_crm()
    lead, _, deal = make_deal()
    on_the_board(deal, "Lost")
    pull_connection(crm.pk)

    on_the_board(deal, "Won")
    pull_connection(crm.pk)

    assert read(lead).stage == "won"
    assert kinds(lead)[-3:] == ["opportunity.won", "stage.opportunity", "stage.won"]


@pytest.mark.parametrize(
    ("text", "code", "kept"), [("", "unknown_from_crm", ""), ("The CEO's nephew", "other", "The CEO's nephew")]
)
def test_no_loss_reason_is_ever_guessed(text, code, kept):
    crm = make_crm()
    lead, opportunity, deal = make_deal()

    on_the_board(deal, "Lost", lost_reason=text)
    pull_connection(crm.pk)

    opportunity.refresh_from_db()
    assert (opportunity.loss_reason.code, opportunity.loss_text) == (code, kept)
    assert read(lead).reason.code == code
    # Whoever lost it without a word is asked why, once.
    asked = Notification.objects.filter(kind="crm.no_reason", way="in_app")
    assert [one.user for one in asked] == ([opportunity.owner] if not text else [])
    if asked:
        notice = notice_of(asked.get())
        assert notice.title(asked.get()) == f"{who(lead)}: lost, and nobody says why"
        assert notice.line(asked.get()) == "Write the reason into the deal in Board."


def test_an_unmapped_stage_is_held_while_other_fields_flow_and_goes_on_once_mapped():
    crm = make_crm()
    lead, opportunity, deal = make_deal()

    on_the_board(deal, "Paperwork", amount="777")
    pull_connection(crm.pk)

    opportunity.refresh_from_db()
    held = InboxEvent.objects.get(state="waiting")
    assert opportunity.amount == Decimal(777)
    assert (opportunity.stage, read(lead).stage) == ("open", "opportunity")
    assert held.error == "The stage “Paperwork” is not mapped."

    from crmsync.services.repair import release_held

    crm.stages.create(remote="Paperwork", meaning="won", position=9)
    assert release_held(crm.pk) == 1
    drain()

    assert read(lead).stage == "won"
    assert not InboxEvent.objects.exclude(state="done").exists()


def test_a_move_that_the_lifecycle_forbids_becomes_a_conflict():
    crm = make_crm()
    lead, opportunity, deal = make_deal()
    on_the_board(deal, "Lost", lost_reason="Price")
    pull_connection(crm.pk)
    from leads.lifecycle import Cause, reopen

    reopen(lead.pk, Cause(by="test"))

    on_the_board(deal, "Won")
    pull_connection(crm.pk)

    opportunity.refresh_from_db()
    assert (read(lead).stage, opportunity.stage) == ("new", "lost")
    conflict = Conflict.objects.get()
    assert (conflict.field, conflict.theirs, conflict.rule) == ("stage", "Won", "lifecycle forbids")


def test_a_win_of_the_old_deal_does_not_close_over_the_new_one_of_a_lead_that_came_back():
    crm = make_crm()
    lead, old, deal = make_deal()
    on_the_board(deal, "Lost", lost_reason="Price")
    pull_connection(crm.pk)
    new = come_back(lead)

    on_the_board(deal, "Won")
    pull_connection(crm.pk)

    old.refresh_from_db()
    new.refresh_from_db()
    assert (read(lead).stage, old.stage, new.stage) == ("opportunity", "lost", "open")
    assert [(one.theirs, one.rule) for one in Conflict.objects.all()] == [("Won", "lifecycle forbids")]
    assert [breach for check, broken in run(CHECKS) for breach in broken if check.name.startswith("crm.")] == []


def come_back(lead):
    """A person opens the lead again, and it is qualified and handed over a second time."""
    for move in (lifecycle.reopen, lifecycle.to_mql, lifecycle.to_sql):
        move(lead.pk, Cause(by="test"))
    return convert_lead(lead.pk, by=None)


def test_owner_amount_and_date_follow_the_crm_in_one_event():
    crm = make_crm()
    lead, opportunity, deal = make_deal()
    bob = make_user("ae", first_name="Bob")

    BoardDeal.objects.filter(pk=deal.pk).update(
        owner_email=bob.email, amount=Decimal("5"), version=2, modified_at=now()
    )
    pull_connection(crm.pk)

    opportunity.refresh_from_db()
    assert (opportunity.owner, opportunity.amount, read(lead).ae) == (bob, Decimal(5), bob)
    assert kinds(lead).count("opportunity.changed") == 1


def test_our_own_change_comes_back_as_no_change():
    crm = make_crm()
    lead, _, _ = make_deal()
    before = kinds(lead)

    for _ in range(10):
        pull_connection(crm.pk)
        push_connection(crm.pk)
        drain()

    assert kinds(lead) == before
    assert OutboxEntry.objects.count() == 1
    assert BoardDeal.objects.get().version == 1
    assert set(AuditRow.objects.filter(direction="pull").values_list("verdict", flat=True)) == {"suppressed"}


def test_every_job_may_run_twice():
    crm = make_crm()
    lead, _, deal = make_deal()
    on_the_board(deal, "Lost", lost_reason="Price")

    for _ in range(2):
        push_connection(crm.pk)
        pull_connection(crm.pk)

    assert kinds(lead).count("stage.recycled") == 1
    assert BoardDeal.objects.count() == 1

"""The board, a lead's CRM panel, and the health page."""

import re
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from crmsync.models import BoardDeal, Conflict, InboxEvent, OutboxEntry
from crmsync.tasks import pull_connection
from leads.models import Team
from tests.crmsync.things import deal_of, make_crm, make_deal, make_sql, on_the_board, read
from tests.factories import make_user
from tests.worker import drain

pytestmark = pytest.mark.django_db


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def move(client, deal, **said):
    return client.post(reverse("crmsync:deal_move", args=[deal.pk]), {"version": deal.version, **said})


def test_moving_a_deal_changes_the_board_at_once_and_the_lead_through_the_sync():
    make_crm()
    _lead, opportunity, deal = make_deal()
    client = signed_in(opportunity.owner)

    assert move(client, deal, stage="Demo").status_code == 302
    assert deal_of(opportunity).stage == "Demo"
    opportunity.refresh_from_db()
    assert opportunity.remote_stage == "Discovery"
    assert "on its way" in client.get(reverse("crmsync:board")).content.decode()

    drain()
    opportunity.refresh_from_db()
    assert opportunity.remote_stage == "Demo"
    assert "on its way" not in client.get(reverse("crmsync:board")).content.decode()


def test_a_win_asks_for_its_amount_and_a_loss_for_its_reason():
    make_crm()
    lead, opportunity, deal = make_deal()
    client = signed_in(opportunity.owner)

    refused = move(client, deal, stage="Lost")
    assert refused.status_code == 422
    page = refused.content.decode()
    assert "Say why it was lost." in page
    assert "(needed for a loss)" in page
    assert not re.search(r"Lost because\s*<span[^>]*>\(optional\)", page)
    assert move(client, deal, stage="Won", amount="").status_code == 422
    assert BoardDeal.objects.get().version == 1

    assert move(client, deal, stage="Won", amount="1234.50").status_code == 302
    drain()
    assert read(lead).stage == "won"
    assert deal_of(opportunity).amount == Decimal("1234.50")


def test_the_second_of_two_movers_gets_a_sentence():
    make_crm()
    _, opportunity, deal = make_deal()
    client = signed_in(opportunity.owner)
    on_the_board(deal, "Proposal")

    answer = move(client, deal, version=1, stage="Demo", note="Called")

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Somebody moved this deal to Proposal meanwhile." in page
    assert "Called</textarea>" in page
    assert 'name="version" value="2"' in page
    assert deal_of(opportunity).stage == "Proposal"


def test_an_ae_sees_and_moves_only_their_own_deals():
    make_crm()
    _, _opportunity, deal = make_deal()
    stranger = signed_in(make_user("ae"))

    assert deal.company not in stranger.get(reverse("crmsync:board")).content.decode()
    assert stranger.get(reverse("crmsync:deal_detail", args=[deal.pk])).status_code == 404
    assert move(stranger, deal, stage="Demo").status_code == 404
    assert signed_in(make_user("sdr")).get(reverse("crmsync:board")).status_code == 403
    page = signed_in(make_user("manager")).get(reverse("crmsync:board"), {"q": deal.company}).content.decode()
    assert deal.company in page


def test_the_board_costs_the_same_with_many_deals(django_assert_max_num_queries):
    make_crm()
    _, opportunity, deal = make_deal()
    BoardDeal.objects.bulk_create(
        BoardDeal(
            name=f"Deal {number}",
            company=f"Company {number}",
            stage="Demo",
            amount=number,
            owner_email=opportunity.owner.email,
            created_at=deal.created_at,
            modified_at=deal.modified_at,
        )
        for number in range(60)
    )
    client = signed_in(opportunity.owner)

    with django_assert_max_num_queries(15):
        page = client.get(reverse("crmsync:board")).content.decode()
    assert "The 40 changed last are shown." in page


def test_the_panel_of_a_lead_tells_the_deal_and_what_is_next():
    make_crm()
    lead, opportunity, _deal = make_deal()
    client = signed_in(lead.owner)
    here = reverse("crmsync:lead_panel", args=[lead.pk])

    page = client.get(here).content.decode()
    fragment = client.get(here, headers={"HX-Request": "true"}).content.decode()

    assert "<html" in page
    assert "<html" not in fragment
    assert opportunity.name in fragment
    assert "Discovery" in fragment
    assert signed_in(make_user("sdr")).get(here).status_code == 404


def test_the_panel_says_why_there_is_no_deal():
    make_crm()
    lead = make_sql()

    assert (
        "can become an opportunity now"
        in signed_in(lead.owner).get(reverse("crmsync:lead_panel", args=[lead.pk])).content.decode()
    )


def test_one_click_makes_the_opportunity_where_the_team_wants_it_so():
    make_crm()
    make_user("ae")
    lead = make_sql()
    Team.objects.update(converts_by_itself=False)
    client = signed_in(lead.owner)

    for _ in range(2):
        assert client.post(reverse("crmsync:lead_convert", args=[lead.pk])).status_code == 302

    assert read(lead).stage == "opportunity"
    assert lead.opportunities.count() == 1


def test_health_shows_what_needs_somebody_and_repairs_it():
    crm = make_crm()
    _, _opportunity, deal = make_deal()
    on_the_board(deal, "Paperwork")
    pull_connection(crm.pk)
    entry = OutboxEntry.objects.get()
    OutboxEntry.objects.update(state="dead", error_class="Invalid", error="name: too long", sent_at=None)
    admin = signed_in(make_user("admin"))

    page = admin.get(reverse("crmsync:health")).content.decode()
    assert "2 changes need you." in page
    assert "The stage “Paperwork” is not mapped." in page
    assert "name: too long" in page

    admin.post(reverse("crmsync:entry_skip", args=[entry.pk]), {"reason": ""}, follow=True)
    assert OutboxEntry.objects.get().state == "dead"
    admin.post(reverse("crmsync:entry_retry", args=[entry.pk]))
    drain()
    assert OutboxEntry.objects.get().state == "done"
    crm.stages.create(remote="Paperwork", meaning="open", position=7)
    admin.post(reverse("crmsync:inbox_retry", args=[InboxEvent.objects.get(state="waiting").pk]))
    drain()
    assert "nothing needs you" in admin.get(reverse("crmsync:health")).content.decode()
    assert not Conflict.objects.exists()
    assert signed_in(make_user("manager")).get(reverse("crmsync:health")).status_code == 403

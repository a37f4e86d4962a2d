"""The admin: what rows are called, why something was given up, and trying it again."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from leadmgmt.row_names import NAMES
from leads.events import record_event
from leads.models import Capture
from leads.services.capture import receive
from tests.factories import make_channel, make_lead, make_user
from tests.routing.things import signed_in, text_of

OURS = ("leads", "routing", "qualification", "crmsync")


@pytest.fixture
def ida(db: None) -> Client:
    return signed_in(make_user("admin", is_staff=True, is_superuser=True))


def test_every_kind_of_row_has_a_name_in_both_languages() -> None:
    shown = {model for model in admin.site._registry if model._meta.app_label in OURS}

    assert {model._meta.label for model in shown} - set(NAMES) == set()
    ledger = apps.get_model("routing.LedgerEntry")._meta
    assert str(ledger.verbose_name_plural) == "ledger entries"
    with override("de"):
        assert str(ledger.verbose_name_plural) == "Buchungen"


def test_steps_given_up_are_listed_with_their_reason_from_setup_on(ida: Client) -> None:
    event = record_event(make_lead(), "lead.scored")
    record_event(make_lead(), "lead.touched")
    type(event).objects.filter(pk=event.pk).update(parked_at=timezone.now(), error="ValueError: no such pool")
    address = f"{reverse('admin:leads_leadevent_changelist')}?progress=parked"

    setup = ida.get("/setup/").content.decode()
    listed = ida.get(address)

    assert address in setup
    assert "ValueError: no such pool" in text_of(listed.content.decode())
    assert listed.context["cl"].result_count == 1


def test_a_capture_that_fails_again_is_no_success(ida: Client) -> None:
    channel = make_channel("website")
    good = receive(channel, {"email": "a@firm.example"}).capture
    Capture.objects.filter(pk=good.pk).update(status="failed", error="OperationalError: gone", lead=None)
    at = timezone.now()
    bad = Capture.objects.create(
        channel=channel, payload={"email": ""}, status="failed", received_at=at, occurred_at=at
    )
    address = reverse("admin:leads_capture_changelist")

    listed = text_of(ida.get(f"{address}?status__exact=failed").content.decode())
    told = ida.post(address, {"action": "replay_selected", "_selected_action": [bad.pk]}, follow=True)

    assert "OperationalError: gone" in listed
    bad.refresh_from_db()
    assert bad.status != "accepted"
    assert [message.level_tag for message in told.context["messages"]] == ["error"]

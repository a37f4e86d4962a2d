"""The admin of this app: every list and page opens, keys are shown once, what failed can be tried again."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leads.models import ApiKey, Capture, Channel, Lead, LeadEvent
from leads.services.capture import receive, take_in
from tests.factories import make_channel, make_organisation, make_source, make_team, make_user

pytestmark = pytest.mark.django_db
OURS = [model for model in admin.site._registry if model._meta.app_label == "leads"]


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user("admin", is_staff=True, is_superuser=True))
    return client


def said(response: Any) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.model_name)
def test_every_list_and_every_page_opens(client: Client, model: Any) -> None:
    make_organisation()
    make_team("south")
    source = make_source("linkedin")
    channel = make_channel("website", source=source)
    receive(
        channel, {"email": "ann@firm.example", "external_id": "x1", "campaign": "spring", "consent": {"email": True}}
    )
    name = f"admin:leads_{model._meta.model_name}"

    assert client.get(reverse(f"{name}_changelist"), {"q": "1"}).status_code == 200
    response = client.get(reverse(f"{name}_changelist"))
    assert response.status_code == 200
    row = model.objects.first()
    if row is not None:
        assert client.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200


def test_a_key_is_shown_once_and_stored_nowhere(client: Client) -> None:
    channel = make_channel("website")

    response = client.post(reverse("admin:leads_apikey_add"), {"name": "site", "channel": channel.pk, "user": ""})

    found = re.search(r"lm_[\w-]{40,}", said(response))
    assert found
    key = ApiKey.objects.get()
    assert key.prefix == found[0][:10]
    assert found[0] not in str(ApiKey.objects.values().get())
    page = client.get(reverse("admin:leads_apikey_change", args=[key.pk]))
    shown_again = client.get(reverse("admin:leads_apikey_change", args=[key.pk]))
    assert found[0] in page.content.decode()
    assert found[0] not in shown_again.content.decode()
    capture = Client().post(
        "/api/v1/capture/",
        {"email": "ann@firm.example"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {found[0]}"},
    )
    assert capture.status_code == 202


def test_a_key_that_opens_nothing_is_refused(client: Client) -> None:
    response = client.post(reverse("admin:leads_apikey_add"), {"name": "site", "channel": "", "user": ""})

    assert response.status_code == 200
    assert "choose one" in response.content.decode()
    assert not ApiKey.objects.exists()


def test_a_forms_wrong_configuration_is_named(client: Client) -> None:
    form = {"name": "Demo", "slug": "demo", "kind": "form", "is_active": "on", "config": '{"fields": [{"key": "A"}]}'}
    response = client.post(reverse("admin:leads_channel_add"), form)

    assert response.status_code == 200
    assert "fields[0]" in response.content.decode()
    client.post(reverse("admin:leads_channel_add"), form | {"config": "{}"})
    assert Channel.objects.get().slug == "demo"


def test_what_failed_is_tried_again(client: Client) -> None:
    kept = take_in(make_channel("website"), {"email": "ann@firm.example"}).capture
    Capture.objects.update(status="failed", attempts=8, error="down")

    response = client.post(
        reverse("admin:leads_capture_changelist"), {"action": "replay_selected", "_selected_action": [kept.pk]}
    )

    assert "Accepted" in said(response)
    assert Lead.objects.count() == 1


def test_parked_steps_start_over(client: Client) -> None:
    receive(make_channel("website"), {"email": "ann@firm.example"})
    event = LeadEvent.objects.get()
    LeadEvent.objects.update(parked_at=timezone.now(), attempts=8, error="down")

    page = client.get(reverse("admin:leads_leadevent_changelist"), {"progress": "parked"})
    assert page.context["cl"].result_count == 1
    response = client.post(
        reverse("admin:leads_leadevent_changelist"), {"action": "retry", "_selected_action": [event.pk]}
    )

    assert "1 step is tried again." in said(response)
    event.refresh_from_db()
    assert (event.parked_at, event.attempts, event.error) == (None, 0, "")

"""Answers that have to be fetched: Meta, LinkedIn, HubSpot against a service that behaves and misbehaves."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django_q.models import OrmQ

from leads.models import Capture, Channel, Lead
from leads.services.capture import process_capture, process_waiting, replay
from leads.services.channel_trial import try_channel
from leads.services.credentials import put_credentials, setup_of
from tests.leads.payloads import channel_for, fixture, needs_payloads, send
from tests.leads.provider_server import Service, running_service

pytestmark = [pytest.mark.django_db, needs_payloads]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Service]:
    settings.OUTBOUND_ALLOW_PRIVATE = ["127.0.0.1"]
    monkeypatch.setattr("leads.channels.asking.SECONDS", 0.8)
    with running_service() as running:
        yield running


def answer_of(name: str) -> Any:
    return json.loads(fixture(name)["body"])


def told(name: str, service: Service) -> tuple[Capture, Channel]:
    """The webhook has come in; the service is asked at its stand-in."""
    call = fixture(name)
    channel = channel_for(call, graph=service.url, api=service.url)
    put_credentials(channel, {"page_token": "pt", "token": "lt"})
    channel.save()
    assert send(call, channel).status_code == 200
    return Capture.objects.get(), channel


def test_meta_is_asked_for_the_answers(service: Service) -> None:
    service.answer = answer_of("meta_graph_lead_response")
    capture, _channel = told("meta_leadgen", service)
    after = process_capture(capture.pk)

    assert after.status == "accepted"
    contact = Lead.objects.get().contact
    assert (contact.first_name, contact.last_name, contact.email) == ("Zoë", "Müller", "zoe.mueller@firma.example")
    assert contact.attributes["which_products?"] == ["CRM", "ERP"]
    method, path, headers, _body = service.asked[0]
    assert (method, path.split("?")[0]) == ("GET", "/v21.0/233370042045345")
    assert headers["Authorization"] == "Bearer pt"
    assert "pt" not in path


def test_linkedin_names_its_questions_in_the_form(service: Service) -> None:
    service.answer = answer_of("linkedin_response")
    capture, _channel = told("linkedin_lead_created", service)
    after = process_capture(capture.pk)

    assert after.status == "accepted"
    contact = Lead.objects.get().contact
    assert (contact.first_name, contact.last_name, contact.email) == ("Zoë", "Müller", "zoe.mueller@firma.example")
    assert contact.consents.get().granted is True
    assert after.touchpoint.campaign is not None
    assert after.touchpoint.campaign.key == "abc678"


def test_a_test_of_linkedin_is_known_once_it_was_fetched(service: Service) -> None:
    service.answer = answer_of("linkedin_response") | {"testLead": True}
    capture, _channel = told("linkedin_lead_created", service)
    assert process_capture(capture.pk).status == "test"
    assert not Lead.objects.exists()


def test_the_answers_of_metas_testing_tool_are_a_test(service: Service) -> None:
    dummy = "<test lead: dummy data for email>"
    service.answer = {"id": "1", "field_data": [{"name": "email", "values": [dummy]}]}
    capture, _channel = told("meta_leadgen", service)
    assert process_capture(capture.pk).status == "test"


@pytest.mark.parametrize("behaviour", ["hang", "drip", "html", "busy", "broken", "deep"])
def test_what_may_pass_is_tried_again_by_itself(service: Service, behaviour: str) -> None:
    service.behaviour, service.answer = behaviour, answer_of("meta_graph_lead_response")
    capture, _channel = told("meta_leadgen", service)

    failed = process_capture(capture.pk)
    assert failed.status == "failed"
    assert failed.error
    assert failed.next_try_at is not None

    # The job has been taken from the queue by now.
    OrmQ.objects.all().delete()
    service.behaviour = "good"
    assert process_waiting(failed.next_try_at) == 1
    assert process_capture(capture.pk).status == "accepted"
    assert Lead.objects.count() == 1


@pytest.mark.parametrize("behaviour", ["forbidden", "scalar", "huge", "unknown"])
def test_what_does_not_pass_waits_for_an_admin_with_its_reason(service: Service, behaviour: str) -> None:
    service.behaviour, service.answer = behaviour, answer_of("meta_graph_lead_response")
    capture, _channel = told("meta_leadgen", service)

    failed = process_capture(capture.pk)
    assert failed.status == "failed"
    assert failed.next_try_at is None
    if behaviour == "forbidden":
        assert "token" in failed.error

    service.behaviour = "good"
    assert replay(capture.pk).status == "accepted"


@pytest.mark.parametrize("answer", [{"field_data": "none"}, {"error": {"message": "x"}}, {"field_data": {"a": 1}}])
def test_an_answer_of_another_shape_is_named_as_one(service: Service, answer: Any) -> None:
    service.answer = answer
    capture, _channel = told("meta_leadgen", service)
    assert "field_data" in process_capture(capture.pk).error


def test_what_was_fetched_is_kept_and_not_fetched_again(service: Service) -> None:
    service.answer = {"id": "1", "field_data": [{"name": "full_name", "values": ["Ann"]}]}
    capture, _channel = told("meta_leadgen", service)
    assert process_capture(capture.pk).status == "refused"
    assert replay(capture.pk).status == "refused"
    assert len(service.asked) == 1


def test_a_contact_that_hubspot_tells_of_is_read_from_it(service: Service) -> None:
    channel = Channel.objects.create(slug="hubspot", name="H", kind="hubspot", config={"api": service.url})
    put_credentials(channel, {"token": "t"})
    channel.save()
    service.answer = {"id": "5", "properties": {"email": "ann@firm.example", "firstname": "Ann", "lastname": None}}
    capture = Capture.objects.create(
        channel=channel,
        payload={"objectId": 5, "subscriptionType": "contact.creation"},
        received_at="2026-11-26T10:00Z",
        occurred_at="2026-11-26T10:00Z",
    )
    assert process_capture(capture.pk).status == "accepted"
    assert Lead.objects.get().contact.first_name == "Ann"


def test_the_test_button_asks_meta_whether_it_knows_the_token(service: Service) -> None:
    service.answer = {"name": "Tourenwerk page"}
    _capture, channel = told("meta_leadgen", service)
    trial = try_channel(channel, "http://testserver/")
    assert any("Tourenwerk page" in step.note for step in trial.steps)

    service.behaviour = "forbidden"
    trial = try_channel(channel, "http://testserver/")
    assert any(not step.is_good and "token" in step.note for step in trial.steps)
    assert setup_of(channel).secret("page_token") == "pt"

"""Webhooks of the known services: every described call, the hostile ones too."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leads.channels import HOOKS
from leads.models import Capture, Channel, ChannelError, Lead
from leads.services.capture import process_capture
from leads.services.credentials import put_credentials
from tests.leads.payloads import FIXTURES, channel_for, fixture, hubspot_signed, mac, needs_payloads, resigned, send

pytestmark = [pytest.mark.django_db, needs_payloads]

ALL = sorted(path.stem for path in FIXTURES.glob("*.json")) if FIXTURES.is_dir() else []
ELSEWHERE = {"form_honeypot", "form_latin1_body", "mailgun_inbound"}
ELSEWHERE |= {"meta_graph_lead_response", "linkedin_response"}
CALLS = [name for name in ALL if name not in ELSEWHERE]
REPEATED = ["meta_leadgen", "google_ads_lead", "tiktok_lead", "typeform_response", "intercom_lead"]


def work_off() -> list[Capture]:
    """What the workers would do."""
    return [process_capture(one.pk) for one in Capture.objects.filter(status="received").order_by("received_at")]


@pytest.mark.parametrize("name", CALLS)
def test_every_described_call_is_answered_as_expected(name: str) -> None:
    told = fixture(name)
    expected = told["expect"]
    if "stale" not in name:
        told = resigned(told)
    if name == "hubspot_webhook_v3":
        told = hubspot_signed(told, "http://testserver/api/v1/hooks/hubspot/")
    if name == "hubspot_form_submit":
        told["secret"] = "form-key"
        told["headers"]["Authorization"] = "Bearer form-key"
    channel = channel_for(told, hosts=["x.example"])

    response = send(told, channel)

    wanted = expected.get("status", 200)
    assert response.status_code in (wanted if isinstance(wanted, list) else [wanted]), response.content
    if "body" in expected:
        assert response.content.decode() == expected["body"]
    if "json" in expected:
        assert response.json() == expected["json"]
    if "external_id" in expected:
        assert Capture.objects.get().external_id == expected["external_id"]
    if "leads_created" in expected and name != "meta_leadgen_replay":
        assert Capture.objects.filter(status="received").count() == expected["leads_created"]
    if response.status_code >= 400:
        assert not Capture.objects.exists()
        assert ChannelError.objects.get().count == 1


# Which of the person's answers each service brings.
NAME = ("Zoë", "Müller", "zoe.mueller@firma.example")


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("google_ads_lead", {"what_is_your_budget?": "10k", "google_form_id": "40000000000000001"}),
        ("tiktok_lead", {"tiktok_page_id": "7200000000000000002"}),
        ("typeform_response", {"Size?": "50-200", "typeform_score": "7"}),
        ("calendly_created", {"Budget?": "10k", "meeting": "2026-05-20T14:00:00Z"}),
        ("intercom_lead", {}),
        ("salesforce_web_to_lead", {"00N4x00000Lsr0G": "true"}),
    ],
)
def test_the_answers_arrive_in_our_fields(name: str, attributes: dict[str, str]) -> None:
    told = resigned(fixture(name))
    send(told, channel_for(told))
    (capture,) = work_off()

    assert capture.status == "accepted", (capture.error, capture.problems)
    contact = Lead.objects.get().contact
    assert (contact.first_name, contact.last_name, contact.email) == NAME
    for key, value in attributes.items():
        assert contact.attributes[key] == value
    assert contact.postal_code == ("10115" if name == "salesforce_web_to_lead" else "")


def test_where_the_person_came_from_is_kept() -> None:
    for name in ("typeform_response", "calendly_created"):
        told = resigned(fixture(name))
        send(told, channel_for(told))
    typeform, calendly = (one.touchpoint for one in work_off())

    assert (typeform.utm_source, typeform.utm_campaign, typeform.kind) == ("google", "spring", "form")
    assert (calendly.utm_source, calendly.utm_campaign, calendly.kind) == ("newsletter", "q2", "meeting")


def test_a_consent_comes_with_its_words() -> None:
    told = fixture("hubspot_form_submit")
    told["headers"]["Authorization"] = "Bearer k"
    told["secret"] = "k"
    send(told, channel_for(told))
    (capture,) = work_off()
    assert capture.contact is not None
    consent = capture.contact.consents.get()
    assert (consent.purpose, consent.granted, consent.text) == ("email", True, "news")


@pytest.mark.parametrize(
    "name", ["meta_leadgen", "google_ads_lead", "tiktok_lead", "typeform_response", "intercom_lead"]
)
def test_a_delivery_that_is_repeated_is_one_submission(name: str) -> None:
    told = resigned(fixture(name))
    channel = channel_for(told)
    assert [send(told, channel).status_code for _time in range(3)] == [200, 200, 200]
    assert Capture.objects.count() == 1


def test_a_test_of_google_becomes_no_lead() -> None:
    told = fixture("google_ads_test_lead")
    send(told, channel_for(told))
    work_off()
    assert Capture.objects.get().status == "test"
    assert not Lead.objects.exists()


@pytest.mark.parametrize("name", ["calendly_canceled", "linkedin_lead_deleted"])
def test_what_was_called_off_is_kept_with_its_reason_and_makes_no_lead(name: str) -> None:
    told = resigned(fixture(name))
    send(told, channel_for(told))
    work_off()
    capture = Capture.objects.get()
    assert (capture.status, bool(capture.verdict), bool(capture.error)) == ("ignored", True, True)
    assert not Lead.objects.exists()


def test_the_key_of_google_is_not_kept_with_the_submission() -> None:
    told = fixture("google_ads_lead")
    send(told, channel_for(told))
    assert "google_key" not in Capture.objects.get().payload


# Of a ping and of an event nobody asked for nothing is kept, so there is no key to check.
KEPT = [name for name in CALLS if "bad" not in name and "salesforce" not in name]
KEPT = [name for name in KEPT if name not in ("tiktok_other_event", "intercom_ping")]


@pytest.mark.parametrize("name", KEPT)
def test_without_a_key_in_the_channel_nothing_is_taken(name: str) -> None:
    told = resigned(fixture(name))
    channel = channel_for({**told, "secret": ""})
    assert send(told, channel).status_code in (401, 403)
    assert not Capture.objects.exists()


SIGNED = {"meta_leadgen_batch3": "meta", "tiktok_lead": "tiktok", "typeform_response": "typeform"}
SIGNED |= {"intercom_lead": "intercom", "google_ads_lead": "google_ads", "linkedin_lead_created": "linkedin"}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a tree."""
    steps = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path, *(place for step, inner in steps for place in places(inner, (*path, step)))]


def replaced(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The tree with another value at one place."""
    if not path:
        return value
    copy: Any = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[path[0]] = replaced(tree[path[0]], path[1:], value)
    return copy


def sign(kind: str, secret: str, body: str) -> dict[str, str]:
    """The header of a service."""
    hexed = mac(secret, body).hex()
    if kind == "typeform":
        return {"Typeform-Signature": "sha256=" + base64.b64encode(mac(secret, body)).decode()}
    return {
        "meta": {"X-Hub-Signature-256": f"sha256={hexed}"},
        "tiktok": {"X-Open-Signature": hexed},
        "intercom": {"X-Hub-Signature": f"sha1={mac(secret, body, 'sha1').hex()}"},
        "linkedin": {"X-LI-Signature": mac(secret, f"hmacsha256={body}").hex()},
    }.get(kind, {})


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stands_anywhere_in_a_signed_call_is_no_error_of_ours(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(SIGNED)))
    told = fixture(name)
    tree = json.loads(told["body"])
    mutated = replaced(tree, data.draw(st.sampled_from(places(tree))), data.draw(ANYTHING))
    body = json.dumps(mutated)
    channel = channel_for(told)
    put_credentials(channel, {"page_token": "x", "token": "x"})
    before = Capture.objects.count()

    response = send({**told, "body": body, "headers": sign(SIGNED[name], told["secret"], body)}, channel)

    assert response.status_code < 500
    if response.status_code >= 400:
        assert Capture.objects.count() == before
    for capture in Capture.objects.filter(status="received").select_related("channel"):
        if not HOOKS[capture.channel.kind].needs_answer(capture):
            after = process_capture(capture.pk)
            assert after.status in ("accepted", "refused", "test", "ignored", "quarantined"), after.error
        Capture.objects.filter(pk=capture.pk, status="received").update(status="failed")


@pytest.mark.django_db(transaction=True)
def test_the_same_delivery_on_several_lines_at_once_is_one_submission() -> None:
    told = fixture("typeform_response")
    channel = channel_for(told)

    def deliver(_number: int) -> int:
        try:
            return int(send(told, channel, Client()).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as lines:
        assert set(lines.map(deliver, range(12))) == {200}
    assert Capture.objects.count() == 1


def test_a_call_larger_than_we_take_is_refused() -> None:
    told = fixture("typeform_response")
    channel = channel_for(told)
    assert send({**told, "body": "x" * (1024 * 1024 + 1)}, channel).status_code == 413


def test_an_address_of_no_channel_and_one_without_a_door_answer_not_found(client: Client) -> None:
    Channel.objects.create(slug="web", name="Web", kind="api")
    for slug in ("nothing", "web"):
        assert client.post(f"/api/v1/hooks/{slug}/", {}, content_type="application/json").status_code == 404


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(client: Client, method: str) -> None:
    told = fixture("typeform_response")
    channel_for(told)
    assert getattr(client, method)("/api/v1/hooks/typeform/").status_code == 405

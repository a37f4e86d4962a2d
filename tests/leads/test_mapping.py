"""The generic webhook: its proofs, its mapping, the editor, and what came in read again by a mended mapping."""

import html
import json
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leads.channels.webhook import apply, check_mapping, mapping_of, propose
from leads.models import Capture, Channel, Lead, LeadEvent
from leads.services.capture import process_capture
from leads.services.credentials import put_credentials, setup_of
from leads.services.edit import edit_lead
from leads.services.reread import reread, reread_channel
from tests.factories import make_user
from tests.leads.payloads import mac

pytestmark = pytest.mark.django_db

NESTED = {
    "data": {
        "id": "r-1",
        "person": {"mail": "ann@firm.example", "full name": "Ann Dyk"},
        "answers": [{"q": "budget", "a": "10k"}, {"q": "seats", "a": 45}],
    }
}


def make_webhook(mapping: dict[str, Any] | None = None, **config: Any) -> Channel:
    channel = Channel(slug="partner", name="Partner", kind="webhook", config={"mapping": mapping or {}, **config})
    put_credentials(channel, {"key": "k-1"})
    channel.save()
    return channel


def post(tree: Any, **headers: str) -> Any:
    return Client().post(
        "/api/v1/hooks/partner/", json.dumps(tree), content_type="application/json", headers=headers or {}
    )


def kept() -> Capture:
    return process_capture(Capture.objects.latest("received_at").pk)


@pytest.mark.parametrize(
    ("config", "headers"),
    [
        ({"proof": "bearer"}, {"Authorization": "Bearer k-1"}),
        ({"proof": "basic", "user": "ann"}, {"Authorization": "Basic YW5uOmstMQ=="}),
        ({"proof": "header", "header": "X-Partner"}, {"X-Partner": "k-1"}),
        (
            {"proof": "hmac", "prefix": "sha256="},
            {"X-Signature": "sha256=" + mac("k-1", '{"email": "a@b.example"}').hex()},
        ),
        ({"proof": "none"}, {}),
    ],
)
def test_a_call_proves_itself_as_the_channel_says(config: dict[str, str], headers: dict[str, str]) -> None:
    make_webhook(**config)
    assert post({"email": "a@b.example"}, **headers).status_code == 200
    if headers:
        assert (
            post({"email": "a@b.example"}, **{name: value[:-1] + "!" for name, value in headers.items()}).status_code
            == 401
        )
        assert post({"email": "a@b.example"}).status_code == 401
    assert Capture.objects.count() == 1


def test_without_a_mapping_fields_that_say_what_they_are_are_taken_at_their_word() -> None:
    make_webhook(proof="none")
    post({"Email": "ann@firm.example", "Vorname": "Ann", "Firma": "Firm GmbH", "shoe": 42})
    contact = kept().contact
    assert contact is not None
    assert (contact.email, contact.first_name, contact.attributes) == (
        "ann@firm.example",
        "Ann",
        {"shoe": "42"} | {"shoe": 42},
    )
    assert contact.company is not None
    assert contact.company.name == "Firm GmbH"


def test_a_mapping_reaches_into_the_depth() -> None:
    fields = {
        "email": "data.person.mail",
        "name": 'data.person."full name"',
        "budget": "data.answers[?q=='budget'].a | [0]",
    }
    make_webhook({"fields": fields, "id": "data.id", "constants": {"source": "portal"}}, proof="none")
    post(NESTED)
    capture = kept()
    assert (capture.external_id, capture.status) == ("r-1", "accepted")
    assert capture.contact is not None
    assert (capture.contact.last_name, capture.contact.attributes["budget"]) == ("Dyk", "10k")
    assert capture.touchpoint.source is not None
    assert capture.touchpoint.source.slug == "portal"


def test_one_call_may_bring_several_and_each_for_itself() -> None:
    make_webhook({"list": "rows", "id": "id", "test": "test", "ignore": "kind != 'lead'"}, proof="none")
    rows = [
        {"id": 1, "email": "a@firm.example", "kind": "lead"},
        {"id": 2, "email": "b@firm.example", "kind": "lead", "test": True},
        {"id": 3, "email": "c@firm.example", "kind": "visit"},
    ]
    assert post({"rows": rows}).json() == {"received": 3}
    states = {one.external_id: process_capture(one.pk).status for one in Capture.objects.all()}
    assert states == {"1": "accepted", "2": "test", "3": "ignored"}


def test_a_form_may_be_posted_as_well() -> None:
    make_webhook(proof="none")
    body = "email=ann%40firm.example&first_name=Zo%EB"
    kind = "application/x-www-form-urlencoded; charset=ISO-8859-1"
    Client().generic("POST", "/api/v1/hooks/partner/", body.encode(), content_type=kind)
    contact = kept().contact
    assert contact is not None
    assert contact.first_name == "Zoë"


@pytest.mark.parametrize("expression", ["a.", "[?", "foo bar", "a" * 301, "'"])
def test_an_expression_that_is_none_is_named_with_its_row(expression: str) -> None:
    assert set(check_mapping(mapping_of({"mapping": {"fields": {"email": expression}}}))) == {"email"}


KEYS = st.sampled_from(["a", "b", "email"])
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "email"]), inner, max_size=3)
    ),
    max_leaves=8,
)
EXPRESSIONS = st.sampled_from(
    ["a", "a.b", "a[0]", "a[?b=='x'].email", "length(a)", "sort(a)", "max_by(a,&b)", "a || b"]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES, expression=EXPRESSIONS)
def test_no_payload_makes_a_mapping_fail(tree: Any, expression: str) -> None:
    payload = apply(mapping_of({"mapping": {"fields": {"email": expression, "other": expression}}}), tree)
    assert all(isinstance(payload.get("email", ""), str) for _once in (1,))


def test_a_mapping_is_proposed_from_the_names_of_the_keys() -> None:
    assert propose(NESTED) == {"email": "data.person.mail", "name": 'data.person."full name"'}


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(make_user("admin"))
    return client


def text(response: Any) -> str:
    return html.unescape(response.content.decode())


def test_the_editor_shows_what_came_and_what_would_become_of_it(admin: Client) -> None:
    make_webhook(proof="none")
    post(NESTED)
    page = text(admin.get("/setup/channels/partner/mapping/"))
    assert 'data-path="data.person.mail"' in page
    assert "identifies nobody" in page

    form = {"field": ["email", "name"], "expression": ["data.person.mail", 'data.person."full name"']}
    tried = text(admin.post("/setup/channels/partner/mapping/", form, headers={"HX-Request": "true"}))
    assert "would be accepted" in tried
    assert Channel.objects.get().config["mapping"] == {}

    admin.post("/setup/channels/partner/mapping/", form)
    assert Channel.objects.get().config["mapping"]["fields"]["email"] == "data.person.mail"
    assert kept().status == "accepted"


def test_a_wrong_row_is_not_saved_and_says_why(admin: Client) -> None:
    make_webhook(proof="none")
    response = admin.post("/setup/channels/partner/mapping/", {"field": ["email"], "expression": ["a."]})
    assert response.status_code == 422
    assert "This is no JMESPath" in text(response)
    assert Channel.objects.get().config["mapping"] == {}


def test_what_was_read_wrongly_is_corrected_from_what_was_kept() -> None:
    channel = make_webhook({"fields": {"email": "mail", "last_name": "first"}}, proof="none")
    post({"mail": "ann@firm.example", "first": "Ann", "last": "Dyk", "title": "CEO"})
    capture = kept()
    channel.config["mapping"]["fields"] = {
        "email": "mail",
        "first_name": "first",
        "last_name": "last",
        "job_title": "title",
    }
    channel.save()

    preview = reread_channel(channel, dry_run=True)
    assert (preview.changed, preview.same) == (1, 0)
    assert Lead.objects.get().contact.last_name == "Ann"

    assert set(reread(capture.pk)) == {"first_name", "last_name", "job_title"}
    contact = Lead.objects.get().contact
    assert (contact.first_name, contact.last_name, contact.job_title) == ("Ann", "Dyk", "CEO")
    assert LeadEvent.objects.filter(kind="capture.reread").count() == 1
    assert reread(capture.pk) == []
    assert Lead.objects.count() == 1


def test_reading_again_never_overrides_a_colleague_nor_a_newer_word() -> None:
    channel = make_webhook({"fields": {"email": "mail", "first_name": "a"}}, proof="none")
    post({"mail": "ann@firm.example", "a": "Anna", "b": "Annette", "city": "Ulm"})
    capture = kept()
    lead = Lead.objects.get()
    edit_lead(
        lead.pk, contact={"first_name": "Ann"}, company={}, subject=None, by=make_user("admin"), at=capture.received_at
    )
    channel.config["mapping"]["fields"] |= {"first_name": "b", "city": "city"}
    channel.save()

    assert reread(capture.pk) == ["city"]
    assert Lead.objects.get().contact.first_name == "Ann"


def test_an_address_is_taken_over_by_a_contact_without_one_unless_it_is_somebody_elses() -> None:
    channel = make_webhook({"fields": {"phone": "tel"}}, proof="none")
    post({"tel": "+49 30 901820", "mail": "ann@firm.example"})
    capture = kept()
    channel.config["mapping"]["fields"] |= {"email": "mail"}
    channel.save()
    assert reread(capture.pk) == ["email"]
    assert Lead.objects.get().contact.email_key == "ann@firm.example"


def test_the_page_previews_and_corrects(admin: Client) -> None:
    channel = make_webhook({"fields": {"email": "mail"}}, proof="none")
    post({"mail": "ann@firm.example", "town": "Ulm"})
    kept()
    channel.config["mapping"]["fields"] |= {"city": "town"}
    channel.save()

    assert "Would be corrected" in text(admin.post("/setup/channels/partner/reread/"))
    assert Lead.objects.get().contact.city == ""
    page = text(admin.post("/setup/channels/partner/reread/", {"go": "1"}, follow=True))
    assert "1 submission is corrected" in page
    assert Lead.objects.get().contact.city == "Ulm"


def test_salesforces_own_fields_get_names(admin: Client) -> None:
    Channel.objects.create(slug="sf", name="SF", kind="salesforce")
    form = {"email": "ann@firm.example", "last_name": "Dyk", "00N4x00000Lsr0G": "45", "00N4x00000Lsr0H": "x"}
    Client().post("/api/v1/hooks/sf/", form)
    Client().generic(
        "POST",
        "/api/v1/hooks/sf/",
        b"email=b%40firm.example&00N4x00000Lsr0G=45",
        content_type="application/x-www-form-urlencoded",
    )
    assert "00N4x00000Lsr0G" in text(admin.get("/setup/channels/sf/mapping/"))
    admin.post("/setup/channels/sf/mapping/", {"custom": ["00N4x00000Lsr0G"], "field": ["technicians"]})
    contact = kept().contact
    assert contact is not None
    assert contact.attributes == {"technicians": "45"}
    assert setup_of(Channel.objects.get()).config["fields"] == {"00N4x00000Lsr0G": "technicians"}

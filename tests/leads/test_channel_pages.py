"""Setting channels up on pages: adding, connecting, testing, the log, another try."""

import html
import json

import pytest
from django.test import Client

from leads.models import ApiKey, Capture, Channel, Lead
from leads.services.capture import receive, take_in
from leads.services.credentials import credentials
from tests.factories import make_user
from tests.leads.fake_hook import SECRET, FakeHook, signed

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(make_user("admin"))
    return client


@pytest.fixture
def hooked(monkeypatch: pytest.MonkeyPatch) -> Channel:
    """A channel that another service calls, with its key."""
    monkeypatch.setitem(FakeHook.registry(), Channel.Kind.TYPEFORM, FakeHook())
    return Channel.objects.create(slug="survey", name="Survey", kind=Channel.Kind.TYPEFORM)


def text(response: object) -> str:
    return html.unescape(response.content.decode())  # type: ignore[attr-defined]


def give_key(client: Client, **more: str) -> None:
    client.post("/setup/channels/survey/", {"name": "Survey", "setting_key": SECRET, **more})


@pytest.mark.parametrize("path", ["/setup/channels/", "/setup/channels/new/", "/setup/channels/web/log/"])
def test_reps_do_not_see_them(client: Client, path: str) -> None:
    Channel.objects.create(slug="web", name="Web", kind=Channel.Kind.API)
    client.force_login(make_user("sdr"))
    assert client.get(path).status_code == 403


def test_a_channel_is_added_under_a_name_of_its_own(admin: Client) -> None:
    response = admin.post("/setup/channels/new/?kind=api", {"name": "Our Website", "slug": ""}, follow=True)

    channel = Channel.objects.get()
    assert (channel.slug, channel.kind, channel.name) == ("our-website", "api", "Our Website")
    assert response.redirect_chain[-1][0] == "/setup/channels/our-website/"


@pytest.mark.parametrize("slug", ["web", "new"])
def test_a_short_name_that_is_taken_is_said_beside_its_field(admin: Client, slug: str) -> None:
    Channel.objects.create(slug="web", name="Web", kind=Channel.Kind.API)
    response = admin.post("/setup/channels/new/?kind=api", {"name": "Again", "slug": slug})

    assert response.status_code == 422
    assert f"This short name is taken: “{slug}”." in text(response)


def test_a_credential_is_kept_encrypted_and_never_shown(admin: Client, hooked: Channel) -> None:
    give_key(admin)
    hooked.refresh_from_db()

    assert credentials(hooked) == {"key": SECRET}
    assert SECRET not in hooked.secrets
    assert SECRET not in json.dumps(hooked.config)
    assert SECRET not in text(admin.get("/setup/channels/survey/"))


def test_saving_again_keeps_a_credential_that_was_left_empty(admin: Client, hooked: Channel) -> None:
    give_key(admin)
    give_key(admin, setting_key="", setting_note="Fair")
    hooked.refresh_from_db()
    assert (credentials(hooked), hooked.config["note"]) == ({"key": SECRET}, "Fair")


def test_the_test_button_goes_all_the_way_and_makes_no_lead(admin: Client, hooked: Channel) -> None:
    give_key(admin)
    page = text(admin.post("/setup/channels/survey/test/"))

    assert "The signature was accepted" in page
    assert "It was recognised as a test and becomes no lead" in page
    assert "test@example.com" in page
    assert Capture.objects.get().status == "test"
    assert not Lead.objects.exists()


def test_the_test_says_that_the_key_is_missing(admin: Client, hooked: Channel) -> None:
    page = text(admin.post("/setup/channels/survey/test/"))
    assert "The channel has no key to check the call by yet" in page
    assert not Capture.objects.exists()


def test_calls_that_were_turned_away_are_counted_with_their_reason(admin: Client, hooked: Channel) -> None:
    give_key(admin)
    for _call in range(3):
        assert admin.post("/api/v1/hooks/survey/", "{}", content_type="application/json").status_code == 401
    page = text(admin.get("/setup/channels/survey/"))

    assert "The signature is wrong." in page
    assert "3 calls" in page
    assert "3 turned away" in text(admin.get("/setup/channels/"))
    assert not Capture.objects.exists()


def test_a_closed_channel_turns_calls_away(admin: Client, hooked: Channel) -> None:
    give_key(admin)
    admin.post("/setup/channels/survey/switch/", {"on": "0"})
    body, headers = signed({"email": "ann@firm.example", "id": "1"})

    response = admin.post("/api/v1/hooks/survey/", body, content_type="application/json", headers=headers)

    assert response.status_code == 403
    assert response.json()["code"] == "channel_inactive"


def test_a_call_is_kept_whole_or_not_at_all(
    admin: Client, hooked: Channel, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: object
) -> None:
    give_key(admin)
    body, headers = signed([{"email": "a@firm.example", "id": "1"}, "nonsense", {"email": "b@firm.example", "id": "2"}])

    response = admin.post("/api/v1/hooks/survey/", body, content_type="application/json", headers=headers)

    assert response.status_code == 400
    assert not Capture.objects.exists()


def test_the_same_delivery_twice_is_one_submission(admin: Client, hooked: Channel) -> None:
    give_key(admin)
    body, headers = signed({"email": "ann@firm.example", "id": "1"})
    for _delivery in range(2):
        response = admin.post("/api/v1/hooks/survey/", body, content_type="application/json", headers=headers)
        assert response.status_code == 200
    assert Capture.objects.count() == 1


def test_an_answer_that_has_to_be_fetched_is_fetched_once_and_kept(admin: Client, hooked: Channel) -> None:
    give_key(admin)
    body, headers = signed({"id": "77", "ask": True})
    admin.post("/api/v1/hooks/survey/", body, content_type="application/json", headers=headers)

    from leads.services.capture import process_capture

    kept = process_capture(Capture.objects.get().pk)

    assert kept.status == "accepted"
    assert kept.fetched == {"email": "asked-77@firm.example"}
    assert kept.contact is not None
    assert kept.contact.email == "asked-77@firm.example"


def test_the_log_filters_by_state_and_finds_a_person(admin: Client) -> None:
    channel = Channel.objects.create(slug="web", name="Web", kind=Channel.Kind.API)
    receive(channel, {"email": "ann@firm.example", "name": "Ann Dyk"})
    receive(channel, {"email": "bob@firm.example", "name": "Bob Ohm"})
    with pytest.raises(Exception, match="identifies nobody"):
        receive(channel, {"name": "Nobody"})

    assert "Ann Dyk" in text(admin.get("/setup/channels/web/log/"))
    refused = text(admin.get("/setup/channels/web/log/?status=refused"))
    assert "identifies nobody" in refused
    assert "Ann Dyk" not in refused
    found = text(admin.get("/setup/channels/web/log/?q=bob@"))
    assert "Bob Ohm" in found
    assert "Ann Dyk" not in found


def test_one_submission_shows_what_came_what_was_read_and_what_became_of_it(admin: Client) -> None:
    channel = Channel.objects.create(slug="web", name="Web", kind=Channel.Kind.API)
    kept = receive(channel, {"email": "Ann@Firm.example", "phone": "12", "shoe size": "42"}).capture

    page = text(admin.get(f"/setup/captures/{kept.pk}/"))

    assert '"shoe size": "42"' in page
    assert "This is no valid phone number" in page
    assert f"/leads/{kept.lead_id}/" in page


def test_what_was_refused_is_read_again_after_it_was_mended(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = Channel.objects.create(slug="web", name="Web", kind=Channel.Kind.API)
    with pytest.raises(Exception, match="identifies nobody"):
        take_in(channel, {"mail": "ann@firm.example"})
    kept = Capture.objects.get()
    assert kept.status == "refused"
    from leads import channels

    monkeypatch.setitem(channels.READERS, "api", lambda capture: {"email": capture.payload["mail"]})
    page = text(admin.post("/setup/channels/web/log/replay/", {"status": "refused"}, follow=True))

    assert "1 of 1 is accepted now." in page
    assert Lead.objects.get().contact.email == "ann@firm.example"


def test_a_key_is_shown_once(admin: Client) -> None:
    Channel.objects.create(slug="web", name="Web", kind=Channel.Kind.API)
    page = text(admin.post("/setup/channels/web/key/", {"name": "Shop"}))
    key = ApiKey.objects.get()

    assert f'id="key-text">{key.prefix}' in page
    again = text(admin.get("/setup/channels/web/"))
    assert "key-text" not in again
    assert "Shop" in again


@pytest.mark.parametrize("count", [2, 40])
def test_the_list_costs_the_same_however_many_there_are(
    admin: Client, count: int, django_assert_max_num_queries: object
) -> None:
    for number in range(count):
        Channel.objects.create(slug=f"web-{number}", name=f"Web {number}", kind=Channel.Kind.API)
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        admin.get("/setup/channels/")

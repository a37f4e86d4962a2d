"""Being told by Slack and Teams, in quiet hours, in digests; and acknowledging from a message."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core import mail
from django.test import Client

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import moment, now
from leads.models import Lead, User
from routing.messages import accept_token, read_accept_token, slack, teams
from routing.models import Messenger, Notification, NotifyPreference
from routing.services import deliver as delivery
from routing.services.deliver import MAX_ATTEMPTS, deliver, retry_failed, send_digests, send_waiting
from routing.services.messengers import FAILURES_TO_GIVE_UP, set_messenger
from routing.services.notify import tell
from routing.services.sla import acknowledge_due
from tests.factories import make_company, make_contact, make_lead, make_policy, make_pool, make_rep, make_user
from tests.leads.provider_server import Service, running_service
from tests.routing.things import ALWAYS, make_rules, page, route, signed_in

pytestmark = pytest.mark.django_db
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
NIGHT = datetime(2026, 1, 14, 21, 30, tzinfo=UTC)


@pytest.fixture
def far() -> Iterator[Service]:
    with running_service() as service:
        yield service


@pytest.fixture
def ann(settings: Any) -> User:
    settings.OUTBOUND_ALLOW_PRIVATE = ["127.0.0.1"]
    user = make_user("sdr", first_name="Ann", last_name="X", time_zone="Europe/Berlin")
    make_rep(user)
    return user


def told_of(lead: Lead | None, user: User, way: str, kind: str = "lead.assigned") -> Notification:
    tell(user, kind, f"test:{now().isoformat()}:{way}", lead, ways=[way], at=now())
    return Notification.objects.filter(user=user, way=way).latest("pk")


def some_lead(user: User) -> Lead:
    contact = make_contact(
        first_name="Annika", last_name="<Hoffmann>", phone="+49721555010", company=make_company(name="Rheintal & Co")
    )
    return make_lead(owner=user, contact=contact, subject="demo", grade="A1", fit=80, engagement=70)


def test_a_message_says_who_and_why_and_how_to_reach_them(ann: User, far: Service, settings: Any) -> None:
    settings.SLACK_SIGNING_SECRET = SECRET
    set_messenger(ann, "slack", far.url + "/services/T0/B0/x")
    notification = told_of(some_lead(ann), ann, "slack")

    assert deliver(notification.pk) == "sent"
    assert deliver(notification.pk) == "nothing to send"

    ((method, path, _headers, body),) = far.asked
    assert (method, path) == ("POST", "/services/T0/B0/x")
    sent = json.loads(body)
    everything = json.dumps(sent["blocks"], ensure_ascii=False)
    for words in ("Annika &lt;Hoffmann&gt;", "Rheintal &amp; Co", "+49721555010", "demo", "A1 (80 / 70)"):
        assert words in everything
    buttons = sent["blocks"][-1]["elements"]
    assert [one["text"]["text"] for one in buttons] == ["Acknowledge", "Open"]
    notification.refresh_from_db()
    assert notification.status == "sent"


def test_without_a_signing_secret_there_is_no_button_that_nobody_could_check(ann: User) -> None:
    notification = told_of(some_lead(ann), ann, "slack")
    assert [one["text"]["text"] for one in slack(notification)["blocks"][-1]["elements"]] == ["Open"]


def test_a_card_for_teams(ann: User, far: Service) -> None:
    set_messenger(ann, "teams", far.url + "/hook")
    assert deliver(told_of(some_lead(ann), ann, "teams").pk) == "sent"
    card = json.loads(far.asked[0][3])["attachments"][0]["content"]
    assert card["type"] == "AdaptiveCard"
    assert {"title": "Phone", "value": "+49721555010"} in card["body"][-1]["facts"]
    assert card["actions"][0]["url"].endswith(f"/leads/{Lead.objects.get().pk}/")
    assert teams(told_of(None, ann, "teams", "test"))["type"] == "message"


def test_who_has_a_messenger_is_told_by_it_from_then_on(ann: User, far: Service) -> None:
    set_messenger(ann, "slack", far.url + "/x")
    tell(ann, "lead.assigned", "assignment:1", some_lead(ann))
    assert set(Notification.objects.values_list("way", flat=True)) == {"in_app", "email", "slack"}


@pytest.mark.parametrize("behaviour", ["unknown", "forbidden"])
def test_a_messenger_that_is_gone_is_given_up_and_its_owner_told(ann: User, far: Service, behaviour: str) -> None:
    far.behaviour = behaviour
    set_messenger(ann, "slack", far.url + "/x")
    notification = told_of(some_lead(ann), ann, "slack")
    assert deliver(notification.pk) == "failed"
    messenger = Messenger.objects.get()
    assert messenger.dead_at is not None
    assert messenger.error
    news = Notification.objects.get(kind="messenger.dead", way="in_app")
    assert news.user == ann
    assert not Notification.objects.filter(kind="messenger.dead", way="slack").exists()
    tell(ann, "lead.assigned", "assignment:2", None)
    assert set(Notification.objects.filter(occasion="assignment:2").values_list("way", flat=True)) == {
        "in_app",
        "email",
    }


def test_one_that_is_busy_is_tried_again_and_given_up_in_the_end(ann: User, far: Service) -> None:
    far.behaviour = "broken"
    set_messenger(ann, "slack", far.url + "/x")
    notification = told_of(some_lead(ann), ann, "slack")
    assert deliver(notification.pk) == "will be tried again"
    assert Messenger.objects.get().failures == 1
    far.behaviour = "good"
    Notification.objects.filter(pk=notification.pk).update(next_try_at=now())
    assert deliver(notification.pk) == "sent"
    assert Messenger.objects.get().failures == 0
    far.behaviour = "broken"
    Messenger.objects.update(failures=FAILURES_TO_GIVE_UP - 1)
    deliver(told_of(None, ann, "slack", "test").pk)
    assert Messenger.objects.get().dead_at is not None


@pytest.mark.parametrize(
    "url",
    ["http://hooks.slack.com/x", "https://hooks.slack.com.evil.example/x", "https://evil.example/hooks.slack.com", "x"],
)
def test_other_addresses_are_no_webhooks(ann: User, url: str) -> None:
    with pytest.raises(InvalidInput):
        set_messenger(ann, "slack", url)
    assert set_messenger(ann, "slack", "https://hooks.slack.com/services/T/B/x").pk
    assert "hooks.slack.com" not in Messenger.objects.get().url


def choose(user: User, **fields: Any) -> None:
    NotifyPreference.objects.update_or_create(user=user, defaults=fields)


def test_quiet_hours_hold_mails_back_until_morning_but_no_breach(ann: User) -> None:
    choose(ann, quiet_from=time(20), quiet_to=time(7))
    with moment(NIGHT):
        tell(ann, "lead.assigned", "assignment:1", None)
        tell(ann, "sla.breached", "breach:1", None)
    held = Notification.objects.get(occasion="assignment:1", way="email")
    # Seven in Berlin.
    assert held.next_try_at == datetime(2026, 1, 15, 6, 0, tzinfo=UTC)
    assert Notification.objects.get(occasion="assignment:1", way="in_app").status == "sent"
    assert Notification.objects.get(occasion="breach:1", way="email").next_try_at is None
    assert send_waiting(NIGHT + timedelta(hours=1)) == 1
    assert send_waiting(datetime(2026, 1, 15, 6, 1, tzinfo=UTC)) >= 1
    with moment(datetime(2026, 1, 15, 6, 1, tzinfo=UTC)):
        assert deliver(held.pk) == "sent"


def test_what_is_wanted_in_a_digest_comes_in_one_mail(ann: User) -> None:
    choose(ann, ways={"lead.touched": ["in_app", "digest"]}, digest_at=time(8))
    lead = some_lead(ann)
    with moment(NIGHT):
        for number in range(3):
            tell(ann, "lead.touched", f"touch:{number}", lead)
        assert send_digests(NIGHT) == 0
    morning = datetime(2026, 1, 15, 7, 1, tzinfo=UTC)
    with moment(morning):
        assert send_waiting(morning) == 0
        assert send_digests(morning) == 1
        assert send_digests(morning) == 0
    (message,) = mail.outbox
    assert message.subject == "3 pieces of news"
    assert message.body.count("got in touch again") == 3
    assert not Notification.objects.filter(is_digest=True).exclude(status="sent").exists()


def test_a_digest_that_cannot_be_sent_is_given_up_in_sight_and_goes_out_on_retry(
    ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(ann, ways={"lead.touched": ["digest"]}, digest_at=time(8))
    at = datetime(2026, 1, 15, 7, 1, tzinfo=UTC)
    with moment(NIGHT):
        tell(ann, "lead.touched", "touch:1", some_lead(ann))

    def refuses(_items: Any) -> Any:
        raise OSError("no connection")

    with monkeypatch.context() as patched:
        patched.setattr(delivery, "digest_of", refuses)
        for _try in range(MAX_ATTEMPTS):
            with moment(at):
                assert send_digests(at) == 0
            at += timedelta(days=1)
    given_up = Notification.objects.get(is_digest=True)
    assert (given_up.status, given_up.error) == ("failed", "OSError: no connection")
    with moment(at):
        assert retry_failed([given_up.pk]) == 1
        assert send_digests(at) == 1
    assert len(mail.outbox) == 1


def test_a_digest_whose_sender_died_goes_out_after_all(ann: User) -> None:
    choose(ann, ways={"lead.touched": ["digest"]}, digest_at=time(8))
    at = datetime(2026, 1, 15, 7, 1, tzinfo=UTC)
    with moment(NIGHT):
        tell(ann, "lead.touched", "touch:1", some_lead(ann))
    Notification.objects.filter(is_digest=True).update(status="sending", claimed_at=at, attempts=1)
    later = at + timedelta(minutes=5)
    with moment(later):
        send_waiting(later)
        assert send_digests(later) == 1
    assert len(mail.outbox) == 1


def test_who_does_not_answer_is_told_on_every_way(ann: User, far: Service) -> None:
    make_policy(60, is_default=True, acknowledge_minutes=5)
    choose(ann, ways={"lead.assigned": ["in_app"], "sla.unseen": ["in_app"]})
    set_messenger(ann, "slack", far.url + "/x")
    make_rules(("All", ALWAYS, make_pool(ann.rep)))
    lead = make_lead()
    route(lead)
    acknowledge_due(now() + timedelta(minutes=6))
    ways = set(Notification.objects.filter(kind="sla.unseen", user=ann).values_list("way", flat=True))
    assert ways == {"in_app", "email", "slack"}


def press(client: Client, token: str, *, secret: str = SECRET, age: int = 0, action: str = "accept_lead") -> Any:
    payload = {"type": "block_actions", "actions": [{"action_id": action, "value": token}]}
    body = urlencode({"payload": json.dumps(payload)})
    stamp = str(int(now().timestamp()) - age)
    signature = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={signature}"}
    kind = "application/x-www-form-urlencoded"
    return client.post("/api/v1/slack/actions/", body, content_type=kind, headers=headers)


def test_a_press_on_the_button_acknowledges(client: Client, ann: User, settings: Any) -> None:
    settings.SLACK_SIGNING_SECRET = SECRET
    lead = some_lead(ann)
    token = accept_token(told_of(lead, ann, "slack"))
    assert read_accept_token(token) == (lead.pk, ann.pk)

    for refused in (press(client, token, secret="other"), press(client, token, age=600)):
        assert refused.status_code == 401
    assert press(client, token, action="other").json() == {"text": ""}
    assert press(client, token + "x").json() == {"text": ""}
    assert lead.assignments.get().accepted_at is None

    assert press(client, token).json() == {"text": "Acknowledged."}
    assert lead.assignments.get().accepted_at is not None
    # Pressed again it stays so; a lead that went elsewhere says so.
    assert press(client, token).json() == {"text": "Acknowledged."}
    lead.assignments.update(ends_at=now() + timedelta(seconds=1))
    assert "not yours" in press(client, token).json()["text"]


@pytest.mark.parametrize("body", ["", "payload=", "payload=[]", "payload={", 'payload={"actions": 5}', "x" * 300_000])
def test_no_body_breaks_the_door(client: Client, settings: Any, body: str) -> None:
    settings.SLACK_SIGNING_SECRET = SECRET
    stamp = str(int(now().timestamp()))
    signature = hmac.new(SECRET.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={signature}"}
    kind = "application/x-www-form-urlencoded"
    assert client.post("/api/v1/slack/actions/", body, content_type=kind, headers=headers).status_code in (200, 413)


def test_without_a_secret_the_door_is_shut(client: Client) -> None:
    assert press(client, "x", secret="").status_code == 401


def test_the_page(ann: User, far: Service) -> None:
    client = signed_in(ann)
    assert "A lead is mine" in page(client, "routing:notification_settings")
    client.post("/notifications/settings/", {"lead.assigned:slack": "on", "quiet_from": "20:00", "quiet_to": "07:00"})
    chosen = NotifyPreference.objects.get(user=ann)
    assert (chosen.ways["lead.assigned"], chosen.quiet_from) == (["slack"], time(20))
    refused = client.post("/notifications/settings/", {"quiet_from": "20:00", "quiet_to": "seven"})
    assert refused.status_code == 422
    assert "Write a time such as 18:30." in refused.content.decode()
    chosen.refresh_from_db()
    assert chosen.quiet_from == time(20)
    wrong = client.post("/notifications/messengers/slack/", {"url": "https://evil.example/"})
    assert wrong.status_code == 422
    assert "This is no webhook of Slack" in wrong.content.decode()
    client.post("/notifications/messengers/slack/", {"url": far.url + "/x"})
    assert far.url not in page(client, "routing:notification_settings")
    client.post("/notifications/messengers/slack/test/")
    assert deliver(Notification.objects.get(kind="test").pk) == "sent"
    assert "A test of Leadmgmt" in far.asked[0][3]
    client.post("/notifications/messengers/slack/", {"act": "remove"})
    assert not Messenger.objects.exists()

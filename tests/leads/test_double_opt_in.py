"""A consent that counts only when its address has confirmed it, and ends by the same link."""

import re
from datetime import timedelta
from smtplib import SMTPServerDisconnected
from typing import Any
from unittest.mock import patch

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.test import Client

from leadmgmt.core.now import now
from leads.models import Capture, Channel, Consent, ConsentRequest, Contact, Lead
from leads.services.capture import process_capture, take_in
from leads.services.confirmation import (
    MAX_ATTEMPTS,
    confirm,
    link_of,
    retry_failed,
    send,
    send_waiting,
    withdraw,
)
from tests.factories import make_channel, make_organisation, make_user

pytestmark = pytest.mark.django_db
STATEMENT = {"granted": True, "text": "Schreiben Sie mir einmal im Monat.", "version": "7", "confirm": True}


@pytest.fixture
def channel() -> Channel:
    make_organisation()
    return make_channel("site", kind=Channel.Kind.API)


def submit(channel: Channel, **payload: Any) -> Capture:
    told = {"email": "annika@rheintal.example", "language": "de", "consent": {"email": STATEMENT}, **payload}
    return process_capture(str(take_in(channel, told).capture.pk))


def request_for(channel: Channel, **payload: Any) -> ConsentRequest:
    return ConsentRequest.objects.get(capture=submit(channel, **payload))


def granted() -> list[bool]:
    return list(Consent.objects.order_by("at", "pk").values_list("granted", flat=True))


def test_nothing_counts_before_it_is_confirmed_but_the_lead_is_there(channel: Channel) -> None:
    request = request_for(channel)

    assert Lead.objects.get().contact.email == "annika@rheintal.example"
    assert granted() == []
    assert request.statements == [{"purpose": "email", "text": STATEMENT["text"], "version": "7"}]


def test_the_mail_says_what_was_agreed_to_in_the_language_of_the_form(channel: Channel) -> None:
    request = request_for(channel)
    assert send(request.pk) == "sent"

    (message,) = mail.outbox
    assert message.to == ["annika@rheintal.example"]
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    assert "bestätigen" in message.subject
    assert STATEMENT["text"] in message.body
    # A link made anew carries the second of its making; without its time and signature it is the same.
    assert link_of(request).rsplit(":", 2)[0] in message.body
    assert send(request.pk) == "nothing to send"
    assert len(mail.outbox) == 1


def test_looking_at_the_link_confirms_nothing_a_click_does(client: Client, channel: Channel) -> None:
    request = request_for(channel)
    path = re.sub(r"^https?://[^/]+", "", link_of(request))

    page = client.get(path)
    assert STATEMENT["text"] in page.content.decode()
    assert granted() == []
    assert client.post(path, {"act": "confirm"}, follow=True).status_code == 200

    statement = Consent.objects.get()
    assert (statement.granted, statement.text, statement.version) == (True, STATEMENT["text"], "7")
    assert statement.contact == Contact.objects.get()
    assert Lead.objects.get().events.filter(kind="consent.confirmed").count() == 1
    # Clicked twice it is confirmed once.
    client.post(path, {"act": "confirm"})
    assert granted() == [True]


def test_the_same_link_takes_it_back(client: Client, channel: Channel) -> None:
    request = request_for(channel)
    path = re.sub(r"^https?://[^/]+", "", link_of(request))
    client.post(path, {"act": "confirm"})

    assert "Take it back" in client.get(path).content.decode()
    client.post(path, {"act": "withdraw"})
    client.post(path, {"act": "withdraw"})
    # What was taken back is not brought back by an old link.
    client.post(path, {"act": "confirm"})

    assert granted() == [True, False]


def test_a_link_that_is_not_ours_and_one_that_is_old(client: Client, channel: Channel) -> None:
    request = request_for(channel)
    path = re.sub(r"^https?://[^/]+", "", link_of(request))
    assert client.get(path[:-4] + "xxx/").status_code == 404

    ConsentRequest.objects.update(asked_at=now() - timedelta(days=31))
    assert "run out" in client.get(path).content.decode()
    client.post(path, {"act": "confirm"})
    assert granted() == []


def test_a_refusal_counts_at_once_and_so_does_what_needs_no_confirmation(channel: Channel) -> None:
    submit(channel, consent={"email": {**STATEMENT, "granted": False}, "call": {"granted": True}})
    assert not ConsentRequest.objects.exists()
    assert dict(Consent.objects.values_list("purpose", "granted")) == {"email": False, "call": True}


def test_an_address_is_written_to_three_times_a_day_at_most(channel: Channel) -> None:
    told = [send(request_for(channel, message=f"Nr. {number}").pk) for number in range(5)]
    assert told == ["sent", "sent", "sent", "failed", "failed"]
    assert len(mail.outbox) == 3


def test_a_server_that_is_away_is_tried_again_and_then_given_up_visibly(channel: Channel) -> None:
    request = request_for(channel)
    with patch.object(EmailMessage, "send", side_effect=SMTPServerDisconnected("away")):
        assert send(request.pk) == "waiting"
        ConsentRequest.objects.update(attempts=MAX_ATTEMPTS - 1, next_try_at=now())
        assert send(request.pk) == "failed"
    request.refresh_from_db()
    assert "away" in request.error

    assert retry_failed([request.pk]) == 1
    assert send(request.pk) == "sent"


def test_the_clock_takes_up_what_a_lost_worker_held(channel: Channel) -> None:
    request = request_for(channel)
    ConsentRequest.objects.update(status="sending", claimed_at=now() - timedelta(minutes=5), attempts=1)
    assert send_waiting(now()) == 1
    # Nudged, it is left alone for a minute.
    assert send_waiting(now()) == 0
    assert send(request.pk) == "sent"


def test_a_failed_confirmation_stands_on_the_setup_page_and_is_sent_again_from_the_admin(channel: Channel) -> None:
    request = request_for(channel)
    ConsentRequest.objects.update(status="failed", error="refused")
    client = Client()
    client.force_login(make_user("admin", is_staff=True, is_superuser=True))

    assert "could not be sent: 1" in client.get("/setup/").content.decode()
    answer = client.post("/admin/leads/consentrequest/", {"action": "retry", "_selected_action": [request.pk]})
    assert answer.status_code == 302
    request.refresh_from_db()
    assert request.status == "waiting"


def test_confirm_and_withdraw_say_whether_they_did_anything(channel: Channel) -> None:
    request = request_for(channel)
    assert [withdraw(request.pk), confirm(request.pk), confirm(request.pk), withdraw(request.pk)] == [
        False,
        True,
        False,
        True,
    ]


def test_a_form_asks_for_it_when_told_to(client: Client) -> None:
    make_organisation()
    asks = [{"purpose": "email", "text_en": "Write to me.", "version": "1"}]
    fields = [{"key": "email", "type": "email", "required": True}]
    config = {"fields": fields, "consents": asks, "confirms": True, "least_seconds": 0}
    make_channel("demo", kind=Channel.Kind.FORM, config=config)
    token = re.search(r'name="token" value="([^"]+)"', client.get("/f/demo/").content.decode())
    assert token is not None

    told = {"email": "a@b.example", "consent_email": "on", "token": token[1]}
    thanks = client.post("/f/demo/", told, follow=True)
    assert "confirm it with the link" in thanks.content.decode()
    process_capture(str(Capture.objects.get().pk))
    assert ConsentRequest.objects.get().email == "a@b.example"
    assert granted() == []

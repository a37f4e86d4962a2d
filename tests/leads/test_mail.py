"""E-mail: passed on by a service or fetched from a mailbox; what machines send makes nothing."""

import base64
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from django.test import Client

from leads.channels.mail import payload_of
from leads.mail.message import read_mime
from leads.mail.plain import signature, text_of, written
from leads.models import Capture, Channel, Lead, LeadEvent, MailboxState
from leads.services.capture import process_capture
from leads.services.credentials import put_credentials
from leads.services.mailbox import poll, poll_due
from tests.factories import make_user
from tests.leads.imap_server import Mailbox, running_mailbox
from tests.leads.payloads import fixture, mac, needs_payloads
from tests.leads.shared import FOLDER

pytestmark = pytest.mark.django_db
MAILS = FOLDER / "payloads" / "fixtures" / "mail"
SERVICES = FOLDER / "payloads" / "email"
ANN = b"From: Ann Dyk <ann@firm.example>\r\nTo: sales+webinar@ours.example\r\nSubject: Demo\r\nMessage-ID: <m-%d@f>\r\n"


def mail(number: int = 1, body: bytes = b"We need a demo.", head: bytes = b"") -> bytes:
    return ANN % number + head + b"\r\n" + body + b"\r\n"


def make_mailbox(service: str = "imap", **config: Any) -> Channel:
    channel = Channel(slug="sales", name="Sales", kind="mail", config={"service": service, **config})
    put_credentials(channel, {"key": "mg-key", "password": "right"})
    channel.save()
    return channel


def basic(key: str = "mg-key") -> str:
    return "Basic " + base64.b64encode(f"leadmgmt:{key}".encode()).decode()


def work_off() -> list[str]:
    return [process_capture(one.pk).status for one in Capture.objects.filter(status="received")]


@needs_payloads
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("multipart_utf8", {"email": "zoe.mueller@firma.example", "name": "Zoë Müller", "phone": "+4930901820"}),
        ("reply_with_quote", {"email": "zoe.mueller@firma.example", "message": "Yes please.", "subject": "Angebot"}),
        ("no_message_id_raw_8bit", {"email": "jose@empresa.example", "name": "José", "subject": "España"}),
        ("group_syntax_and_comment", {"email": "sean.o'brien@shop.example", "subject": "folded subject"}),
    ],
)
def test_every_described_mail_of_a_person_is_read(name: str, expected: dict[str, str]) -> None:
    told = payload_of(read_mime((MAILS / f"{name}.eml").read_bytes()), {})
    assert {key: told.get(key) for key in expected} == expected


@needs_payloads
@pytest.mark.parametrize(("name", "verdict"), [("auto_reply", "auto_reply"), ("bounce_dsn", "bounce")])
def test_every_described_mail_of_a_machine_creates_nothing(name: str, verdict: str) -> None:
    channel = make_mailbox("postmark")
    send_postmark({"RawEmail": (MAILS / f"{name}.eml").read_text("latin-1")})
    capture = Capture.objects.get()
    assert (capture.channel, capture.status, capture.verdict) == (channel, "ignored", verdict)
    assert work_off() == []
    assert not Lead.objects.exists()


MACHINES = [
    (b"Auto-Submitted: auto-generated\r\n", "auto_reply"),
    (b"X-Autoreply: yes\r\n", "auto_reply"),
    (b"List-Id: <news.firm.example>\r\n", "list_mail"),
    (b"List-Unsubscribe: <https://x.example>\r\n", "list_mail"),
    (b"Precedence: bulk\r\n", "list_mail"),
    (b"Return-Path: <>\r\n", "auto_reply"),
    (b"Content-Type: text/calendar; method=REPLY\r\n", "calendar"),
]


@pytest.mark.parametrize(("head", "verdict"), MACHINES)
def test_machines_are_known_by_their_headers(head: bytes, verdict: str) -> None:
    make_mailbox("postmark")
    send_postmark({"RawEmail": mail(head=head).decode()})
    assert Capture.objects.get().verdict == verdict


@pytest.mark.parametrize(
    "subject",
    [
        "Automatische Antwort: Demo",
        "Out of office: Demo",
        "Réponse automatique : Demo",
        "Abwesenheitsnotiz: bis Montag",
    ],
)
def test_absence_notes_without_a_header_are_known_by_their_subject(subject: str) -> None:
    make_mailbox("postmark")
    head = [{"Name": "From", "Value": "ann@firm.example"}, {"Name": "Subject", "Value": subject}]
    send_postmark({"Headers": head, "TextBody": "Away."})
    assert Capture.objects.get().verdict == "auto_reply"


def send_postmark(told: dict[str, Any], key: str = "mg-key") -> Any:
    return Client().post(
        "/api/v1/hooks/sales/", json.dumps(told), content_type="application/json", headers={"Authorization": basic(key)}
    )


@needs_payloads
def test_postmark_passes_a_mail_on() -> None:
    make_mailbox("postmark")
    body = json.loads((SERVICES / "postmark_inbound_with_raw.json").read_text())
    assert send_postmark(body, key="wrong").status_code == 401
    assert send_postmark(body).status_code == 200
    assert send_postmark(body).status_code == 200
    assert Capture.objects.count() == 1
    assert Capture.objects.get().payload["from"][0]["email"]


@needs_payloads
def test_mailgun_signs_in_the_body_and_its_token_is_used_once() -> None:
    make_mailbox("mailgun")
    told = dict(parse_qsl(fixture("mailgun_inbound")["body"], keep_blank_values=True))

    def send(**change: str) -> int:
        stamp = change.get("timestamp", str(int(time.time())))
        body = {**told, "timestamp": stamp, **change}
        body.setdefault("signature", "")
        if "signature" not in change:
            body["signature"] = mac("mg-key", stamp + body["token"]).hex()
        kind = "application/x-www-form-urlencoded"
        return int(Client().generic("POST", "/api/v1/hooks/sales/", urlencode(body), content_type=kind).status_code)

    assert send(signature="0" * 64) == 401
    assert send(timestamp="1700000000") == 401
    assert send() == 200
    # The same token with another content is somebody else's recording.
    assert send(**{"body-plain": "Something else"}) in (401, 409)
    assert Capture.objects.count() == 1
    assert work_off() == ["accepted"]
    assert Lead.objects.get().contact.email == "zoe.mueller@firma.example"


@needs_payloads
@pytest.mark.parametrize(
    "name",
    ["sendgrid_inbound_default_data", "sendgrid_inbound_raw_data", "sendgrid_inbound_raw_data_with_attachments"],
)
def test_sendgrid_passes_a_mail_on_in_either_shape(name: str) -> None:
    make_mailbox("sendgrid")
    raw = (SERVICES / f"{name}.txt").read_bytes()
    first = raw.lstrip().splitlines()[0].strip()
    boundary = first.removeprefix(b"--").decode("latin-1")
    body = raw.lstrip().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    response = Client().generic(
        "POST",
        "/api/v1/hooks/sales/",
        body,
        content_type=f"multipart/form-data; boundary={boundary}",
        headers={"Authorization": basic()},
    )
    assert response.status_code == 200, response.content
    assert Capture.objects.get().payload["from"]


def test_a_mail_makes_a_lead_with_its_words_and_a_reply_joins_it() -> None:
    make_mailbox("postmark")
    body = b"We plan 45 technicians.\r\n\r\nKind regards\r\nAnn\r\n+49 30 901820"
    send_postmark({"RawEmail": mail(1, body).decode()})
    assert work_off() == ["accepted"]
    lead = Lead.objects.get()
    touch = lead.touchpoints.get()
    assert (lead.contact.last_name, lead.contact.phone, touch.kind) == ("Dyk", "+4930901820", "email")
    assert "45 technicians" in touch.message
    assert lead.subject == "Demo"

    send_postmark({"RawEmail": mail(2, b"Any news?\r\n\r\nOn Monday, you wrote:\r\n> Hello").decode()})
    assert work_off() == ["accepted"]
    assert Lead.objects.get().touchpoints.count() == 2
    assert Lead.objects.get().touchpoints.order_by("-pk")[0].message == "Any news?"
    assert LeadEvent.objects.filter(kind="lead.touched").count() == 1


def test_the_label_behind_the_plus_is_the_campaign() -> None:
    assert payload_of(read_mime(mail()), {})["campaign"] == "webinar"


def test_a_form_service_names_the_person_under_reply_to() -> None:
    raw = mail().replace(b"From: Ann Dyk <ann@firm.example>", b"From: Forms <forms@service.example>")
    raw = raw.replace(b"Subject:", b"Reply-To: Bob Ohm <bob@firm.example>\r\nSubject:")
    assert payload_of(read_mime(raw), {})["email"] == "forms@service.example"
    told = payload_of(read_mime(raw), {"forwarders": ["forms@service.example"]})
    assert (told["email"], told["name"]) == ("bob@firm.example", "Bob Ohm")


def test_a_colleague_who_passes_a_mail_on_brings_the_one_who_wrote_it() -> None:
    make_user("sdr", email="rep@ours.example")
    make_mailbox("postmark")
    body = (
        b"see below\r\n\r\n---------- Forwarded message ---------\r\nFrom: Bob Ohm <bob@firm.example>\r\n"
        b"Subject: Offer\r\n\r\nPlease send an offer.\r\n"
    )
    raw = mail(5, body).replace(b"Ann Dyk <ann@firm.example>", b"rep@ours.example").replace(b": Demo", b": Fwd: Offer")
    send_postmark({"RawEmail": raw.decode()})
    assert work_off() == ["accepted"]
    lead = Lead.objects.get()
    assert (lead.contact.email, lead.touchpoints.get().message) == ("bob@firm.example", "Please send an offer.")


def test_a_colleagues_own_mail_is_nobodys_interest() -> None:
    make_user("sdr", email="ann@firm.example")
    make_mailbox("postmark")
    send_postmark({"RawEmail": mail().decode()})
    assert Capture.objects.get().verdict == "own"


def test_a_mail_that_failed_its_proof_is_held() -> None:
    channel = make_mailbox("sendgrid")
    payload = read_mime(mail()) | {"spf": "fail"}
    at = datetime.now(UTC)
    capture = Capture.objects.create(channel=channel, payload=payload, received_at=at, occurred_at=at)
    after = process_capture(capture.pk)
    assert (after.status, after.verdict) == ("quarantined", "unproved")


def test_html_becomes_text_without_scripts() -> None:
    assert text_of("<p>Hello<br>you</p><script>bad()</script><style>x</style> &amp; co") == "Hello\nyou\n& co"


@pytest.mark.parametrize(
    "quote",
    ["On Mon, 2 Nov 2026, Ann wrote:\n> x", "Am 2.11. schrieb Ann:\n> x", "-- \nAnn", "> x", "Von: a@b.example\nx"],
)
def test_what_is_quoted_or_signed_is_not_what_was_written(quote: str) -> None:
    assert written(f"Yes please.\n\n{quote}") == "Yes please."


def test_the_signature_is_below_the_greeting() -> None:
    assert "901820" in signature("Hello\n\nMit freundlichen Grüßen\nAnn\nTel 030 901820\n> quoted")


# --- The mailbox ---------------------------------------------------------------------------------


@pytest.fixture
def mailbox(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    settings.OUTBOUND_ALLOW_PRIVATE = ["127.0.0.1"]
    monkeypatch.setattr("leads.services.mailbox.SECONDS", 1.0)
    with running_mailbox() as running:
        yield running


def make_imap(mailbox: Mailbox, **config: Any) -> Channel:
    told = {"host": "127.0.0.1", "port": str(mailbox.port), "user": "sales", "plain": True, "from_start": True}
    channel = make_mailbox("imap", **{**told, **config})
    assert poll_due(datetime.now(UTC)) == 1
    return channel


def test_a_mailbox_is_read_once_and_goes_on_from_there(mailbox: Mailbox) -> None:
    mailbox.put(mail(1))
    mailbox.put(mail(2))
    channel = make_imap(mailbox)
    assert poll(channel.pk) == 2
    assert poll(channel.pk) == 0
    mailbox.put(mail(3))
    assert poll(channel.pk) == 1
    assert set(work_off()) == {"accepted"}
    assert Lead.objects.get().touchpoints.count() == 3
    assert mailbox.seen == set()


def test_what_lay_there_before_is_left_unless_it_is_asked_for(mailbox: Mailbox) -> None:
    mailbox.put(mail(1))
    channel = make_imap(mailbox, from_start=False)
    assert poll(channel.pk) == 0
    mailbox.put(mail(2))
    assert poll(channel.pk) == 1


def test_numbers_made_anew_double_nothing(mailbox: Mailbox) -> None:
    mailbox.put(mail(1))
    channel = make_imap(mailbox)
    poll(channel.pk)
    mailbox.validity = 2
    mailbox.mails = {7: mail(1), 8: mail(2)}
    poll(channel.pk)
    assert Capture.objects.count() == 2


def test_a_line_that_breaks_in_the_middle_loses_and_doubles_nothing(mailbox: Mailbox) -> None:
    for number in range(3):
        mailbox.put(mail(number))
    mailbox.behaviour = "drop"
    channel = make_imap(mailbox)
    assert poll(channel.pk) == 2
    state = MailboxState.objects.get()
    assert (state.last_uid, state.failures) == (2, 1)
    assert state.error
    mailbox.behaviour = "good"
    assert poll(channel.pk) == 1
    assert Capture.objects.count() == 3
    assert MailboxState.objects.get().error == ""


@pytest.mark.parametrize(
    ("behaviour", "config", "words"),
    [
        ("hang", {}, "did not answer in time"),
        ("password", {}, "Wrong password"),
        ("good", {"folder": "Missing"}, "folder cannot be opened"),
        ("good", {"host": ""}, ""),
    ],
)
def test_what_goes_wrong_is_told_and_tried_again_later(
    mailbox: Mailbox, behaviour: str, config: dict[str, str], words: str
) -> None:
    mailbox.behaviour = behaviour
    if behaviour == "password":
        mailbox.password = "another"
    if "host" in config:
        make_mailbox("imap", **config)
        assert poll_due(datetime.now(UTC)) == 0
        return
    channel = make_imap(mailbox, **config)
    assert poll(channel.pk) == 0
    state = MailboxState.objects.get()
    assert words in state.error
    assert state.next_poll_at is not None
    assert state.next_poll_at > datetime.now(UTC)


def test_a_mail_too_large_for_a_question_and_garbage_are_passed_over(mailbox: Mailbox) -> None:
    mailbox.put(b"\x00\xff\xfe garbage")
    mailbox.put(mail(2))
    channel = make_imap(mailbox)
    assert poll(channel.pk) >= 1
    mailbox.behaviour = "huge"
    mailbox.put(mail(3))
    poll(channel.pk)
    assert MailboxState.objects.get().last_uid == 3


def test_what_was_fetched_is_marked_as_read_if_that_is_wanted(mailbox: Mailbox) -> None:
    mailbox.put(mail(1))
    channel = make_imap(mailbox, seen=True)
    poll(channel.pk)
    assert mailbox.seen == {1}


def test_a_mailbox_is_read_by_one_at_a_time(mailbox: Mailbox) -> None:
    mailbox.put(mail(1))
    channel = make_imap(mailbox)
    MailboxState.objects.update(claimed_until=datetime(2099, 1, 1, tzinfo=UTC))
    assert poll(channel.pk) == 0
    assert not Capture.objects.exists()


def test_a_private_host_is_not_connected_to(mailbox: Mailbox, settings: Any) -> None:
    settings.OUTBOUND_ALLOW_PRIVATE = []
    channel = make_imap(mailbox)
    poll(channel.pk)
    assert "private network" in MailboxState.objects.get().error

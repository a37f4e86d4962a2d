"""Mails to leads: written once, sent once, taken back, stopped by one click, and what becomes of them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any

import pytest
from django.core import mail as outbox
from django.core.mail import EmailMessage
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import moment, now
from leads.models import Capture, Consent, Lead, User
from qualification.mail_text import VARIABLES, check, fill
from qualification.models import Activity, MailTemplate, OutgoingMail
from qualification.services.activities import UndoTooLate, undo_activity
from qualification.services.mail import Begun, begun, mails_due, send_again, send_mail, write_mail
from qualification.services.mail_rules import MayNotWrite, stop_token
from tests.factories import make_channel, make_company, make_contact, make_lead, make_touchpoint, make_user
from tests.worker import drain

pytestmark = pytest.mark.django_db
AT = datetime.fromisoformat("2026-05-04T09:00:00+00:00")


@pytest.fixture
def ann() -> User:
    return make_user("sdr", first_name="Ann", last_name="Ander", email="ann@firm.example", mail_signature="Ann\nFirm")


@pytest.fixture
def lead(ann: User) -> Lead:
    company = make_company(name="Nord AG")
    contact = make_contact(email="kim@nord.example", first_name="Kim", company=company, language="en")
    return make_lead(contact=contact, owner=ann, stage="mql", captured_at=AT - timedelta(hours=1))


@pytest.fixture(autouse=True)
def ours(settings: Any) -> Iterator[None]:
    settings.DEFAULT_FROM_EMAIL = "Firm <hello@firm.example>"
    settings.PUBLIC_URL = "https://leads.firm.example"
    with moment(AT):
        yield


def written(lead: Lead, ann: User, **more: Any) -> OutgoingMail:
    return write_mail(lead.pk, by=ann, subject="Hello", body="How are you?", at=AT, **more)


def sent(lead: Lead, ann: User) -> OutgoingMail:
    row = written(lead, ann)
    with moment(AT + timedelta(seconds=10)):
        assert send_mail(row.pk) == "sent"
    row.refresh_from_db()
    return row


class TestTexts:
    def test_variables_are_filled_and_what_is_not_known_is_named(self) -> None:
        found = fill("Dear {{first_name}} of {{ company | your firm }}, {{ city }}{{ city }}", {"first_name": "Kim"})

        assert found.text == "Dear Kim of your firm, [their city][their city]"
        assert found.missing == ("city",)

    def test_a_value_is_never_read_as_a_variable(self) -> None:
        assert fill("{{ company }}", {"company": "{{ my_email }}"}).text == "{{ my_email }}"

    @pytest.mark.parametrize(
        ("subject", "body", "wrong"),
        [
            ("", "x", "subject"),
            ("x", " ", "body"),
            ("x", "{{ nobody }}", "body"),
            ("x", "{{ first_name", "body"),
            ("x", "{% load x %}", "body"),
            ("{{ First }}", "x", "subject"),
            ("a\nb", "x", "subject"),
        ],
    )
    def test_a_text_that_cannot_be_used_names_the_field(self, subject: str, body: str, wrong: str) -> None:
        with pytest.raises(InvalidInput) as found:
            check(subject, body)

        assert list(found.value.fields) == [wrong]

    @given(st.text(), st.dictionaries(st.sampled_from(sorted(VARIABLES)), st.text()))
    def test_whatever_is_written_is_filled_without_an_error(self, text: str, values: dict[str, str]) -> None:
        filled = fill(text, values)

        assert fill(text.replace("{", "").replace("}", ""), values).missing == ()
        assert all(name in VARIABLES or name in text for name in filled.missing)

    def test_a_mail_begins_with_the_text_and_ends_with_the_signature(self, lead: Lead, ann: User) -> None:
        text = MailTemplate(subject="For {{ company }}", body="Hello {{ first_name | there }}")

        assert begun(lead, ann, text) == Begun("For Nord AG", "Hello Kim\n\n-- \nAnn\nFirm")


class TestWriting:
    def test_a_mail_is_an_activity_that_keeps_the_promise(self, lead: Lead, ann: User) -> None:
        row = written(lead, ann)

        lead.refresh_from_db()
        assert lead.first_touched_at == AT
        assert (row.activity.kind, row.activity.body, row.status) == ("email", "Hello\n\nHow are you?", "waiting")
        assert not outbox.outbox

    def test_it_goes_out_after_ten_seconds_once(self, lead: Lead, ann: User) -> None:
        row = written(lead, ann)

        assert mails_due(AT + timedelta(seconds=9)) == 0
        assert send_mail(row.pk) == "nothing to send"
        with moment(AT + timedelta(seconds=10)):
            assert mails_due(now()) == 1
            assert mails_due(now()) == 0
            drain()
            assert send_mail(row.pk) == "nothing to send"
        assert len(outbox.outbox) == 1
        row.refresh_from_db()
        assert (row.status, row.sent_at) == ("sent", AT + timedelta(seconds=10))

    def test_its_head_says_who_wrote_and_how_to_end_it(self, lead: Lead, ann: User) -> None:
        row = sent(lead, ann)
        message = outbox.outbox[0]

        assert message.from_email == "Ann Ander <ann@firm.example>"
        assert message.reply_to == ["ann@firm.example"]
        assert message.extra_headers["Message-ID"] == f"<{row.message_id}>"
        link = message.extra_headers["List-Unsubscribe"].strip("<>")
        assert link.startswith("https://leads.firm.example/mail/stop/")
        assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert link in message.body

    def test_an_address_of_another_domain_stands_under_reply_to(self, lead: Lead) -> None:
        ben = make_user("sdr", first_name="Ben", last_name="Berg", email="ben@elsewhere.example")
        sent(lead, ben)

        assert outbox.outbox[0].from_email == "Ben Berg <hello@firm.example>"
        assert outbox.outbox[0].reply_to == ["ben@elsewhere.example"]

    def test_an_answer_stays_in_their_thread(self, lead: Lead, ann: User) -> None:
        channel = make_channel(kind="email")
        said = {"message_id": "abc@nord.example", "subject": "Price"}
        capture = Capture.objects.create(channel=channel, payload=said, received_at=AT, occurred_at=AT)
        make_touchpoint(lead, kind="email", capture=capture, at=AT - timedelta(minutes=9))

        assert begun(lead, ann, None).subject == "Re: Price"
        sent(lead, ann)
        assert outbox.outbox[0].extra_headers["In-Reply-To"] == "<abc@nord.example>"
        first = OutgoingMail.objects.get()
        assert first.in_reply_to == "abc@nord.example"

    def test_a_second_mail_follows_the_first(self, lead: Lead, ann: User) -> None:
        first = sent(lead, ann)

        assert written(lead, ann).in_reply_to == first.message_id

    @pytest.mark.parametrize(
        ("subject", "body", "wrong"),
        [
            ("", "x", "subject"),
            ("x", "", "body"),
            ("x" * 201, "x", "subject"),
            ("x", "Hi {{ first_name }}", "body"),
            ("x", "In [their city]", "body"),
        ],
    )
    def test_what_lacks_is_named_and_nothing_is_kept(
        self, lead: Lead, ann: User, subject: str, body: str, wrong: str
    ) -> None:
        with pytest.raises(InvalidInput) as found:
            write_mail(lead.pk, by=ann, subject=subject, body=body)

        assert list(found.value.fields) == [wrong]
        assert not Activity.objects.exists()

    def test_a_line_break_in_the_subject_is_a_space(self, lead: Lead, ann: User) -> None:
        row = write_mail(lead.pk, by=ann, subject="Hello\r\nBcc: all@x.example", body="x", at=AT)

        assert row.subject == "Hello Bcc: all@x.example"


class TestTakingBack:
    def test_until_it_is_out_it_can_be_taken_back(self, lead: Lead, ann: User) -> None:
        row = written(lead, ann)

        undo_activity(row.activity_id, by=ann, at=AT + timedelta(seconds=5))

        with moment(AT + timedelta(minutes=1)):
            assert mails_due(now()) == 0
            assert send_mail(row.pk) == "nothing to send"
        row.refresh_from_db()
        lead.refresh_from_db()
        assert (row.status, lead.first_touched_at) == ("cancelled", None)

    def test_once_it_is_out_it_is_out(self, lead: Lead, ann: User) -> None:
        row = sent(lead, ann)

        with pytest.raises(UndoTooLate, match="gone out"):
            undo_activity(row.activity_id, by=ann, at=AT + timedelta(seconds=20))
        assert Activity.objects.get().undone_at is None


class TestWhoMayBeWrittenTo:
    def test_a_no_is_a_no(self, lead: Lead, ann: User) -> None:
        Consent.objects.create(contact=lead.contact, purpose="email", granted=False, at=AT)

        with pytest.raises(MayNotWrite, match="do not want"):
            written(lead, ann)
        Consent.objects.create(contact=lead.contact, purpose="email", granted=True, at=AT + timedelta(seconds=1))
        written(lead, ann)

    def test_a_no_that_comes_before_it_is_out_stops_it(self, lead: Lead, ann: User) -> None:
        row = written(lead, ann)
        Consent.objects.create(contact=lead.contact, purpose="email", granted=False, at=AT)

        with moment(AT + timedelta(seconds=10)):
            assert send_mail(row.pk) == "failed"
        assert not outbox.outbox
        assert lead.events.filter(kind="mail.failed").exists()

    def test_one_click_ends_our_mails_and_a_look_does_not(self, lead: Lead, ann: User) -> None:
        client = Client(enforce_csrf_checks=True)
        url = f"/mail/stop/{stop_token(lead.contact_id)}/"

        assert "kim@nord.example" in client.get(url).content.decode()
        assert not Consent.objects.exists()
        assert client.post(url, {"List-Unsubscribe": "One-Click"}).status_code == 200
        client.post(url)

        assert Consent.objects.get().granted is False
        assert "no more e-mails" in client.get(url).content.decode()
        assert lead.events.filter(kind="consent.withdrawn").count() == 1
        with pytest.raises(MayNotWrite):
            written(lead, ann)

    def test_a_link_that_is_not_ours_leads_nowhere(self, lead: Lead) -> None:
        assert Client().get("/mail/stop/guessed/").status_code == 404
        assert Client().post("/mail/stop/guessed/").status_code == 404


class TestTrouble:
    def failing(self, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
        def fail(self: EmailMessage, *args: Any) -> int:
            raise error

        monkeypatch.setattr(EmailMessage, "send", fail)

    def test_a_server_that_is_away_is_tried_again(self, lead: Lead, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
        row = written(lead, ann)
        self.failing(monkeypatch, SMTPServerDisconnected("gone"))
        at = AT + timedelta(seconds=10)
        for attempt in range(1, 7):
            with moment(at):
                said = send_mail(row.pk)
            row.refresh_from_db()
            assert said == ("failed" if attempt == 6 else "will be tried again")
            at = (row.next_try_at or at) + timedelta(seconds=1)

        assert (row.status, row.attempts) == ("failed", 6)
        monkeypatch.undo()
        with moment(at):
            assert send_again([row.pk], at) == 1
            assert send_mail(row.pk) == "sent"

    def test_a_refusal_for_good_is_tried_once(self, lead: Lead, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
        row = written(lead, ann)
        self.failing(monkeypatch, SMTPRecipientsRefused({"kim@nord.example": (550, b"no such user")}))

        with moment(AT + timedelta(seconds=10)):
            assert send_mail(row.pk) == "failed"
        row.refresh_from_db()
        assert "550" in row.error

    def test_of_one_whose_sender_died_a_person_decides(self, lead: Lead, ann: User) -> None:
        row = written(lead, ann)
        OutgoingMail.objects.filter(pk=row.pk).update(status="sending", claimed_at=AT)

        assert mails_due(AT + timedelta(minutes=3)) == 1
        row.refresh_from_db()
        assert row.status == "unsure"
        with moment(AT + timedelta(minutes=4)):
            assert send_mail(row.pk) == "nothing to send"
            assert send_again([row.pk], now()) == 1
            assert send_mail(row.pk) == "sent"

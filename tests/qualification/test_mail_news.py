"""What becomes of a mail: as a service reports it, and by their answer."""

import hmac
import json
from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
from anymail.exceptions import AnymailRequestsAPIError
from django.test import Client
from requests import Response

from leadmgmt.core.mail import is_permanent
from leads.events import record_event
from leads.models import Lead, User
from qualification.models import MailStop, OutgoingMail
from qualification.services.mail_news import note_reply
from qualification.services.mail_rules import MayNotWrite
from tests.factories import make_touchpoint
from tests.qualification.test_mail import AT, ann, lead, ours, sent, written

pytestmark = pytest.mark.django_db
__all__ = ["ann", "lead", "ours"]


@pytest.mark.parametrize(("status", "is_final"), [(401, True), (422, True), (429, False), (503, False), (None, False)])
def test_what_a_service_refuses_is_final_or_tried_again(status: int | None, is_final: bool) -> None:
    response = Response()
    response.status_code = status or 0
    error = AnymailRequestsAPIError("no", response=response if status else None)

    assert is_permanent(error) == is_final


class TestWhatBecomesOfIt:
    def report(self, client: Client, row: OutgoingMail, record: str, **more: Any) -> int:
        told = {
            "RecordType": record,
            "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
            "Recipient": row.to,
            "Email": row.to,
            "Metadata": {"mail": str(row.pk)},
            "DeliveredAt": "2026-05-04T09:05:00Z",
            "ReceivedAt": "2026-05-04T09:06:00Z",
            "BouncedAt": "2026-05-04T09:07:00Z",
            **more,
        }
        return client.post(
            "/api/v1/mail/tracking/",
            json.dumps(told),
            content_type="application/json",
            headers={"authorization": "Basic " + b64encode(b"us:secret").decode()},
        ).status_code

    @pytest.fixture(autouse=True)
    def service(self, settings: Any) -> None:
        settings.EMAIL_ESP = "postmark"
        settings.EMAIL_ESP_WEBHOOK_SECRET = "us:secret"
        settings.ANYMAIL = {**settings.ANYMAIL, "WEBHOOK_SECRET": "us:secret"}

    def test_a_service_reports_and_says_it_twice(self, client: Client, lead: Lead, ann: User) -> None:
        row = sent(lead, ann)
        for _twice in range(2):
            assert self.report(client, row, "Delivery") == 200
            assert self.report(client, row, "Click", OriginalLink="https://firm.example") == 200

        row.refresh_from_db()
        assert row.delivered_at is not None
        assert row.clicked_at is not None
        assert lead.events.filter(kind="mail.clicked").count() == 1

    def test_a_bounce_stops_the_address_until_it_is_corrected(self, client: Client, lead: Lead, ann: User) -> None:
        row = sent(lead, ann)
        bounce = {"ID": 42, "TypeCode": 1, "Type": "HardBounce", "Description": "no such user", "Inactive": True}

        assert self.report(client, row, "Bounce", **bounce) == 200

        row.refresh_from_db()
        assert row.bounced_at is not None
        assert MailStop.objects.get().reason == "bounce"
        with pytest.raises(MayNotWrite, match="came back"):
            written(lead, ann)
        lead.contact.email = lead.contact.email_key = "kim.right@nord.example"
        lead.contact.save()
        written(lead, ann)

    def test_a_complaint_stops_it_for_good(self, client: Client, lead: Lead, ann: User) -> None:
        row = sent(lead, ann)

        assert self.report(client, row, "SpamComplaint", ID=43) == 200

        assert MailStop.objects.get().reason == "complaint"

    def test_who_does_not_know_the_secret_reports_nothing(
        self, client: Client, lead: Lead, ann: User, settings: Any
    ) -> None:
        row = sent(lead, ann)
        settings.ANYMAIL = {**settings.ANYMAIL, "WEBHOOK_SECRET": "another:one"}
        assert self.report(client, row, "Delivery") == 400
        settings.EMAIL_ESP_WEBHOOK_SECRET = ""
        assert self.report(client, row, "Delivery") == 404
        row.refresh_from_db()
        assert row.delivered_at is None

    def test_mailgun_signs_its_reports(self, client: Client, lead: Lead, ann: User, settings: Any) -> None:
        row = sent(lead, ann)
        settings.EMAIL_ESP, settings.EMAIL_ESP_WEBHOOK_SECRET = "mailgun", "key"
        settings.ANYMAIL = {"WEBHOOK_SECRET": "", "MAILGUN_WEBHOOK_SIGNING_KEY": "key"}
        event = {
            "event": "delivered", "id": "x", "timestamp": AT.timestamp(), "recipient": row.to,
            "user-variables": {"mail": str(row.pk)}, "message": {"headers": {"message-id": row.message_id}},
        }  # fmt: skip
        for key, status in (("wrong", 400), ("key", 200)):
            signature = hmac.new(key.encode(), b"1777885200token", "sha256").hexdigest()
            told = {
                "signature": {"timestamp": "1777885200", "token": "token", "signature": signature},
                "event-data": event,
            }
            said = client.post("/api/v1/mail/tracking/", json.dumps(told), content_type="application/json")
            assert said.status_code == status
        row.refresh_from_db()
        assert row.delivered_at is not None

    def test_a_report_about_a_mail_that_is_not_ours_changes_nothing(
        self, client: Client, lead: Lead, ann: User
    ) -> None:
        row = sent(lead, ann)

        assert self.report(client, row, "Delivery", Metadata={"mail": "999999999"}) == 200
        assert self.report(client, row, "Delivery", Metadata={"mail": "no number"}) == 200
        row.refresh_from_db()
        assert row.delivered_at is None

    def test_their_next_mail_is_the_answer(self, lead: Lead, ann: User) -> None:
        row = sent(lead, ann)
        make_touchpoint(lead, kind="form", at=AT + timedelta(hours=1))
        note_reply(lead, record_event(lead, "lead.touched"))
        row.refresh_from_db()
        assert row.replied_at is None

        make_touchpoint(lead, kind="email", at=AT + timedelta(hours=2))
        for _twice in range(2):
            note_reply(lead, record_event(lead, "lead.touched"))

        row.refresh_from_db()
        assert row.replied_at == AT + timedelta(hours=2)
        assert lead.events.filter(kind="mail.replied").count() == 1

"""The HTML side of mails says what their text says, and links that count clicks lead where they led."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import mail as outbox
from django.test import Client
from django.utils.html import strip_tags
from hypothesis import given
from hypothesis import strategies as st

from leadmgmt.core.now import moment
from leads.models import Lead, Organisation, User
from qualification.mail_html import html_of
from qualification.models import OutgoingMail
from qualification.services.mail import send_mail, write_mail
from qualification.services.mail_clicks import counted_link
from tests.factories import make_contact, make_lead, make_user

AT = datetime.fromisoformat("2026-05-04T09:00:00+00:00")
BODY = "Hello Kim,\n\nsee https://firm.example/a?b=1&c=2 <now>.\nYours\n\n-- \nAnn\nFirm"


def made(body: str, **more: Any) -> str:
    said = {"language": "en", "ending": "No more:", "stop_url": "https://leads.firm.example/mail/stop/x/", **more}
    return html_of(body, **said)


def addresses(html: str) -> list[str]:
    return [unescape(one) for one in re.findall(r'href="([^"]*)"', html)]


class TestPage:
    def test_paragraphs_links_and_the_signature_apart(self) -> None:
        page = made(BODY)

        assert "<p>Hello Kim,</p>" in page
        assert "&lt;now&gt;" in page
        assert addresses(page) == ["https://firm.example/a?b=1&c=2", "https://leads.firm.example/mail/stop/x/"]
        assert re.search(r"<div[^>]*><p>Ann<br>Firm</p></div>", page)
        assert "-- " not in page

    def test_only_links_of_the_text_lead_elsewhere(self) -> None:
        page = made(BODY, link_to=lambda url: f"https://us.example/?to={len(url)}&x")

        assert addresses(page) == ["https://us.example/?to=30&x", "https://leads.firm.example/mail/stop/x/"]

    @given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=80))
    def test_nothing_in_a_text_becomes_markup(self, text: str) -> None:
        page = made(text, link_to=lambda url: url)

        known = {"!doctype", "html", "head", "meta", "body", "p", "a", "br", "div"}
        assert set(re.findall(r"</?([a-z!]+)", page)) <= known
        shown = re.sub(r"\s+", "", unescape(strip_tags(page)))
        if "--" not in text and "." not in text and "@" not in text and "&" not in text:
            assert re.sub(r"\s+", "", text) in shown


@pytest.mark.django_db
class TestClicks:
    @pytest.fixture(autouse=True)
    def ours(self, settings: Any) -> Iterator[None]:
        settings.DEFAULT_FROM_EMAIL = "Firm <hello@firm.example>"
        settings.PUBLIC_URL = "https://leads.firm.example"
        with moment(AT):
            yield

    @pytest.fixture
    def ann(self) -> User:
        return make_user("sdr", first_name="Ann", last_name="Ander", email="ann@firm.example")

    @pytest.fixture
    def lead(self, ann: User) -> Lead:
        contact = make_contact(email="kim@nord.example", first_name="Kim", language="en")
        return make_lead(contact=contact, owner=ann, stage="mql", captured_at=AT - timedelta(hours=1))

    def sent(self, lead: Lead, ann: User) -> tuple[OutgoingMail, str]:
        row = write_mail(lead.pk, by=ann, subject="Hello", body=BODY, at=AT)
        with moment(AT + timedelta(seconds=10)):
            assert send_mail(row.pk) == "sent"
        message: Any = outbox.outbox[-1]
        ((html, kind),) = message.alternatives
        assert kind == "text/html"
        assert BODY in message.body
        return row, html

    def test_both_sides_go_out_and_links_are_left_alone(self, lead: Lead, ann: User) -> None:
        _row, html = self.sent(lead, ann)

        assert addresses(html)[0] == "https://firm.example/a?b=1&c=2"
        assert addresses(html)[-1].startswith("https://leads.firm.example/mail/stop/")

    def test_where_clicks_are_counted_the_first_one_is_and_leads_on(self, lead: Lead, ann: User) -> None:
        Organisation.objects.update_or_create(pk=1, defaults={"name": "Firm", "counts_mail_clicks": True})
        row, html = self.sent(lead, ann)
        path = urlsplit(addresses(html)[0]).path
        assert addresses(html)[0].startswith("https://leads.firm.example/mail/link/")
        client = Client()

        assert client.head(path)["Location"] == "https://firm.example/a?b=1&c=2"
        row.refresh_from_db()
        assert row.clicked_at is None
        for minutes in (5, 9):
            with moment(AT + timedelta(minutes=minutes)):
                response = client.get(path)
            assert (response.status_code, response["Location"]) == (302, "https://firm.example/a?b=1&c=2")

        row.refresh_from_db()
        assert row.clicked_at == AT + timedelta(minutes=5)
        assert lead.events.filter(kind="mail.clicked").count() == 1

    def test_nobody_else_can_make_a_link_that_leads_on(self, lead: Lead, ann: User) -> None:
        row, _html = self.sent(lead, ann)
        path = urlsplit(counted_link(row.pk, "https://firm.example/")).path
        turned = path[:-8] + ("A" if path[-8] != "A" else "B") + path[-7:]

        assert Client().get(turned).status_code == 404
        assert Client().get("/mail/link/guessed/").status_code == 404
        assert Client().post(path).status_code == 405
        row.refresh_from_db()
        assert row.clicked_at is None

    def test_a_mail_that_is_gone_still_leads_on(self, lead: Lead, ann: User) -> None:
        row, _html = self.sent(lead, ann)
        path = urlsplit(counted_link(row.pk, "https://firm.example/")).path
        lead.delete()

        assert Client().get(path)["Location"] == "https://firm.example/"

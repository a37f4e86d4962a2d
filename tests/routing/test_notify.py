"""News on screen and by e-mail: once, in the reader's words, tried again when the mail server fails."""

import re
from datetime import UTC, datetime, timedelta
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.urls import reverse
from django.utils import timezone

from leadmgmt.core.now import moment
from leadmgmt.core.tasks import enqueue
from leads.events import record_event
from routing.models import Notification
from routing.notices import BREACHED
from routing.pages.news import news_of
from routing.services.deliver import MAX_ATTEMPTS, deliver, retry_failed, send_waiting
from routing.services.notify import notify_touch, tell
from routing.tasks import deliver_notification
from tests.factories import make_clock, make_company, make_contact, make_lead, make_source, make_touchpoint, make_user
from tests.routing.things import signed_in, text_of
from tests.worker import lose_jobs

pytestmark = pytest.mark.django_db
TEN = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)

_outcomes: list[Exception | None] = []


class Flaky(EmailBackend):
    """A mail server that answers as a test says: with an error, or (None) as it should."""

    def send_messages(self, messages: Any) -> int:
        error = _outcomes.pop(0) if _outcomes else None
        if error:
            raise error
        return super().send_messages(messages)


def place_of(response: Any) -> str:
    """Where the page is after this answer."""
    found = re.search(r'name="after" id="news-after" value="([^"]*)"', response.content.decode())
    assert found
    return found[1]


@pytest.fixture(autouse=True)
def flaky(settings: Any) -> list[Exception | None]:
    settings.EMAIL_BACKEND = "tests.routing.test_notify.Flaky"
    settings.PUBLIC_URL = "https://leads.ours.example"
    _outcomes.clear()
    return _outcomes


def told(language: str = "en", **fields: Any) -> Notification:
    """An e-mail to Ann, in New York, about a lead from a trade fair, not sent yet."""
    ann = make_user("sdr", first_name="Ann", language=language, time_zone="America/New_York")
    company = make_company(name="Rheintal Kältetechnik GmbH", staff=420)
    contact = make_contact(first_name="Annika", last_name="Hoffmann <b>", company=company, job_title="Head of IT")
    lead = make_lead(
        contact=contact, source=make_source("trade-fair"), subject="demo", grade="A1", fit=82, engagement=77, at=TEN
    )
    make_touchpoint(lead, message="Can you call us today?")
    make_clock(lead, due_at=TEN + timedelta(minutes=15))
    tell(ann, "lead.assigned", "assignment:1", lead, at=TEN, **fields)
    return Notification.objects.get(way="email")


def test_an_email_tells_who_why_now_and_until_when() -> None:
    deliver(told().pk)

    message = mail.outbox[0]
    assert message.subject == "Annika Hoffmann <b> · Rheintal Kältetechnik GmbH is yours"
    for words in (
        "Head of IT",
        "420 staff",
        "Asked for: demo",
        "Source: Trade Fair",
        "Grade: A1 (fit 82, engagement 77 of 100)",
        "Can you call us today?",
        # A quarter past nine in London is a quarter past four in New York.
        "First touch due at 4:15",
        "https://leads.ours.example/leads/",
    ):
        assert words in message.body, words
    html = message.alternatives[0][0]
    assert "Hoffmann &lt;b&gt;" in html
    assert "<b>" not in html


def test_a_job_that_runs_twice_sends_one_email() -> None:
    notification = told()

    said = [deliver_notification(notification.pk), deliver_notification(notification.pk)]

    assert said == ["sent", "nothing to send"]
    assert len(mail.outbox) == 1
    notification.refresh_from_db()
    assert (notification.status, notification.attempts, notification.error) == ("sent", 1, "")
    assert notification.sent_at is not None


def test_telling_of_the_same_occasion_twice_tells_once() -> None:
    notification = told()

    tell(notification.user, "lead.assigned", "assignment:1", notification.lead)

    assert Notification.objects.count() == 2


def test_a_mail_server_that_fails_is_tried_again_later(flaky: list[Exception | None]) -> None:
    flaky.append(SMTPServerDisconnected("gone"))
    notification = told()

    with moment(TEN):
        said = deliver(notification.pk)
        again = deliver(notification.pk)

    notification.refresh_from_db()
    assert (said, again) == ("will be tried again", "nothing to send")
    assert (notification.status, notification.attempts) == ("waiting", 1)
    assert notification.next_try_at is not None
    assert "SMTPServerDisconnected" in notification.error
    with moment(notification.next_try_at):
        assert send_waiting(notification.next_try_at) == 1
        assert deliver(notification.pk) == "sent"


def test_an_address_that_is_refused_is_given_up_at_once_and_an_admin_may_retry(flaky: list[Exception | None]) -> None:
    flaky.append(SMTPRecipientsRefused({"ann": (550, b"unknown")}))
    notification = told()

    deliver(notification.pk)

    notification.refresh_from_db()
    assert (notification.status, notification.next_try_at) == ("failed", None)
    assert retry_failed([notification.pk]) == 1
    assert deliver(notification.pk) == "sent"


def test_after_the_last_try_an_email_has_failed(flaky: list[Exception | None]) -> None:
    flaky.extend(OSError("no route") for _ in range(MAX_ATTEMPTS))
    notification = told()

    for number in range(MAX_ATTEMPTS):
        with moment(TEN + timedelta(days=number)):
            deliver(notification.pk)

    notification.refresh_from_db()
    assert (notification.status, notification.attempts) == ("failed", MAX_ATTEMPTS)


def test_an_email_whose_worker_died_goes_out_after_all() -> None:
    notification = told()
    Notification.objects.filter(pk=notification.pk).update(status="sending", claimed_at=TEN, attempts=1)

    assert send_waiting(TEN + timedelta(minutes=1)) == 0
    assert send_waiting(TEN + timedelta(minutes=3)) == 1
    with moment(TEN + timedelta(minutes=3)):
        assert deliver(notification.pk) == "sent"


def test_a_busy_queue_is_not_buried_under_nudges() -> None:
    notification = told()
    Notification.objects.filter(pk=notification.pk).update(created_at=TEN)
    forgotten = TEN + timedelta(seconds=30)

    nudged = [send_waiting(forgotten + timedelta(seconds=second)) for second in (0, 1, 2, 59, 60, 61)]

    assert nudged == [1, 0, 0, 0, 1, 0]
    with moment(forgotten + timedelta(seconds=62)):
        assert deliver(notification.pk) == "sent"


def test_an_email_that_stands_in_a_long_line_is_not_lost() -> None:
    notification = told()
    at = timezone.now()
    Notification.objects.filter(pk=notification.pk).update(created_at=at)
    enqueue("routing.tasks.deliver_notification", notification.pk)

    assert send_waiting(at + timedelta(minutes=5)) == 0
    lose_jobs()
    assert send_waiting(at + timedelta(minutes=5)) == 1


def test_who_works_a_lead_hears_of_a_new_touch_and_nobody_of_a_closed_one() -> None:
    owner, ae = make_user("sdr"), make_user("ae")
    mine, handed = make_lead(owner=owner), make_lead(stage="opportunity", owner=owner, ae=ae)
    closed = make_lead(stage="won", owner=owner)

    for lead in (mine, handed, closed):
        event = record_event(lead, "lead.touched")
        notify_touch(lead, event)
        notify_touch(lead, event)

    found = Notification.objects.filter(way="in_app").values_list("user", "lead")
    assert set(found) == {(owner.pk, mine.pk), (ae.pk, handed.pk)}


def test_news_are_shown_once_per_page_and_ticked_off() -> None:
    email = told()
    user = email.user
    Notification.objects.filter(way="in_app").update(created_at=datetime.now(UTC))
    client = signed_in(user)
    url = reverse("routing:news")

    first = client.get(url, {"after": ""})
    cursor = Notification.objects.get(way="in_app").pk
    again = client.get(url, {"after": place_of(first)})
    shown = client.post(reverse("routing:notification_seen", args=[cursor]))
    fresh_page = client.get(url, {"after": ""})

    text = text_of(first.content.decode())
    assert "Annika Hoffmann &lt;b&gt; · Rheintal Kältetechnik GmbH is yours demo · Trade Fair · A1" in text
    assert place_of(first) == f"{cursor}:{cursor}"
    assert again.status_code == 204
    assert (shown.status_code, shown.headers["Location"]) == (302, f"/leads/{email.lead_id}/")
    assert "is yours" not in fresh_page.content.decode()


def test_news_that_come_while_a_page_asks_are_in_the_next_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    user = make_user()
    client, url = signed_in(user), reverse("routing:news")

    def asked(found: Any) -> list[Any]:
        shown = news_of(found)
        if not Notification.objects.exists():
            tell(user, BREACHED, "test:1", None, context={"title": "Hello", "text": "there"})
        return shown

    monkeypatch.setattr("routing.pages.news.news_of", asked)
    first = client.get(url, {"after": ""})

    assert "toast" not in first.content.decode()
    assert "toast" in client.get(url, {"after": place_of(first)}).content.decode()


def test_news_that_were_begun_earlier_and_committed_later_are_told_once() -> None:
    user = make_user()
    client, url = signed_in(user), reverse("routing:news")
    for number in (1, 2):
        tell(user, BREACHED, f"test:{number}", None)
    early, late = Notification.objects.filter(way="in_app").order_by("pk")
    # The first one's transaction is still open when the page asks.
    Notification.objects.filter(pk=early.pk).update(user=make_user())
    first = client.get(url, {"after": ""})
    assert place_of(first) == f"{late.pk}:{late.pk}"
    Notification.objects.filter(pk=early.pk).update(user=user)

    second = client.get(url, {"after": place_of(first)})

    assert f"/{early.pk}/seen/" in second.content.decode()
    assert f"/{late.pk}/seen/" not in second.content.decode()
    assert client.get(url, {"after": place_of(second)}).status_code == 204


@pytest.mark.parametrize("after", ["x", "1:", "1:2,3", "1:2:3", "-1", "1" * 30, "1:" + "2." * 300 + "2"])
def test_a_place_that_is_none_of_ours_is_a_new_page(after: str) -> None:
    # News of long ago, which a page that is at their beginning would show.
    user = told().user

    answer = signed_in(user).get(reverse("routing:news"), {"after": after})

    assert answer.status_code == 200
    assert "toast" not in answer.content.decode()


def test_nobody_ticks_off_the_news_of_others() -> None:
    notification = told()
    other = signed_in(make_user())

    assert other.post(reverse("routing:notification_seen", args=[notification.pk])).status_code == 404
    assert "is yours" not in other.get(reverse("routing:news"), {"after": ""}).content.decode()
    notification.refresh_from_db()
    assert notification.seen_at is None


def test_the_list_of_news_says_what_happened() -> None:
    notification = told()

    text = text_of(signed_in(notification.user).get(reverse("routing:notification_list")).content.decode())

    assert "Rheintal Kältetechnik GmbH is yours" in text

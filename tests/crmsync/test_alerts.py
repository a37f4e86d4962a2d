"""What an admin is told of, once, until it is over."""

from datetime import timedelta

import pytest
from django.test import Client

from crmsync.adapters.errors import RateLimited
from crmsync.models import Alert, Connection, Cursor, Hint, InboxEvent, OutboxEntry, ReconcileRun
from crmsync.services.alerts import watch
from crmsync.services.breaker import WRITES, note_failure, passed
from crmsync.services.hints import follow_hints
from crmsync.tasks import push_connection
from leadmgmt.core.now import moment, now
from routing.models import Notification
from tests.crmsync.things import converted, make_crm
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def board():
    make_user("admin", first_name="Rita")
    make_user("ae", first_name="Ada")
    return make_crm()


def kinds():
    return set(Alert.objects.filter(ended_at=None).values_list("kind", flat=True))


def test_nothing_is_the_matter_with_a_connection_that_works(board):
    converted()
    push_connection(board.pk)
    assert watch(now()) == 0
    assert not Notification.objects.filter(kind="crm.alert").exists()


def test_what_waits_too_long_is_told_once_and_ends(board):
    converted()
    later = now() + timedelta(minutes=16)

    watch(later)
    watch(later + timedelta(minutes=1))
    assert kinds() == {"old"}
    told = Notification.objects.filter(kind="crm.alert")
    assert told.values("occasion").distinct().count() == 1

    OutboxEntry.objects.update(state="done")
    watch(later + timedelta(minutes=2))
    assert kinds() == set()
    assert Alert.objects.get().ended_at == later + timedelta(minutes=2)


@pytest.mark.parametrize(("state", "kind"), [("dead", "dead"), ("waiting", "held")])
def test_what_a_person_has_to_decide(board, state, kind):
    converted()
    OutboxEntry.objects.update(state=state)
    watch(now())
    assert kinds() == {kind}


def test_a_crm_that_does_not_answer_for_ten_minutes(board):
    at = now()
    for minute in range(6):
        note_failure(board, WRITES, RuntimeError("down"), at + timedelta(minutes=minute))
    watch(at + timedelta(minutes=9))
    assert "resting" not in kinds()
    watch(at + timedelta(minutes=11))
    assert "resting" in kinds()

    passed(board, WRITES)
    watch(at + timedelta(minutes=12))
    assert "resting" not in kinds()


def test_clocks_that_differ_and_reading_that_lags(board):
    Connection.objects.filter(pk=board.pk).update(skew_seconds=-90)
    Cursor.objects.create(connection=board, kind="deal", position=now() - timedelta(minutes=40), moved_at=now())
    watch(now())
    assert kinds() == {"skew", "lag"}


def test_both_sides_that_differ_in_more_than_one_of_a_thousand(board):
    run = ReconcileRun.objects.create(
        connection=board, begun_at=now(), done_at=now(), links=4000, counts={"field_differs": 4}
    )
    watch(now())
    assert kinds() == set()
    run.counts = {"field_differs": 5}
    run.save()
    watch(now())
    assert kinds() == {"drift"}


def seen(board, at, via="poll"):
    InboxEvent.objects.create(
        connection=board, via=via, dedupe_key=f"{via}{at}", remote_id="1", received_at=at, state="done"
    )


def test_webhooks_that_fall_silent_while_polls_find_changes(board):
    start = now() - timedelta(hours=2)
    seen(board, start)
    watch(now())
    assert "silent" not in kinds()

    Hint.objects.create(
        connection=board, dedupe_key="1", remote_id="1", received_at=start, not_before=start, done_at=start
    )
    watch(now())
    assert "silent" not in kinds()
    seen(board, start + timedelta(hours=1))
    watch(now())
    assert "silent" in kinds()


def test_accounts_that_cannot_be_read_and_the_page_says_what_to_do(board):
    Cursor.objects.create(connection=board, kind="account", position=now(), moved_at=now(), error="Forbidden: no scope")
    watch(now())
    assert kinds() == {"routing"}

    client = Client()
    client.force_login(make_user("admin"))
    page = client.get("/setup/crm/").content.decode()
    assert "Needs you" in page
    assert "Owners and customers are not up to date: Forbidden: no scope" in page
    assert "Known for routing" in page


def test_off_is_no_trouble(board):
    converted()
    watch(now() + timedelta(minutes=16))
    Connection.objects.update(mode="off")
    watch(now() + timedelta(minutes=17))
    assert kinds() == set()


def test_a_webhook_that_meets_too_many_waits_and_breaks_nothing(crm, linked):
    Hint.objects.create(
        connection=linked, dedupe_key="1", remote_id="r1", received_at=now(), not_before=now() - timedelta(seconds=1)
    )
    crm.faults["get"] = [RateLimited(retry_after=30)]

    assert "allows no more" in follow_hints(linked.pk)

    linked.refresh_from_db()
    hint = Hint.objects.get()
    assert (linked.last_error, hint.attempts, hint.done_at) == ("", 0, None)
    assert timedelta(seconds=25) < hint.not_before - now() <= timedelta(seconds=30)
    with moment(now() + timedelta(seconds=10)):
        assert follow_hints(linked.pk).startswith("0 of 0")


def test_a_failure_that_a_crm_tells_at_length_does_not_stop_the_watch(board):
    Cursor.objects.update_or_create(
        connection=board, kind="account", defaults={"position": now(), "moved_at": now(), "error": "a" * 900}
    )
    watch(now())
    Cursor.objects.filter(kind="account").update(error="b" * 900)

    assert watch(now()) == 1
    assert Alert.objects.get().detail == "b" * 200

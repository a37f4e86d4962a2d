"""When a connection rests, and how it comes back: a CRM that is away is spared, one that stumbles is not left alone."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from crmsync.adapters import errors, wire
from crmsync.adapters.wire import Calls
from crmsync.due import hints_due, pull_due, push_due
from crmsync.models import Breaker, OutboxEntry
from crmsync.services import breaker
from crmsync.services.breaker import READS, WRITES, Gate, gate, note_failure, note_success
from crmsync.services.repair import retry_entries
from crmsync.tasks import pull_connection, push_connection
from leadmgmt.core.errors import RetryableError
from leadmgmt.core.now import moment, now
from tests.crmsync.things import converted, later

pytestmark = pytest.mark.django_db

DOWN = errors.Unsent("refused")


def after(start, **span):
    return moment(start + timedelta(**span))


def silence(connection, scope=WRITES, *, at=None):
    """Failures that open the breaker; returns when it has opened."""
    at = at or now()
    for second in range(6):
        note_failure(connection, scope, DOWN, at + timedelta(seconds=second))
    return Breaker.objects.get(connection=connection, scope=scope).open_until - breaker.FIRST_REST


def test_a_crm_that_is_down_rests_the_connection_and_everything_goes_out_when_it_is_back(crm, linked):
    start = now()
    deals = [converted()[1] for _ in range(6)]
    crm.faults["upsert"] = [DOWN for _ in range(7)]

    push_connection(linked.pk)
    with after(start, seconds=20):
        assert "rests" in push_connection(linked.pk)
        assert push_due(now()) == 0
    assert crm.calls.count("upsert") == 7

    crm.faults["check"] = [errors.Unavailable("still down")]
    with after(start, seconds=52):
        assert "not back" in push_connection(linked.pk)
    with after(start, seconds=100):
        assert "rests" in push_connection(linked.pk)
    with after(start, minutes=30):
        push_connection(linked.pk)

    assert not OutboxEntry.objects.exclude(state="done").exists()
    assert len(crm.records) == len(deals)
    linked.refresh_from_db()
    assert (linked.last_error, Breaker.objects.count()) == ("", 0)


def test_many_failures_at_one_moment_are_no_silence_yet(linked):
    at = now()
    for number in range(20):
        note_failure(linked, WRITES, DOWN, at + timedelta(milliseconds=number))
    assert gate(linked, WRITES, at) is Gate.OPEN
    note_failure(linked, WRITES, DOWN, at + breaker.SILENCE)
    assert gate(linked, WRITES, at) is Gate.SHUT


def test_a_crm_where_one_call_of_three_fails_goes_on_being_used(linked):
    start = now()
    for number in range(900):
        at = start + timedelta(seconds=number / 10)
        # Five in a row, again and again.
        if number % 15 < 5:
            note_failure(linked, WRITES, DOWN, at)
        else:
            with moment(at):
                note_success(linked, WRITES)
        assert gate(linked, WRITES, at) is Gate.OPEN
    assert Breaker.objects.get().calls < 400


def test_a_crm_where_most_calls_fail_rests_although_some_are_answered(linked):
    start = now()
    for number in range(300):
        at = start + timedelta(seconds=number / 10)
        if number % 5 < 3:
            note_failure(linked, WRITES, DOWN, at)
        else:
            with moment(at):
                note_success(linked, WRITES)
        if gate(linked, WRITES, at) is Gate.SHUT:
            break
    assert timedelta(seconds=10) <= at - start <= timedelta(seconds=11)


def test_a_deal_that_takes_several_calls_counts_those_that_were_answered(linked):
    at = now()
    # One call of three fails, wherever in a deal of four: most deals fail, the CRM is there.
    for second, answered in zip(range(90), [0, 1, 2, 3, 2, 1] * 15, strict=True):
        with moment(at + timedelta(seconds=second)):
            note_failure(linked, WRITES, DOWN, now(), answered=answered)
            if second % 3 == 0:
                note_success(linked, WRITES, calls=4)
    assert gate(linked, WRITES, at + timedelta(seconds=91)) is Gate.OPEN


def test_reads_that_are_answered_say_nothing_of_a_crm_that_takes_no_writes(linked):
    assert Calls(reads=3, writes=1, is_write=True).answered_before_last == 0
    assert Calls(reads=3, writes=2, is_write=True).answered_before_last == 1
    assert Calls(reads=3, writes=2, is_write=False).answered_before_last == 4
    assert Calls().answered_before_last == 0


def test_the_calls_of_an_entry_are_counted_by_their_kind(monkeypatch):
    def answer(method, url, **_said):
        if "away" in url:
            raise RetryableError("cut off")
        return SimpleNamespace(status_code=200, headers={}, content=b"{}")

    monkeypatch.setattr(wire, "exchange", answer)
    asked = {"deadline": now() + timedelta(seconds=5), "headers": {}}
    wire.once("GET", "https://crm.example/one", is_write=False, **asked)
    wire.count_anew()
    wire.once("GET", "https://crm.example/one", is_write=False, **asked)
    wire.once("PATCH", "https://crm.example/one", is_write=True, **asked)
    with pytest.raises(errors.Ambiguous):
        wire.once("PATCH", "https://crm.example/away", is_write=True, **asked)
    assert wire.calls_made() == Calls(reads=1, writes=2, is_write=True)


def test_a_write_that_fails_after_others_were_answered_is_no_silence(crm, linked, monkeypatch):
    for _ in range(6):
        converted()
    crm.faults["upsert"] = [DOWN for _ in range(12)]
    monkeypatch.setattr("crmsync.services.failures.calls_made", lambda: Calls(2, 2, is_write=True))
    push_connection(linked.pk)
    with later(seconds=6):
        push_connection(linked.pk)
    row = Breaker.objects.get()
    assert (row.calls, row.in_a_row, row.open_until) == (2 * row.failures, 1, None)
    assert row.failures > breaker.FAILURES_TO_OPEN


def test_a_trial_whose_deal_got_half_way_has_found_the_crm(crm, linked, monkeypatch):
    converted()
    opened = silence(linked)
    crm.faults["upsert"] = [DOWN]
    monkeypatch.setattr("crmsync.services.failures.calls_made", lambda: Calls(2, 2, is_write=True))
    with after(opened, seconds=31):
        push_connection(linked.pk)
    assert not Breaker.objects.exclude(open_until=None).exists()


def test_while_all_is_well_nothing_is_counted(crm, linked):
    converted()
    push_connection(linked.pk)
    pull_connection(linked.pk)
    assert not Breaker.objects.exists()


def test_what_failed_once_is_forgotten_after_a_while(linked):
    at = now()
    note_failure(linked, WRITES, DOWN, at)
    linked.refresh_from_db()
    assert linked.last_error == "Unsent: refused"
    with moment(at + timedelta(seconds=31)):
        note_success(linked, WRITES)
    row = Breaker.objects.get()
    assert (row.window_at, row.calls, row.failures, row.in_a_row, row.failing_since) == (None, 0, 0, 0, None)
    linked.refresh_from_db()
    assert linked.last_error == ""


def test_of_several_workers_one_tries_and_its_failure_makes_the_next_rest_twice_as_long(linked):
    opened = silence(linked)
    # Answers and failures of calls that were on their way change nothing.
    for _ in range(4):
        note_failure(linked, WRITES, DOWN, opened + timedelta(seconds=1))
    note_success(linked, WRITES)
    assert Breaker.objects.get().open_until == opened + timedelta(seconds=30)

    rests = []
    for _ in range(7):
        ready = Breaker.objects.get().open_until
        asked = [gate(linked, WRITES, ready) for _ in range(3)]
        assert asked == [Gate.TRIAL, Gate.SHUT, Gate.SHUT]
        note_failure(linked, WRITES, DOWN, ready)
        rests.append((Breaker.objects.get().open_until - ready).total_seconds())
    assert rests == [60, 120, 240, 480, 600, 600, 600]


def test_a_crm_that_answers_but_takes_no_writes_stays_at_rest(crm, linked):
    converted()
    opened = silence(linked)
    crm.faults["upsert"] = [errors.Ambiguous("cut off")]
    with after(opened, seconds=31):
        assert push_connection(linked.pk) == "1 sent; the CRM is not back"
    with after(opened, seconds=80):
        assert "rests" in push_connection(linked.pk)
    with after(opened, seconds=100):
        assert push_connection(linked.pk) == "1 sent"
    assert not Breaker.objects.exists()


def test_a_record_that_is_refused_is_an_answer_too(crm, linked):
    for _ in range(2):
        converted()
    opened = silence(linked)
    crm.faults["upsert"] = [errors.Invalid(field_errors={"name": "too long"})]
    with after(opened, seconds=31):
        assert push_connection(linked.pk) == "2 sent"
    assert sorted(OutboxEntry.objects.values_list("state", flat=True)) == ["dead", "done"]
    assert not Breaker.objects.exists()


def test_what_the_adapter_gets_wrong_says_nothing_of_the_crm(crm, linked):
    converted()
    crm.faults["upsert"] = [errors.AdapterBug("no such field")]
    push_connection(linked.pk)
    assert OutboxEntry.objects.get().state == "dead"
    assert not Breaker.objects.exists()


def test_a_trial_with_nothing_to_send_leaves_the_breaker_as_it_is(crm, linked):
    opened = silence(linked)
    with after(opened, seconds=31):
        assert push_connection(linked.pk) == "0 sent"
    assert Breaker.objects.get().open_until == opened + timedelta(seconds=91)


def test_reading_and_sending_rest_each_on_their_own(crm, linked):
    start = now()
    converted()
    crm.faults["changes"] = [errors.Unavailable("502") for _ in range(5)]
    for number in range(6):
        with after(start, seconds=number * 15):
            pull_connection(linked.pk)
    with after(start, seconds=80):
        assert (pull_connection(linked.pk), pull_due(now()), hints_due(now())) == ("the connection rests", 0, 0)
        assert push_connection(linked.pk) == "1 sent"
    with after(start, seconds=110):
        assert "new" in pull_connection(linked.pk)
    assert not Breaker.objects.exists()
    linked.refresh_from_db()
    assert linked.last_error == ""


def test_an_answer_to_a_read_does_not_end_the_rest_of_the_writes_nor_what_is_said_of_them(crm, linked):
    silence(linked)
    pull_connection(linked.pk)
    linked.refresh_from_db()
    assert linked.last_error == "Unsent: refused"
    assert gate(linked, WRITES, now()) is Gate.SHUT
    assert gate(linked, READS, now()) is Gate.OPEN


def test_what_is_parked_is_tried_by_one_and_goes_on(crm, linked):
    converted()
    crm.faults["upsert"] = [errors.AuthRevoked("sign in again")]
    push_connection(linked.pk)
    linked.refresh_from_db()
    assert linked.parked_until > now() + timedelta(minutes=9)
    assert (push_connection(linked.pk), pull_connection(linked.pk)) == (
        "0 sent; the connection rests",
        "the connection rests",
    )

    crm.faults["check"] = [errors.AuthRevoked("sign in again")]
    with later(minutes=11):
        assert "not back" in push_connection(linked.pk)
        assert "rests" in push_connection(linked.pk)
    with later(minutes=22):
        linked.refresh_from_db()
        assert gate(linked, READS, now()) is Gate.TRIAL
        linked.refresh_from_db()
        assert gate(linked, WRITES, now()) is Gate.SHUT
    with later(minutes=24):
        assert push_connection(linked.pk) == "1 sent"
    linked.refresh_from_db()
    assert (linked.parked_until, linked.parked_since, linked.last_error) == (None, None, "")


def test_a_person_who_sends_again_does_not_wait_for_the_rest_to_end(crm, linked):
    converted()
    crm.faults["upsert"] = [errors.Invalid(field_errors={"name": "too long"})]
    push_connection(linked.pk)
    silence(linked)
    retry_entries([OutboxEntry.objects.get().pk], by=None)
    assert push_connection(linked.pk) == "1 sent"


def test_the_page_says_which_direction_rests(client, linked):
    from tests.factories import make_user

    client.force_login(make_user("admin"))
    silence(linked, READS)
    page = client.get("/setup/crm/").content.decode()
    assert "reads nothing until" in page
    assert "sends nothing until" not in page


def test_a_poll_that_meets_too_many_rests_the_reads_alone_and_as_long_as_told(crm, linked):
    start = now()
    converted()
    crm.faults["changes"] = [errors.RateLimited(retry_after=60)]
    pull_connection(linked.pk)

    with after(start, seconds=50):
        assert pull_connection(linked.pk) == "the connection rests"
        assert push_connection(linked.pk) == "1 sent"
    with after(start, seconds=65):
        assert "new" in pull_connection(linked.pk)
    assert not Breaker.objects.exists()

"""The clock: what is due runs when it is due, in one process only, and one failure stops nothing else."""

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from leadmgmt.clockwork import Clock
from leadmgmt.core import clock
from leadmgmt.core.clock import for_a_spell
from tests.worker import wait_until

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An empty work list with two kinds of work, and what of it has run."""
    monkeypatch.setattr(clock, "_work", {})
    done: list[str] = []

    def work(name: str, at: datetime) -> int:
        assert at == AT
        done.append(name)
        return 1

    clock.register("often", lambda at: work("often", at))
    clock.register("seldom", lambda at: work("seldom", at), every=60)
    return done


@pytest.fixture
def clocks() -> Iterator[tuple[Clock, Clock]]:
    """Two clocks, as on two hosts."""
    both = Clock(lambda: AT), Clock(lambda: AT)
    yield both
    for one in both:
        one.close()


def test_each_kind_of_work_runs_as_often_as_it_wants(ran: list[str], clocks: tuple[Clock, Clock]) -> None:
    one, _ = clocks
    for second in (0.2, 1.01, 2.0, 2.98, 59.0, 60.0):
        one.tick(second)
    assert ran.count("often") == 6
    assert ran.count("seldom") == 2


def test_only_one_clock_acts_and_the_other_takes_over(ran: list[str], clocks: tuple[Clock, Clock]) -> None:
    one, other = clocks
    assert one.tick(0) == 2
    assert other.tick(0) == 0
    assert one.tick(1) == 1

    one.close()

    # The server notices a moment later.
    wait_until(lambda: other.tick(2) == 2)
    assert one.tick(3) == 0


def test_a_failure_is_logged_and_stops_no_other_work(
    ran: list[str], clocks: tuple[Clock, Clock], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(at: datetime) -> int:
        raise RuntimeError("broken")

    clock.register("broken", fail)
    clock.register("after", lambda at: ran.append("after") or 0)
    with caplog.at_level(logging.ERROR):
        assert clocks[0].tick(0) == 4
    assert ran == ["often", "seldom", "after"]
    assert "'broken' failed" in caplog.text


def test_a_lost_session_is_replaced(ran: list[str], clocks: tuple[Clock, Clock]) -> None:
    one, other = clocks
    assert one.tick(0) == 2
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
    assert one.tick(1) == 0
    assert one.tick(2) == 1
    assert other.tick(2) == 0


def test_sweep_does_everything_once_and_names_what_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(clock, "_work", {})
    clock.register("moving", lambda at: 3, every=3600)
    call_command("sweep")
    assert capsys.readouterr().out == "moving: 3\n"

    def fail(at: datetime) -> int:
        raise RuntimeError

    clock.register("broken", fail)
    with pytest.raises(CommandError, match=r"Failed: broken\."):
        call_command("sweep")
    assert "moving: 3\nbroken: failed\n" in capsys.readouterr().out


def test_work_that_is_much_is_done_in_spells() -> None:
    slow = (time.sleep(0.3) or number for number in range(10))

    assert list(for_a_spell(slow)) == [0, 1]
    assert list(for_a_spell([])) == []
    assert list(for_a_spell(range(1000))) == list(range(1000))

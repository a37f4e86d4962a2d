"""Working time: zones, breaks, leave, and the two days a year when clocks change."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from routing.calendar import (
    Calendar,
    Shift,
    _shift,
    add_working,
    is_on_leave,
    is_present,
    next_start,
    present_until,
    windows,
    working_between,
)


def week(zone: str, *hours: str, days: range = range(5), away: tuple[tuple[datetime, datetime], ...] = ()) -> Calendar:
    spans = [tuple(time.fromisoformat(part) for part in one.split("-")) for one in hours]
    return Calendar(zone, tuple(Shift(day, start, end) for day in days for start, end in spans), away)


BERLIN = week("Europe/Berlin", "09:00-12:00", "13:00-17:00")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_somebody_is_present_in_their_own_zone() -> None:
    assert is_present(BERLIN, at("2026-01-14T08:00"))
    assert not is_present(BERLIN, at("2026-01-14T07:59:59"))
    assert not is_present(week("America/New_York", "09:00-17:00"), at("2026-01-14T13:59"))
    assert is_present(week("America/New_York", "09:00-17:00"), at("2026-01-14T14:00"))


def test_the_same_wall_clock_is_another_instant_in_summer() -> None:
    assert is_present(BERLIN, at("2026-07-15T07:00"))
    assert not is_present(BERLIN, at("2026-01-14T07:00"))


def test_a_break_is_no_work_and_ends_the_stretch() -> None:
    assert present_until(BERLIN, at("2026-01-14T10:00")) == at("2026-01-14T11:00")
    assert not is_present(BERLIN, at("2026-01-14T11:00"))
    assert present_until(BERLIN, at("2026-01-14T12:00")) == at("2026-01-14T16:00")


def test_leave_takes_its_part_of_the_day() -> None:
    away = (at("2026-01-14T09:30"), at("2026-01-14T14:00"))
    half = week("Europe/Berlin", "09:00-17:00", away=(away,))

    assert present_until(half, at("2026-01-14T08:30")) == at("2026-01-14T09:30")
    assert is_on_leave(half, at("2026-01-14T10:00")) == at("2026-01-14T14:00")
    assert next_start([half], at("2026-01-14T10:00")) == at("2026-01-14T14:00")


def test_the_next_shift_after_a_weekend_and_after_a_long_leave() -> None:
    leave = (at("2026-01-16T00:00"), at("2026-03-01T00:00"))

    assert next_start([BERLIN], at("2026-01-16T17:00")) == at("2026-01-19T08:00")
    assert next_start([week("Europe/Berlin", "09:00-17:00", away=(leave,))], at("2026-01-16T09:00")) == at(
        "2026-03-02T08:00"
    )
    assert next_start([Calendar("Europe/Berlin")], at("2026-01-16T17:00")) is None


def test_a_shift_to_the_last_minute_runs_to_midnight() -> None:
    always = week("Europe/Berlin", "00:00-23:59", days=range(7))

    assert list(windows([always], at("2026-01-14T00:00"), at("2026-01-20T00:00"))) == [
        (at("2026-01-14T00:00"), at("2026-01-20T00:00"))
    ]


def test_a_night_over_the_change_to_summer_time_is_an_hour_shorter() -> None:
    # On 29 March 2026 it is two o'clock, then three, in Berlin.
    night = week("Europe/Berlin", "00:00-06:00", days=range(7))

    assert working_between([night], at("2026-03-28T23:00"), at("2026-03-29T12:00")) == 5 * 3600
    assert add_working([night], at("2026-03-28T23:00"), 2 * 3600) == at("2026-03-29T01:00")
    assert present_until(night, at("2026-03-29T00:30")) == at("2026-03-29T04:00")


def test_a_night_over_the_change_to_winter_time_is_an_hour_longer() -> None:
    # On 25 October 2026 it is three o'clock, then two again, in Berlin.
    night = week("Europe/Berlin", "00:00-06:00", days=range(7))

    assert working_between([night], at("2026-10-24T22:00"), at("2026-10-25T12:00")) == 7 * 3600


def test_a_time_that_the_change_skips_is_the_instant_of_the_change() -> None:
    early = week("Europe/Berlin", "02:30-10:00", days=range(7))

    assert next_start([early], at("2026-03-28T20:00")) == at("2026-03-29T01:00")


def test_minutes_run_while_one_of_the_team_works() -> None:
    early = week("Europe/Berlin", "08:00-12:00")
    late = week("Europe/Lisbon", "10:00-14:00")

    assert list(windows([early, late], at("2026-01-14T00:00"), at("2026-01-15T00:00"))) == [
        (at("2026-01-14T07:00"), at("2026-01-14T14:00"))
    ]
    assert working_between([early, late], at("2026-01-14T00:00"), at("2026-01-15T00:00")) == 7 * 3600


def test_working_minutes_go_on_the_next_morning() -> None:
    assert add_working([BERLIN], at("2026-01-16T15:50"), 30 * 60) == at("2026-01-19T08:20")
    assert add_working([Calendar("Europe/Berlin")], at("2026-01-16T15:50"), 60) is None


def test_windows_of_far_zones_come_in_order_and_do_not_touch() -> None:
    zones = ("Pacific/Kiritimati", "Pacific/Niue", "Asia/Kolkata", "America/St_Johns")
    team = [week(zone, "09:00-11:00", days=range(7)) for zone in zones]

    found = list(windows(team, at("2026-01-10T00:00"), at("2026-01-20T00:00")))

    assert all(first[1] < second[0] for first, second in pairwise(found))
    # Kiritimati and Niue share an hour of the clock, a day apart.
    assert sum((stop - start).total_seconds() for start, stop in found) == 7 * 10 * 3600


@given(
    st.integers(0, 3 * 365 * 24 * 60),
    st.integers(1, 5000),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
)
def test_adding_working_minutes_and_counting_them_agree(start: int, minutes: int, zone: str) -> None:
    calendar = week(zone, "09:00-12:15", "13:00-17:45")
    begin = at("2025-01-01T00:00") + timedelta(minutes=start)

    end = add_working([calendar], begin, minutes * 60)

    assert end is not None
    assert working_between([calendar], begin, end) == minutes * 60
    assert is_present(calendar, end - timedelta(seconds=1))


def test_for_people_who_cover_the_clock_only_the_days_at_hand_are_looked_at() -> None:
    always = Calendar("UTC", tuple(Shift(day, time(0, 0), time(23, 59, 59)) for day in range(7)))
    begins = datetime(2031, 3, 4, 5, 6, tzinfo=UTC)
    looked_at = _shift.cache_info().misses

    assert add_working([always], begins, 900) == begins + timedelta(minutes=15)
    assert next_start([always], begins) == begins
    assert _shift.cache_info().misses - looked_at < 10
    assert add_working([always], begins, 86400 * 100) == begins + timedelta(days=100)

"""Working days and hours where a lead is."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualification.pace import due_after, in_window, is_working

BERLIN = ZoneInfo("Europe/Berlin")
NINE_TO_FIVE = (time(9), time(17))


class TestTimes:
    @pytest.mark.parametrize(
        ("begin", "days", "due"),
        [
            ("2026-05-05 11:00", 0, "2026-05-05 11:00"),
            ("2026-05-05 07:10", 0, "2026-05-05 09:00"),
            ("2026-05-05 18:00", 0, "2026-05-06 09:00"),
            ("2026-05-08 11:00", 1, "2026-05-11 11:00"),
            ("2026-05-08 18:00", 1, "2026-05-12 09:00"),
            ("2026-05-09 11:00", 0, "2026-05-11 09:00"),
            ("2026-05-13 11:00", 1, "2026-05-15 11:00"),
            # The night in which clocks go forward.
            ("2026-03-27 16:00", 1, "2026-03-30 16:00"),
        ],
    )
    def test_working_days_and_hours_of_the_place(self, begin: str, days: int, due: str) -> None:
        def local(text: str) -> datetime:
            return datetime.fromisoformat(text).replace(tzinfo=BERLIN)

        # Ascension Day.
        holidays = {date(2026, 5, 14)}

        assert due_after(local(begin), days, BERLIN, NINE_TO_FIVE, holidays) == local(due)

    @given(
        st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(ZoneInfo("UTC"))),
        st.integers(0, 20),
        st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"]),
        st.sets(st.dates(date(2026, 1, 1), date(2028, 2, 1)), max_size=30),
    )
    def test_it_is_always_later_in_the_window_and_on_a_working_day(
        self, begin: datetime, days: int, zone_name: str, holidays: set[date]
    ) -> None:
        zone = ZoneInfo(zone_name)
        due = due_after(begin, days, zone, NINE_TO_FIVE, holidays)
        local = due.astimezone(zone)

        assert due >= begin
        assert is_working(local.date(), holidays)
        assert time(9) <= local.time() < time(17)
        assert in_window(due, zone, NINE_TO_FIVE, holidays) == due

"""The time of asking, where the organisation is: for rules that hold at some hours, or on some days."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import CharField, IntegerField, Value

from leads.facts.fact import Fact

HOUR, WEEKDAY = "time.hour", "time.weekday"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def hour_at(at: datetime) -> int:
    """The full hour, 0 to 23."""
    return at.astimezone(ZoneInfo(settings.TIME_ZONE)).hour


def weekday_at(at: datetime) -> str:
    """The day of the week."""
    return WEEKDAYS[at.astimezone(ZoneInfo(settings.TIME_ZONE)).weekday()]


MOMENTS = (
    Fact(
        HOUR,
        "number",
        "hour of the day",
        "Stunde des Tages",
        lambda bundle: hour_at(bundle.at),
        lambda at: Value(hour_at(at), output_field=IntegerField()),
    ),
    Fact(
        WEEKDAY,
        "text",
        "day of the week",
        "Wochentag",
        lambda bundle: weekday_at(bundle.at),
        lambda at: Value(weekday_at(at), output_field=CharField()),
        is_folded=True,
        options=WEEKDAYS,
    ),
)
# What can be said of a decision that did not keep them.
OF_TIME = {HOUR: hour_at, WEEKDAY: weekday_at}

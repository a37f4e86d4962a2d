"""Points in time as programs and files write them."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)


class InvalidMoment(ValueError):
    """Not a time; the message says what is expected."""


def aware(moment: datetime | date) -> datetime:
    """A bare time is meant where we are (TIME_ZONE); a bare date is its first instant there."""
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(settings.TIME_ZONE))


def read_moment(text: str, pattern: str = "") -> datetime:
    """A time as ISO 8601, or as ``pattern`` (strptime's signs) says, in UTC; raises InvalidMoment."""
    text = text.strip()
    try:
        if pattern:
            found: datetime | date | None = datetime.strptime(text, pattern)
        else:
            found = parse_datetime(text) or parse_date(text)
    except ValueError:
        found = None
    if found is None:
        expected = pattern or "2026-11-23T09:41:00+01:00"
        told = _("“%(text)s” is not a time. Write it as %(expected)s.") % {"text": text[:40], "expected": expected}
        raise InvalidMoment(told)
    moment = aware(found)
    try:
        instant = moment.astimezone(UTC)
    except OverflowError:
        instant = datetime.min.replace(tzinfo=UTC)
    if instant < EARLIEST:
        raise InvalidMoment(_("“%(text)s” lies before 1900.") % {"text": text[:40]})
    return instant

"""How durations, money, shares and times are written for a reader, in the language that is active."""

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import get_language, gettext, ngettext

MINUTE, HOUR, DAY, WEEK = 60, 3600, 86_400, 604_800
NBSP = "\u00a0"
NOTHING = "–"
SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}

Number = int | float | Decimal


def number(value: Number | None, decimals: int = 0) -> str:
    """A figure with grouped thousands: 31,000 in English, 31.000 in German."""
    if value is None:
        return NOTHING
    # Rounded first, halves up: number_format cuts off instead.
    rounded = Decimal(str(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return number_format(rounded, decimals, force_grouping=True)


def percent(share: Number | None, decimals: int = 0) -> str:
    """A share between 0 and 1 as “38 %”, with a space that does not break."""
    return NOTHING if share is None else f"{number(Decimal(str(share)) * 100, decimals)}{NBSP}%"


def money(amount: Number | None, currency: str = "", decimals: int = 0) -> str:
    """“€ 31,000” in English, “31.000 €” in German; the organisation's currency unless one is given."""
    if amount is None:
        return NOTHING
    code = currency or settings.CURRENCY
    sign, figure = SIGNS.get(code, code), number(amount, decimals)
    return f"{figure}{NBSP}{sign}" if _is_german() else f"{sign}{NBSP}{figure}"


def _is_german() -> bool:
    return (get_language() or "en").startswith("de")


def duration(seconds: Number | None) -> str:
    """A span of time: “4:10” (minutes and seconds) under an hour, “3 h 20 min” under a day, “1.2 days” beyond."""
    if seconds is None:
        return NOTHING
    whole = round(abs(float(seconds)))
    sign = "−" if seconds < 0 and whole else ""
    if whole < HOUR:
        return f"{sign}{whole // MINUTE}:{whole % MINUTE:02d}"
    if whole < DAY:
        return f"{sign}{whole // HOUR}{NBSP}h {whole % HOUR // MINUTE:02d}{NBSP}min"
    days = round(Decimal(whole) / DAY, 1)
    text = number(days, 0 if days == days.to_integral_value() else 1)
    return sign + ngettext("%(days)s day", "%(days)s days", 1 if days == 1 else 2) % {"days": text}


def span(seconds: Number) -> str:
    """A rough span in one unit, for a line that is read in passing: “6 min”, “2 h”, “3 days”."""
    whole = abs(float(seconds))
    if whole < HOUR:
        return gettext("%(count)d min") % {"count": max(1, int(whole // MINUTE))}
    if whole < 2 * DAY:
        return gettext("%(count)d h") % {"count": int(whole // HOUR)}
    days = int(whole // DAY)
    return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}


def inside(label: str) -> str:
    """A label in the middle of a sentence: “budget”; in German, where nouns keep their capital, as it is."""
    return label if _is_german() else label[:1].lower() + label[1:]


def quoted(words: str) -> str:
    """Somebody's words in the quotation marks of the language."""
    return gettext("“%(text)s”") % {"text": words}


def clock_time(when: datetime) -> str:
    """The time of day where the reader is: 9:41."""
    return date_format(timezone.localtime(when), gettext("G:i"), use_l10n=False)


def moment(when: datetime) -> str:
    """Date and time in full, for a title: Mon 23 November 2026, 9:41."""
    return date_format(timezone.localtime(when), gettext("D j F Y, G:i"), use_l10n=False)


def day(when: datetime, *, at: datetime) -> str:
    """The day, with the year only where it is another one: 12 Nov, 12 Nov 2025."""
    there, here = timezone.localtime(when), timezone.localtime(at)
    return date_format(there, gettext("j M") if there.year == here.year else gettext("j M Y"), use_l10n=False)


def relative(when: datetime, *, at: datetime) -> str:
    """How long ago, or how soon: “11 min ago”, “in 3 h”, then the weekday and time, then the day."""
    seconds = (at - when).total_seconds()
    if abs(seconds) < MINUTE:
        return gettext("just now") if seconds >= 0 else gettext("now")
    if abs(seconds) < DAY:
        pattern = gettext("%(span)s ago") if seconds > 0 else gettext("in %(span)s")
        return pattern % {"span": span(seconds)}
    if abs(seconds) < 6 * DAY:
        return date_format(timezone.localtime(when), gettext("D G:i"), use_l10n=False)
    return day(when, at=at)


def since(when: datetime, *, at: datetime) -> str:
    """Since when something waits: the hour today, the weekday this week, then the day."""
    there, here = timezone.localtime(when), timezone.localtime(at)
    if there.date() == here.date():
        said = clock_time(when)
    else:
        said = date_format(there, "D", use_l10n=False) if at - when < timedelta(days=6) else day(when, at=at)
    return gettext("since %(when)s") % {"when": said}


def wall_time(when: datetime, *, at: datetime) -> str:
    """A moment to come, as one plans it: 11:30 today, Mon 9:00 this week, Mon 30 after that."""
    there, here = timezone.localtime(when), timezone.localtime(at)
    if there.date() == here.date():
        return clock_time(when)
    pattern = gettext("D G:i") if abs((when - at).total_seconds()) < 6 * DAY else gettext("D j M")
    return date_format(there, pattern, use_l10n=False)

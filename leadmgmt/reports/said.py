"""The reports' words for leads, as a person reads them above the list that a figure opens."""

from datetime import datetime

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from crmsync.models import Handoff, Opportunity
from leadmgmt.core.errors import InvalidInput
from leadmgmt.reports.clocks import DONE, NEVER, RUNNING
from leadmgmt.reports.clocks_picture import LABELS
from leadmgmt.reports.journeys import LEVELS, UNKNOWN
from leadmgmt.reports.leaks_words import LEAKS
from leads.cohort import NONE, Say
from leads.models import Campaign, Source, User
from routing.models import SlaClock, SlaPolicy

# In place of a channel: every deal that was won.
ALL = "all"


def person(value: str) -> str:
    """Who is meant by a number."""
    if value == NONE:
        return _("nobody")
    known = value.isdecimal() and len(value) < 19
    return str(User.objects.filter(pk=int(value)).first() or value) if known else value


def promise(value: str) -> tuple[str, str]:
    """How the first promise stands."""
    words = {
        "made": _("has come due"),
        "kept": _("kept"),
        "late": _("kept late"),
        "never": _("never kept"),
        "running": _("still runs"),
    }
    return _("First promise"), words.get(value, value)


def broke(value: str) -> tuple[str, str]:
    """Why the first promise broke."""
    return _("First promise broke"), str(dict(SlaClock.Cause.choices).get(value, value))


def clock(value: str) -> tuple[str, str]:
    """How far one of the three clocks has come."""
    name, _dash, state = value.partition("-")
    states = {DONE: _("there"), RUNNING: _("still waiting"), NEVER: _("never")}
    return str(LABELS.get(name, name)), states.get(state, state)


def policy(value: str) -> tuple[str, str]:
    """Which promise was the first."""
    found = SlaPolicy.objects.filter(pk=int(value)).first() if value.isdecimal() and len(value) < 19 else None
    return _("Promise"), str(found or value)


def attempts(value: str) -> tuple[str, str]:
    """How a promise of attempts stands."""
    words = {"kept": _("kept"), "missed": _("too few"), "running": _("still runs")}
    return _("Attempts"), words.get(value, value)


def hour(value: str) -> tuple[str, str]:
    """The hour of the week in which it began."""
    day, _sep, clock = value.partition("-")
    return _("First promise began"), _("%(day)s from %(hour)d") % {"day": WEEKDAYS_ABBR[int(day)], "hour": int(clock)}


def notified(value: str) -> tuple[str, str]:
    """Whether somebody could take it."""
    return _("Told to a rep"), {"told": _("at once"), "waited": _("after waiting for one")}.get(value, value)


def loop(value: str) -> tuple[str, str]:
    """What became of them once they were recycled."""
    words = {
        "recycled": _("at some time"),
        "returned": _("and came back"),
        "sql": _("came back, then SQL"),
        "won": _("came back, then won"),
    }
    return _("Was recycled"), words.get(value, value)


def deal(value: str) -> tuple[str, str]:
    """How the deal stands."""
    return _("Deal"), str(dict(Opportunity.Stage.choices).get(value, value))


def handoff(value: str) -> tuple[str, str]:
    """How the handoff stands."""
    return _("Handoff"), str(dict(Handoff.Status.choices).get(value, value))


def journey_of(value: str) -> tuple[str, str, str, str]:
    """Level, short name, first and last day of `source~google-ads~2026-07-01~2026-09-30`. Raises InvalidInput."""
    level, _sep, rest = value.partition("~")
    parts = rest.rsplit("~", 2)
    if level not in LEVELS or len(parts) != 3:
        sentence = _("“%(value)s” is no journey.") % {"value": value}
        raise InvalidInput(sentence, fields={"journey": sentence})
    return level, parts[0], parts[1], parts[2]


def channel_of(level: str, who: str) -> int | None:
    """The number of a source or campaign in journeys; None for all of them. Raises InvalidInput."""
    if who in (ALL, NONE):
        return None if who == ALL else UNKNOWN
    if level == "source":
        found = Source.objects.filter(slug=who).values_list("pk", flat=True).first()
    else:
        known = who.isdecimal() and len(who) < 19
        found = Campaign.objects.filter(pk=int(who) if known else 0).values_list("pk", flat=True).first()
    if found is None:
        sentence = _("There is no “%(who)s”.") % {"who": who}
        raise InvalidInput(sentence, fields={"journey": sentence})
    return found


def journey(value: str) -> tuple[str, str]:
    """Whose touch was on the way of a won deal, and when it closed."""
    level, who, first, last = journey_of(value)
    days = " – ".join(filter(None, (first, last)))
    found: Source | Campaign | None = None
    if level == "source":
        found = Source.objects.filter(slug=who).first()
    elif who.isdecimal() and len(who) < 19:
        found = Campaign.objects.filter(pk=int(who)).first()
    name = {ALL: "", NONE: _("No source given")}.get(who) if who in (ALL, NONE) else str(found or who)
    return _("Won on the way over") if name else _("Deals won"), ", ".join(filter(None, (name or "", days)))


def leak(value: str) -> tuple[str, str]:
    """In which way they run out."""
    return _("Leak"), str(LEAKS.get(value, (value, ""))[0])


def spell_of(value: str) -> tuple[str, str, datetime, datetime]:
    """Kind, part, start and end of `untouched~came~2026-07-01T00:00:00+02:00~…`. Raises InvalidInput."""
    name, start, end = instants_of(value, "leaked")
    kind, _sep, part = name.partition("~")
    if kind not in LEAKS or part not in _parts():
        raise unknown_group(value, "leaked")
    return kind, part, start, end


def instants_of(value: str, word: str) -> tuple[str, datetime, datetime]:
    """What stands before `~<from>~<to>`, and both instants, which name their zone. Raises InvalidInput."""
    name, *instants = value.rsplit("~", 2)
    try:
        start, end = (datetime.fromisoformat(one) for one in instants)
    except ValueError:
        raise unknown_group(value, word) from None
    if start.tzinfo is None or end.tzinfo is None:
        raise unknown_group(value, word)
    return name, start, end


def days_between(start: datetime, end: datetime) -> str:
    """Both days, as a person reads them."""
    return " – ".join(date_format(localtime(one), "SHORT_DATE_FORMAT") for one in (start, end))


def unknown_group(value: str, word: str) -> InvalidInput:
    """The refusal of a word's value that stands for no leads."""
    sentence = _("“%(value)s” is no group of leads.") % {"value": value}
    return InvalidInput(sentence, fields={word: sentence})


def _parts() -> dict[str, str]:
    return {
        "before": _("at the beginning"),
        "came": _("began"),
        "stopped": _("was stopped"),
        "left": _("at the end"),
    }


def leaked(value: str) -> tuple[str, str]:
    """Which leak, what of it, and when."""
    kind, part, start, end = spell_of(value)
    return str(LEAKS[kind][0]), f"{_parts()[part]}, {days_between(start, end)}"


SAID: dict[str, Say] = {
    "rep": lambda value: (_("Received by"), person(value)),
    "received": lambda value: (_("Received by"), person(value)),
    "received_by": lambda value: (_("First received by"), person(value)),
    "sql_by": lambda value: (_("Became SQL with"), person(value)),
    "sdr": lambda value: (pgettext("of a deal", "Qualified by"), person(value)),
    "ae": lambda value: ("AE", person(value)),
    "promise": promise,
    "broke": broke,
    "clock": clock,
    "out_of_turn": lambda value: (_("Taken out of turn by"), person(value)),
    "worked_by": lambda value: (_("Worked by"), person(value)),
    "policy": policy,
    "attempts": attempts,
    "hour": hour,
    "notified": notified,
    "loop": loop,
    "journey": journey,
    "leak": leak,
    "leaked": leaked,
    "graded": lambda value: (_("First grade"), value),
    "deal": deal,
    "handoff": handoff,
}

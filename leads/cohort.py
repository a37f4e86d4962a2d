"""Which leads a figure speaks of: the words that reports, their links and the lead list share.

An address such as ``?from=2026-07-01&to=2026-09-30&cohort=1&reached=sql&source=google-ads`` means the same wherever it
stands, because every page narrows its leads here. Higher apps add their own words with `register_word`.

| word | leads that |
|---|---|
| from, to | were first seen on these days (both included, in the organisation's time zone) |
| reached | ever became mql, sql, opportunity or won; with from/to and without cohort=1: became it on these days |
| cohort=1 | from and to speak of the first touch, whatever `reached` says |
| furthest | got this far and no further (new, mql, sql, opportunity, won) |
| stage | stand in this stage today |
| criteria | first became mql or sql by them: `sql:sql.3` = by version 3 of the SQL criteria; `sql:none` = by none |
| returned=1 | came back after they had been recycled or disqualified |
| source, campaign, team | came from there, are worked there; `none` = none given |
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Exists, JSONField, OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from leadmgmt.core.errors import InvalidInput
from leads.models import Capture, ImportRun, LeadEvent, Stage
from leads.querysets import LeadQuerySet

STEPS = ("mql", "sql", "opportunity", "won")
NONE = "none"
# Further away no day can be counted from: neither the one after it nor the period before it.
YEARS = range(1900, 2200)

# (leads, the word's value, all parameters of the address): narrower leads.
Word = Callable[[LeadQuerySet, str, Mapping[str, str]], LeadQuerySet]


def day_start(day: date) -> datetime:
    """The first instant of a day where the organisation is."""
    return datetime.combine(day, time(0), ZoneInfo(settings.TIME_ZONE))


def period(params: Mapping[str, str]) -> tuple[datetime | None, datetime | None]:
    """The instants from (included) and to (excluded) that the days in an address stand for."""
    first, last = _day(params, "from"), _day(params, "to")
    return (day_start(first) if first else None, day_start(last + timedelta(days=1)) if last else None)


def _day(params: Mapping[str, str], name: str) -> date | None:
    text = params.get(name) or ""
    try:
        day = date.fromisoformat(text) if text else None
        if day and day.year not in YEARS:
            raise ValueError
        return day
    except ValueError:
        sentence = _("“%(text)s” is no date; write it as 2026-09-30.") % {"text": text}
        raise InvalidInput(sentence, fields={name: sentence}) from None


def happened(kind: str, start: datetime | None = None, end: datetime | None = None) -> Exists:
    """That the lead's history has such an event (within the period)."""
    events = LeadEvent.objects.filter(lead=OuterRef("pk"), kind=kind)
    if start:
        events = events.filter(at__gte=start)
    if end:
        events = events.filter(at__lt=end)
    return Exists(events)


def became(stage: str, start: datetime | None = None, end: datetime | None = None) -> Q:
    """That the lead reached the stage (within the period). A win that was reversed is none."""
    reached = Q(happened(f"stage.{_known(stage, 'reached', STEPS)}", start, end))
    return reached & Q(stage=Stage.WON) if stage == Stage.WON else reached


def _reached(leads: LeadQuerySet, stage: str, _params: Mapping[str, str]) -> LeadQuerySet:
    return leads.filter(became(stage))


def _furthest(leads: LeadQuerySet, stage: str, _params: Mapping[str, str]) -> LeadQuerySet:
    _known(stage, "furthest", ("new", *STEPS))
    if stage != "new":
        leads = leads.filter(became(stage))
    later = STEPS[STEPS.index(stage) + 1 :] if stage != "new" else STEPS
    return leads.filter(*(~became(step) for step in later))


def _stage(leads: LeadQuerySet, stage: str, _params: Mapping[str, str]) -> LeadQuerySet:
    if stage == "open":
        return leads.open()
    return leads.filter(stage=_known(stage, "stage", tuple(Stage.values)))


def _source(leads: LeadQuerySet, slug: str, _params: Mapping[str, str]) -> LeadQuerySet:
    return leads.filter(source=None) if slug == NONE else leads.filter(source__slug=slug)


def _campaign(leads: LeadQuerySet, key: str, _params: Mapping[str, str]) -> LeadQuerySet:
    return leads.filter(campaign=None) if key == NONE else leads.filter(campaign__key=key)


def _team(leads: LeadQuerySet, slug: str, _params: Mapping[str, str]) -> LeadQuerySet:
    return leads.filter(team=None) if slug == NONE else leads.filter(team__slug=slug)


def _returned(leads: LeadQuerySet, _value: str, _params: Mapping[str, str]) -> LeadQuerySet:
    return leads.filter(came_back())


def _import(leads: LeadQuerySet, value: str, _params: Mapping[str, str]) -> LeadQuerySet:
    """Leads that a file began (`12:new`), joined (`12:joined`), or either (`12`)."""
    number, part = _import_of(value)
    captures = Capture.objects.filter(lead=OuterRef("pk"), context__run=number)
    if part:
        is_new = Q(match_reason="new")
        captures = captures.filter(is_new if part == "new" else ~is_new)
    return leads.filter(Exists(captures))


def _import_of(value: str) -> tuple[int, str]:
    number, _colon, part = value.partition(":")
    if part not in ("", "new", "joined") or not (number.isascii() and number.isdigit() and len(number) < 10):
        sentence = _("“%(value)s” is no import.") % {"value": value}
        raise InvalidInput(sentence, fields={"import": sentence})
    return int(number), part


def _say_import(value: str) -> tuple[str, str]:
    number, part = _import_of(value)
    name = ImportRun.objects.filter(pk=number).values_list("file_name", flat=True).first() or str(number)
    how = {"new": _("new leads"), "joined": _("joined one")}.get(part, "")
    return _("Import"), f"{name}, {how}" if how else name


def _by_criteria(leads: LeadQuerySet, value: str, _params: Mapping[str, str]) -> LeadQuerySet:
    """Leads whose first step to a stage named these criteria, or none."""
    stage, kind, version = _criteria_of(value)
    steps = LeadEvent.objects.filter(lead=OuterRef("pk"), kind=f"stage.{stage}").order_by("at", "pk")
    known = leads.filter(became(stage)).alias(first_step=Subquery(steps.values("data")[:1], output_field=JSONField()))
    if not kind:
        return known.filter(first_step__criteria_kind__isnull=True)
    return known.filter(first_step__criteria_kind=kind, first_step__version=int(version))


def _criteria_of(value: str) -> tuple[str, str, str]:
    stage, _colon, judge = value.partition(":")
    kind, _dot, version = judge.partition(".")
    is_version = kind in ("mql", "sql") and version.isascii() and version.isdigit() and len(version) < 9
    if stage in ("mql", "sql") and (is_version or judge == NONE):
        return stage, *((kind, version) if is_version else ("", ""))
    sentence = _("“%(value)s” names no criteria.") % {"value": value}
    raise InvalidInput(sentence, fields={"criteria": sentence})


def _say_criteria(value: str) -> tuple[str, str]:
    stage, kind, version = _criteria_of(value)
    words = {"stage": stage.upper(), "criteria": f"{kind.upper()} {version}"}
    said = _("%(stage)s by criteria %(criteria)s") if kind else _("%(stage)s without criteria")
    return _("Criteria"), said % words


def came_back() -> Q:
    """That the lead was opened again after it had been closed."""
    reopened = LeadEvent.objects.filter(
        lead=OuterRef("pk"), kind__in=["stage.new", "stage.mql"], data__from__in=["recycled", "disqualified"]
    )
    return Q(Exists(reopened))


def _known(value: str, name: str, allowed: tuple[str, ...]) -> str:
    if value in allowed:
        return value
    sentence = _("“%(value)s” is none of: %(allowed)s.") % {"value": value, "allowed": ", ".join(allowed)}
    raise InvalidInput(sentence, fields={name: sentence})


_words: dict[str, Word] = {
    "reached": _reached,
    "furthest": _furthest,
    "stage": _stage,
    "source": _source,
    "campaign": _campaign,
    "team": _team,
    "returned": _returned,
    "import": _import,
    "criteria": _by_criteria,
}


# What a word means to a person: label and value, both in words.
Say = Callable[[str], tuple[str, str]]

_said: dict[str, Say] = {"import": _say_import, "criteria": _say_criteria}


def register_word(name: str, word: Word, say: Say | None = None) -> None:
    """Add a word of a higher app, and how it is told to a person. Registering a name again replaces it."""
    _words[name] = word
    if say:
        _said[name] = say


def in_words(name: str, value: str) -> tuple[str, str] | None:
    """Label and value of a parameter for a person; None for those that nobody has put into words."""
    return _said[name](value) if name in _said else None


def words() -> frozenset[str]:
    """Every parameter that `narrow` understands."""
    return frozenset(_words) | {"from", "to", "cohort"}


def narrow(leads: LeadQuerySet, params: Mapping[str, str]) -> LeadQuerySet:
    """The leads that an address speaks of. Raises InvalidInput naming the parameter that cannot be read."""
    start, end = period(params)
    reached = params.get("reached") or ""
    if reached and not params.get("cohort"):
        # The stage was reached in the period, whenever the lead was first seen.
        leads = leads.filter(became(reached, start, end))
        start = end = None
    leads = leads.seen_between(start, end)
    for name, word in _words.items():
        value = params.get(name) or ""
        if "\0" in value:
            sentence = _("This holds a character that nothing is called by.")
            raise InvalidInput(sentence, fields={name: sentence})
        if value and not (name == "reached" and not params.get("cohort")):
            leads = word(leads, value, params)
    return leads

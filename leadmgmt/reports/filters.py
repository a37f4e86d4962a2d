"""What a report looks at: the words in its address, the presets, and the links to the leads behind a figure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from leadmgmt.core.now import now
from leads.cohort import YEARS, day_start, narrow, period
from leads.models import Lead, User
from leads.querysets import LeadQuerySet

DEFAULT_DAYS = 90
NARROWING = ("source", "campaign", "team", "rep")


@dataclass(frozen=True)
class Filters:
    """Days are both included; None: without that limit."""

    first: date | None = None
    last: date | None = None
    source: str = ""
    campaign: str = ""
    team: str = ""
    rep: str = ""
    compares: bool = False
    # Who reads: figures speak of the leads that this person may open. None: of all.
    reader: User | None = None

    def words(self) -> dict[str, str]:
        """As parameters of an address, the way `leads.cohort.narrow` reads them."""
        found = {"from": self.first.isoformat() if self.first else "", "to": self.last.isoformat() if self.last else ""}
        found |= {name: getattr(self, name) for name in NARROWING}
        return {name: value for name, value in found.items() if value}

    def leads(self) -> LeadQuerySet:
        """The leads that the report speaks of: first seen in the period."""
        everything = Lead.objects.visible_to(self.reader) if self.reader else Lead.objects.all()
        return narrow(everything, {**self.words(), "cohort": "1"})

    def leads_at_any_time(self) -> LeadQuerySet:
        """The leads of these filters whenever they were first seen: for what is asked of now, or of another time."""
        return replace(self, first=None, last=None).leads()

    def leads_url(self, **words: str) -> str:
        """The lead list with exactly those of the report's leads that also fit ``words``."""
        return f"{reverse('qualification:lead_list')}?{urlencode({**self.words(), 'cohort': '1', **words})}"

    def address(self, **changes: object) -> str:
        """This report's parameters with some changed, as the part of an address from ``?`` on."""
        changed = replace(self, **changes)  # type: ignore[arg-type]  # field names come from our own templates' code
        words = changed.words()
        if changed.first is None and changed.last is None:
            words["period"] = "all"
        if changed.compares:
            words["compare"] = "previous"
        return "?" + urlencode(words)

    def previous(self) -> "Filters | None":
        """The same number of days right before; None where the period has no beginning or nothing can be before it."""
        if self.first is None:
            return None
        last = self.last or today()
        length = last - self.first + timedelta(days=1)
        if quarter_of(self.first) == (self.first, last):
            earlier = quarter_of(self.first - timedelta(days=1))
            return replace(self, first=earlier[0], last=earlier[1])
        if self.first.year - length.days // 365 <= YEARS.start:
            return None
        return replace(self, first=self.first - length, last=self.first - timedelta(days=1))

    def age_shift(self, other: "Filters") -> timedelta:
        """How much older the leads of ``other`` are: to compare both at the same age."""
        if self.first is None or other.first is None:
            return timedelta(0)
        return day_start(self.first) - day_start(other.first)

    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """The instants from (included) and to (excluded)."""
        return period(self.words())

    @property
    def label(self) -> str:
        """The period in words: Q3 2026, or its two days."""
        return period_label(self.first, self.last)

    @property
    def within(self) -> str:
        """The period inside a sentence: in Q3 2026, from 1 Oct 2026 to 25 Nov 2026."""
        first, last = self.first, self.last
        if first is None and last is None:
            return _("at any time")
        if first and last and quarter_of(first) == (first, last):
            return _("in %(period)s") % {"period": self.label}
        if first and last == today() and last - first == timedelta(days=DEFAULT_DAYS - 1):
            return _("in the last %(days)d days") % {"days": DEFAULT_DAYS}
        words = {"first": shown_day(first), "last": shown_day(last)}
        if first and last:
            return _("from %(first)s to %(last)s") % words
        return (_("since %(first)s") if first else _("until %(last)s")) % words


def today() -> date:
    """The day where the organisation is."""
    return timezone.localtime(now(), day_start(date(2000, 1, 1)).tzinfo).date()


def quarter_of(day: date) -> tuple[date, date]:
    """First and last day of the quarter."""
    first = day.replace(month=day.month - (day.month - 1) % 3, day=1)
    following = (first + timedelta(days=100)).replace(day=1)
    following = following.replace(month=following.month - (following.month - 1) % 3)
    return first, following - timedelta(days=1)


def period_label(first: date | None, last: date | None) -> str:
    """A period as people say it."""
    if first is None and last is None:
        return _("All time")
    if first and last and quarter_of(first) == (first, last):
        return f"Q{(first.month + 2) // 3} {first.year}"
    if first and last == today() and last - first == timedelta(days=DEFAULT_DAYS - 1):
        return last_days()
    return " – ".join(shown_day(day) for day in (first, last))


def shown_day(day: date | None) -> str:
    """A day as people write it."""
    return date_format(day, _("j M Y"), use_l10n=False) if day else "…"


def last_days() -> str:
    """The period shown where none is asked for."""
    return _("Last %(days)d days") % {"days": DEFAULT_DAYS}


@dataclass(frozen=True)
class Preset:
    """A period that one click chooses."""

    label: str
    first: date | None
    last: date | None


def presets(day: date) -> list[Preset]:
    """The periods offered, as of this day."""
    this, before = quarter_of(day), quarter_of(quarter_of(day)[0] - timedelta(days=1))
    return [
        Preset(last_days(), day - timedelta(days=DEFAULT_DAYS - 1), day),
        Preset(_("This quarter"), *this),
        Preset(period_label(*before), *before),
        Preset(_("This year"), date(day.year, 1, 1), date(day.year, 12, 31)),
        Preset(_("All time"), None, None),
    ]


def read(params: Mapping[str, str], reader: User | None = None, *, default_days: int | None = DEFAULT_DAYS) -> Filters:
    """The filters of an address. Without a period: the last ``default_days`` days, None: all time.

    Raises InvalidInput naming the parameter that cannot be read.
    """
    first, end = period(params)
    if first is None and end is None and params.get("period") != "all" and default_days:
        last_day = today()
        days: tuple[date | None, date | None] = (last_day - timedelta(days=default_days - 1), last_day)
    else:
        days = (_local(first), _local(end - timedelta(seconds=1)) if end else None)
    return Filters(
        *days,
        source=params.get("source") or "",
        campaign=params.get("campaign") or "",
        team=params.get("team") or "",
        rep=params.get("rep") or "",
        compares=params.get("compare") == "previous",
        reader=reader,
    )


def _local(moment: datetime | None) -> date | None:
    return moment.astimezone(day_start(date(2000, 1, 1)).tzinfo).date() if moment else None

"""Tabs, search and filters of the queue. They live in the address; the last ones stick (`kept_filter`)."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from leads.normalise.country import countries
from leads.querysets import LeadQuerySet
from qualification.desk.day import Day
from qualification.desk.queue import Row

TABS = ("mine", "hot", "calls", "waiting")
NO_SOURCE = "none"


@dataclass(frozen=True)
class QueueFilter:
    """What the address asks for; `lead` is the row that is selected."""

    tab: str = "mine"
    query: str = ""
    grade: str = ""
    source: str = ""
    country: str = ""
    lead: int = 0

    @property
    def is_narrowed(self) -> bool:
        """Whether some leads of the tab are left out."""
        return bool(self.query or self.grade or self.source or self.country)

    @property
    def is_plain(self) -> bool:
        """Whether the list is the person's own queue, all of it."""
        return self.tab == "mine" and not self.is_narrowed


@dataclass(frozen=True)
class Tab:
    """One tab with its count."""

    label: str
    url: str
    count: int
    is_current: bool


@dataclass(frozen=True)
class Chip:
    """A filter: set, with the way to take it away, or open, with its choices."""

    name: str
    label: str
    value: str
    clear_url: str
    choices: list[tuple[str, str]]


def read_filter(params: QueryDict) -> QueueFilter:
    """What the address says; what makes no sense is left out."""
    tab, lead = params.get("tab", ""), params.get("lead", "")
    return QueueFilter(
        tab=tab if tab in TABS else "mine",
        query=" ".join(params.get("q", "").split())[:100],
        grade=params.get("grade", "").upper()[:2],
        source=params.get("source", "")[:80],
        country=params.get("country", "").upper()[:2],
        lead=int(lead) if lead.isdigit() and len(lead) < 19 else 0,
    )


def filtered(leads: LeadQuerySet, chosen: QueueFilter) -> LeadQuerySet:
    """Narrow the leads down."""
    if chosen.query:
        leads = leads.search(chosen.query)
    if chosen.grade:
        leads = leads.filter(grade__startswith=chosen.grade)
    if chosen.source == NO_SOURCE:
        leads = leads.filter(source__isnull=True)
    elif chosen.source:
        leads = leads.filter(source__slug=chosen.source)
    return leads.filter(contact__country=chosen.country) if chosen.country else leads


def tabs(day: Day, chosen: QueueFilter) -> list[Tab]:
    """The tabs with what each holds."""
    labels = {
        "mine": (_("My queue"), day.mine),
        "hot": (_("Hot inbound"), day.hot),
        "calls": (_("Call-backs"), day.calls),
        "waiting": (_("Team waiting room"), day.waiting),
    }
    address = reverse("qualification:queue")
    return [Tab(label, f"{address}?tab={name}", count, chosen.tab == name) for name, (label, count) in labels.items()]


def chips(lines: Sequence[Row], chosen: QueueFilter, params: QueryDict) -> list[Chip]:
    """Grade, source and country, each with the values that occur in the list."""
    letters = sorted({line.lead.grade[0] for line in lines if line.lead.grade})
    sources = {
        line.lead.source.slug if line.lead.source else NO_SOURCE: line.lead.source.name
        if line.lead.source
        else _("No source given")
        for line in lines
    }
    present = {line.lead.contact.country for line in lines} | {chosen.country}
    named = [(code, name) for code, name in countries(get_language() or "en") if code in present]
    return [
        _chip("grade", _("Grade"), chosen.grade, [(letter, letter) for letter in letters], params),
        _chip("source", _("Source"), chosen.source, sorted(sources.items(), key=lambda one: one[1]), params),
        _chip("country", _("Country"), chosen.country, named, params),
    ]


def _chip(name: str, label: str, value: str, choices: list[tuple[str, str]], params: QueryDict) -> Chip:
    def address(chosen: str) -> str:
        wanted = params.copy()
        wanted.pop("lead", None)
        wanted.pop(name, None)
        if chosen:
            wanted[name] = chosen
        # An address that asks for nothing brings back what is kept; this one asks for the whole queue.
        return f"?{wanted.urlencode() or 'tab=mine'}"

    shown = dict(choices).get(value, value)
    return Chip(name, label, shown, address(""), [(words, address(one)) for one, words in choices])

"""What the list of leads can be narrowed by: its own fields, and the words that reports' links speak."""

from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar, cast

import django_filters
from django.db.models import Model, QuerySet
from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from leadmgmt.core.now import now
from leads.cohort import in_words, narrow
from leads.cohort import words as cohort_words
from leads.conditions import parse
from leads.facts import fact_named
from leads.facts.places import PREFIX
from leads.models import Lead, Source, Stage, Team, User
from leads.normalise.country import countries
from leads.querysets import LeadQuerySet
from qualification.models import Criteria, Segment
from qualification.services.criteria_drafts import meeting_leads

Row = TypeVar("Row", bound=Model)
NONE = "none"
GROUPS = {"working": _("To be qualified"), "open": _("Open")}
OWN = ("q", "owner", "grade", "country", "channel", "history", "territory", "meets", "segment")

SORTS: dict[str, tuple[str, ...]] = {
    "touched": ("last_touch_at",),
    "first": ("first_seen_at",),
    "name": ("contact__last_name", "contact__first_name"),
    "company": ("contact__company__name",),
    "stage": ("stage", "stage_at"),
    "grade": ("grade", "win_probability"),
    "owner": ("owner__first_name", "owner__last_name"),
    "source": ("source__name",),
}


class LeadListFilter(django_filters.FilterSet):
    """The list's own fields; names and values stand in the address."""

    q = django_filters.CharFilter(method="by_words")
    owner = django_filters.CharFilter(method="by_owner")
    grade = django_filters.CharFilter(field_name="grade", lookup_expr="istartswith")
    country = django_filters.CharFilter(field_name="contact__country", lookup_expr="iexact")
    channel = django_filters.CharFilter(field_name="channel__slug")
    meets = django_filters.CharFilter(method="by_criteria")
    territory = django_filters.CharFilter(method="by_territory")
    segment = django_filters.CharFilter(method="by_segment")
    history = django_filters.ChoiceFilter(choices=[("in", "in"), ("out", "out")], method="by_history")

    class Meta:
        model = Lead
        fields: list[str] = []

    def by_words(self, leads: Any, name: str, value: str) -> Any:
        """The one search of the product."""
        return leads.search(" ".join(value.split()[:6])[:200])

    def by_owner(self, leads: Any, name: str, value: str) -> Any:
        """By number, `me`, or `none`."""
        if value == NONE:
            return leads.filter(owner__isnull=True)
        if value == "me" and self.request is not None:
            return leads.filter(owner=self.request.user)
        return leads.filter(owner_id=int(value)) if value.isdecimal() and len(value) < 19 else leads.none()

    def by_criteria(self, leads: Any, name: str, value: str) -> Any:
        """Last month's leads that meet the condition of these criteria today."""
        known = _numbered(Criteria.objects.all(), value)
        if known is None or not isinstance(user := getattr(self.request, "user", None), User):
            return leads.none()
        return leads.filter(pk__in=meeting_leads(known, user, now()).order_by().values("pk"))

    def by_territory(self, leads: Any, name: str, value: str) -> Any:
        """``table:territory``; without a territory the leads that lie in none."""
        slug, _sep, territory = value.partition(":")
        fact = fact_named(f"{PREFIX}.{slug}")
        if fact is None or fact.column is None:
            return leads.none()
        placed = leads.annotate(territory=fact.column(now()))
        return placed.filter(territory=territory) if territory else placed.filter(territory__isnull=True)

    def by_segment(self, leads: Any, name: str, value: str) -> Any:
        """Who belongs to a segment now."""
        known = _numbered(Segment.objects.all(), value)
        return leads.none() if known is None else leads.filter(parse(known.condition).to_q(now()))

    def by_history(self, leads: Any, name: str, value: str) -> Any:
        """With or without what was brought in as history."""
        return leads.filter(is_history=value == "in")


def _numbered(rows: QuerySet[Row], value: str) -> Row | None:
    return rows.filter(pk=int(value)).first() if value.isdecimal() and len(value) < 19 else None


def narrowed(leads: LeadQuerySet, params: QueryDict, request: Any) -> LeadQuerySet:
    """The leads that the address speaks of. Raises InvalidInput for a word of a report that cannot be read."""
    said: dict[str, str] = {name: params.get(name, "") for name in cohort_words()}
    if said.get("stage") == "working":
        leads, said["stage"] = leads.working(), ""
    return cast(LeadQuerySet, LeadListFilter(params, queryset=narrow(leads, said), request=request).qs)


def sorted_by(leads: LeadQuerySet, sort: str) -> LeadQuerySet:
    """In the asked order, `-` in front turns it; the latest touch first where none is asked for."""
    fields = SORTS.get(sort.lstrip("-"))
    if fields is None:
        return leads.order_by("-last_touch_at", "-pk")
    turn = "-" if sort.startswith("-") else ""
    return leads.order_by(*(f"{turn}{field}" for field in fields), f"{turn}pk")


Choice = tuple[str, str | Promise]


def choices(user: User, people: LeadQuerySet) -> dict[str, list[Choice]]:
    """What the selects offer, in four queries."""
    stages: list[Choice] = [*GROUPS.items(), *((stage.value, stage.label) for stage in Stage)]
    owners: list[Choice] = [("me", _("Me")), (NONE, _("Nobody"))]
    reps = User.objects.filter(pk__in=people.order_by().values("owner")).exclude(pk=user.pk)
    owners += [(str(rep.pk), str(rep)) for rep in reps.order_by("first_name", "last_name", "email")[:200]]
    sources: list[Choice] = [(source.slug, source.name) for source in Source.objects.filter(is_active=True)]
    teams: list[Choice] = [(team.slug, team.name) for team in Team.objects.all()]
    return {
        "stage": stages,
        "owner": owners,
        "source": [*sources, (NONE, _("No source given"))],
        "team": teams,
        "grade": [(letter, letter) for letter in "ABCD"],
        "country": list(countries(get_language() or "en")),
        "segment": [(str(pk), name) for pk, name in Segment.objects.values_list("pk", "name")],
        "history": [("out", _("Without what was brought in")), ("in", _("Only what was brought in"))],
    }


LABELS: dict[str, str | Promise] = {
    "q": _("Search"),
    "stage": _("Stage"),
    "owner": _("Owner"),
    "source": _("Source"),
    "team": _("Team"),
    "grade": _("Grade"),
    "country": _("Country"),
    "channel": _("Channel"),
    "history": _("History"),
    "territory": _("Territory"),
    "meets": _("Meets"),
    "segment": _("Segment"),
    "from": _("From"),
    "to": _("To"),
    "reached": _("Reached"),
    "furthest": _("Got as far as"),
    "campaign": _("Campaign"),
    "returned": _("Came back"),
}


def chips(params: QueryDict, offered: Mapping[str, list[Choice]]) -> list[tuple[str, str, str]]:
    """Every filter that is set: label, value in words, and the address without it."""
    found = []
    for name in params:
        value = params.get(name, "")
        if not value or name not in {*OWN, *cohort_words()} - {"cohort"}:
            continue
        rest = params.copy()
        rest.pop(name)
        rest.pop("page", None)
        label, shown = in_words(name, value) or _of_our_own(name, value, offered)
        found.append((label, shown, f"?{rest.urlencode()}"))
    return found


def _of_our_own(name: str, value: str, offered: Mapping[str, list[Choice]]) -> tuple[str, str]:
    label = str(LABELS.get(name, name.replace("_", " ")))
    if name == "returned":
        return label, ""
    if name == "meets":
        return label, str(_numbered(Criteria.objects.all(), value) or value)
    if name == "territory":
        return label, value.partition(":")[2] or gettext("in none of them")
    if name in ("from", "to"):
        return label, date_format(date.fromisoformat(value), gettext("j M Y"), use_l10n=False)
    known = (
        [(stage.value, stage.label) for stage in Stage] if name in ("reached", "furthest") else offered.get(name, [])
    )
    return label, str(dict(known).get(value.upper() if name == "country" else value, value))

"""The leads behind the figures on scoring, nurture and sync, and how a person reads such an address."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Window
from django.db.models.functions import Ntile
from django.utils.translation import gettext as _

from crmsync.models import AuditRow, Conflict, Connection, OutboxEntry
from leadmgmt.core.now import now
from leadmgmt.reports.said import days_between, instants_of, unknown_group
from leadmgmt.reports.scoring import BANDS, ENDED
from leads.cohort import Say, Word
from leads.models import Reason
from leads.querysets import LeadQuerySet
from qualification.models import NurtureEnrolment, NurtureProgramme, Score
from qualification.services.nurture_programmes import RIPE_AFTER

ENDS = NurtureEnrolment.End
# How a sleep stands or ended.
SLEEPS: dict[str, Q] = {
    "": Q(),
    "asleep": Q(ended_at=None),
    "woken": Q(end=ENDS.WOKEN),
    "returned": Q(end=ENDS.RETURNED),
    "won": Q(lead__stage="won"),
}
ARMS: dict[str, Q] = {
    "written": Q(is_held_out=False),
    "written_back": Q(is_held_out=False, end=ENDS.RETURNED),
    "out": Q(is_held_out=True),
    "out_back": Q(is_held_out=True, end=ENDS.RETURNED),
}
SYNCED = ("sent", "came", "known", "stuck", "conflicts")


def slept(leads: LeadQuerySet, value: str, _params: Mapping[str, str]) -> LeadQuerySet:
    """Leads that were recycled for this reason at some time, as in `lost.price`, or `lost.price~woken`."""
    reason, part = _reason_of(value)
    kind, _dot, code = reason.partition(".")
    enrolled = NurtureEnrolment.objects.filter(SLEEPS[part], lead=OuterRef("pk"), reason__kind=kind, reason__code=code)
    return leads.filter(Exists(enrolled))


def _reason_of(value: str) -> tuple[str, str]:
    reason, _sep, part = value.partition("~")
    if part not in SLEEPS:
        raise unknown_group(value, "slept")
    return reason, part


def nursed(leads: LeadQuerySet, value: str, _params: Mapping[str, str]) -> LeadQuerySet:
    """Leads of one arm of a programme, as in `7~written_back`; only those that went to sleep a month ago or earlier."""
    programme, part = _programme_of(value)
    ripe = NurtureEnrolment.objects.filter(ARMS[part], programme=programme, starts_at__lte=now() - RIPE_AFTER)
    return leads.filter(Exists(ripe.filter(lead=OuterRef("pk"))))


def _programme_of(value: str) -> tuple[int, str]:
    number, _sep, part = value.partition("~")
    if part not in ARMS or not (number.isascii() and number.isdigit() and len(number) < 10):
        raise unknown_group(value, "nursed")
    return int(number), part


def chances(leads: LeadQuerySet, value: str, _params: Mapping[str, str]) -> LeadQuerySet:
    """Leads whose end is known, in one of five groups by the first chance they got; 1 has the lowest."""
    if value not in [str(band) for band in range(1, BANDS + 1)]:
        raise unknown_group(value, "chances")
    first = Score.objects.filter(lead=OuterRef("pk"), win_probability__isnull=False).order_by("at", "pk")
    ended = (
        leads.order_by().filter(stage__in=ENDED).annotate(first_chance=Subquery(first.values("win_probability")[:1]))
    )
    groups = ended.filter(first_chance__isnull=False).annotate(
        group_of_chance=Window(Ntile(BANDS), order_by=[F("first_chance").asc(), F("pk").asc()])
    )
    return leads.filter(pk__in=groups.filter(group_of_chance=int(value)).values("pk"))


def synced(leads: LeadQuerySet, value: str, _params: Mapping[str, str]) -> LeadQuerySet:
    """Leads whose deals had such changes on their way to or from a CRM, as in `hubspot~sent~<from>~<to>`."""
    slug, part, start, end = _changes_of(value)
    pulled = AuditRow.objects.filter(connection__slug=slug, direction="pull", at__gte=start, at__lt=end)
    pushed = OutboxEntry.objects.filter(connection__slug=slug)
    found: dict[str, Exists] = {
        "sent": _exists(pushed.filter(state="done", done_at__gte=start, done_at__lt=end), "opportunity"),
        "stuck": _exists(
            pushed.filter(state__in=["dead", "waiting"], created_at__gte=start, created_at__lt=end), "opportunity"
        ),
        "came": _exists(pulled.filter(verdict="applied"), "link__opportunity"),
        "known": _exists(pulled.filter(verdict="suppressed"), "link__opportunity"),
        "conflicts": _exists(
            Conflict.objects.filter(link__connection__slug=slug, at__gte=start, at__lt=end), "link__opportunity"
        ),
    }
    return leads.filter(found[part])


def _exists(rows: QuerySet[Any], deal: str) -> Exists:
    return Exists(rows.filter(**{f"{deal}__lead": OuterRef("pk")}))


def _changes_of(value: str) -> tuple[str, str, datetime, datetime]:
    name, start, end = instants_of(value, "synced")
    slug, _sep, part = name.rpartition("~")
    if part not in SYNCED:
        raise unknown_group(value, "synced")
    return slug, part, start, end


def say_slept(value: str) -> tuple[str, str]:
    """Why they were recycled, and how their sleep stands."""
    reason, part = _reason_of(value)
    kind, _dot, code = reason.partition(".")
    name = str(Reason.objects.filter(kind=kind, code=code).first() or reason)
    how = {
        "asleep": _("asleep"),
        "woken": _("woken by date"),
        "returned": _("came by themselves"),
        "won": _("won later"),
    }.get(part)
    return _("Recycled because"), f"{name}, {how}" if how else name


def say_nursed(value: str) -> tuple[str, str]:
    """Which programme, and which of its leads."""
    number, part = _programme_of(value)
    name = str(NurtureProgramme.objects.filter(pk=number).first() or number)
    how = {
        "written": _("written to"),
        "written_back": _("written to, came back"),
        "out": _("held out"),
        "out_back": _("held out, came back"),
    }
    return _("Programme"), f"{name}, {how[part]}"


def say_chances(value: str) -> tuple[str, str]:
    """Which of the five groups."""
    return _("Group by chance"), value


def say_synced(value: str) -> tuple[str, str]:
    """What was on its way, and when."""
    slug, part, start, end = _changes_of(value)
    words = {
        "sent": _("changes sent"),
        "came": _("changes came"),
        "known": _("states that were known"),
        "stuck": _("changes stuck"),
        "conflicts": _("conflicts"),
    }
    name = Connection.objects.filter(slug=slug).values_list("name", flat=True).first() or slug
    return name, f"{words[part]}, {days_between(start, end)}"


WORDS: dict[str, tuple[Word, Say]] = {
    "slept": (slept, say_slept),
    "nursed": (nursed, say_nursed),
    "chances": (chances, say_chances),
    "synced": (synced, say_synced),
}

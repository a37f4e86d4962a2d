"""The queue: whose turn it is, in groups by when they want their rep, inside by promise × value × cadence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import BooleanField, Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from leads.models import Lead, User
from leads.querysets import LeadQuerySet
from qualification.desk.order import Order, order
from qualification.desk.plan import Group, Plan, plan
from qualification.desk.situation import APPOINTMENTS, PACED, Situation, running_cadence, running_clock
from qualification.desk.why import why
from qualification.models import Activity
from routing.models import WaitingLead

MOST = 200
HOT_SUBJECTS = ("demo", "pricing", "price", "contact", "quote", "callback", "call-back", "trial")
HOT_GRADES = ("A1", "A2", "B1")


@dataclass(frozen=True)
class Row:
    """One line of the queue."""

    situation: Situation
    plan: Plan
    order: Order
    why: str

    @property
    def lead(self) -> Lead:
        """Whose line it is."""
        return self.situation.lead


@dataclass(frozen=True)
class Section:
    """Rows that want their rep at the same time."""

    group: Group
    label: str | Promise
    note: str | Promise
    rows: list[Row]


LABELS: dict[Group, tuple[str | Promise, str | Promise]] = {
    Group.NOW: (_("Now"), _("a promise runs out within 15 minutes, or has")),
    Group.HOUR: (_("Within the hour"), _("promises, and people who have just stirred")),
    Group.TODAY: (_("Later today"), _("first calls and follow-ups, by value")),
    Group.COMING: (_("Coming days"), _("promised or planned for another day")),
    Group.PAUSED: (_("Paused"), _("come back by themselves")),
}
# With what a line shows besides its people.
SHOWN = ("team", "reason", "running", *PACED)
NOT_TODAY = (Group.COMING, Group.PAUSED)


def my_leads(user: User) -> LeadQuerySet:
    """What this person has to work."""
    return Lead.objects.working().owned_by(user)


def waiting_room(user: User) -> LeadQuerySet:
    """Leads of this person's reach that nobody could take yet."""
    waits = WaitingLead.objects.filter(left_at__isnull=True)
    return Lead.objects.visible_to(user).working().filter(owner__isnull=True, pk__in=waits.values("lead"))


def hot() -> Q:
    """Raised their hand or scored high, and nobody has been in touch."""
    return Q(first_touched_at__isnull=True) & (Q(subject__in=HOT_SUBJECTS) | Q(grade__in=HOT_GRADES))


def agreed() -> QuerySet[Activity]:
    """The agreement to talk again that nothing has followed yet, of the lead outside."""
    later = Activity.objects.touches().filter(lead=OuterRef("lead"), at__gt=OuterRef("at"))
    return Activity.objects.filter(
        ~Exists(later),
        lead=OuterRef("pk"),
        undone_at__isnull=True,
        disposition__in=APPOINTMENTS,
        due_at__isnull=False,
    )


def tab_leads(user: User, tab: str) -> LeadQuerySet:
    """The leads behind one tab."""
    if tab == "waiting":
        return waiting_room(user)
    mine = my_leads(user)
    if tab == "hot":
        return mine.filter(hot())
    return mine.filter(Exists(agreed())) if tab == "calls" else mine


def first(leads: LeadQuerySet, at: datetime) -> LeadQuerySet:
    """Put the leads so that a cut at the end takes only what is put aside or least pressing."""
    asleep = Case(When(snoozed_until__gt=at, then=Value(True)), default=Value(False), output_field=BooleanField())
    return (
        leads.with_people()
        .annotate(asleep=asleep, running=running_clock(), paced=running_cadence())
        .select_related(*SHOWN)
        .order_by("asleep", "running__due_at", "-win_probability", "-last_touch_at", "pk")
    )


def arranged(standing: Sequence[Situation]) -> list[Row]:
    """Lines in the order of the queue."""
    return [Row(one, decided, weight, why(one, decided)) for one, decided, weight in ranked(standing)]


def ranked(standing: Sequence[Situation]) -> list[tuple[Situation, Plan, Order]]:
    """By group, then priority; what is equal by due time, then by age. What is not for today goes by its time alone."""
    groups = {group: number for number, group in enumerate(Group)}
    found = [(one, decided := plan(one), order(one, decided)) for one in standing]
    far = max((decided.due_at for _one, decided, _weight in found if decided.due_at), default=None)

    def key(one: tuple[Situation, Plan, Order]) -> tuple[int, float, datetime, int]:
        situation, decided, weight = one
        value = 0.0 if decided.group in NOT_TODAY else -round(weight.priority, 6)
        return groups[decided.group], value, decided.due_at or far or situation.at, situation.lead.pk

    return sorted(found, key=key)


def sections(lines: Sequence[Row]) -> list[Section]:
    """The lines under their headings; empty headings are left out."""
    found = []
    for group, (label, note) in LABELS.items():
        mine = [line for line in lines if line.plan.group is group]
        if mine:
            found.append(Section(group, label, note, mine))
    return found

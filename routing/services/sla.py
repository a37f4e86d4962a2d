"""The clock's work on promises: a reminder before one runs out, a breach when it has."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Value
from django.db.models.functions import Cast, Concat

from leadmgmt.core.permissions import TEAM_LEAD
from leads.events import record_event
from leads.models import Lead, User
from leads.models.lead import WORKING_STAGES
from routing.models import Notification, SlaClock
from routing.notices import BREACHED, SOON
from routing.services.notify import tell
from routing.services.promise import stop_clock

AT_ONCE = 100
REMIND_BEFORE = timedelta(minutes=5)
# A promise of a few minutes is reminded of by the news of the lead itself.
SHORTEST_REMINDED = 10


def breach_due(at: datetime) -> int:
    """Clock: mark each promise that has run out, once, and tell the owner and the team lead. Returns how many."""
    due = SlaClock.objects.filter(stopped_at__isnull=True, breached_at__isnull=True, due_at__lte=at)
    found = list(due.order_by("due_at").values_list("pk", "lead_id")[:AT_ONCE])
    return sum(_breach(clock_id, lead_id, at) for clock_id, lead_id in found)


def _breach(clock_id: int, lead_id: int, at: datetime) -> bool:
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=lead_id)
        open_clocks = SlaClock.objects.filter(pk=clock_id, stopped_at__isnull=True, breached_at__isnull=True)
        clock = open_clocks.filter(due_at__lte=at).first()
        if clock is None:
            return False
        if not lead.is_working:
            # An opportunity or a closed lead is no longer a first touch to be made.
            stop_clock(lead, at=at, reason="stage")
            return False
        clock.breached_at = clock.due_at
        clock.save(update_fields=["breached_at"])
        due = clock.due_at.isoformat()
        record_event(lead, "sla.breached", at=clock.due_at, by="clock", data={"clock": clock.pk, "due_at": due})
        for person in _concerned(lead):
            tell(person, BREACHED, f"breach:{clock.pk}", lead, at=at)
        return True


def _concerned(lead: Lead) -> list[User]:
    """The owner, and who leads the team."""
    leads = User.objects.filter(is_active=True, team=lead.team_id, groups__name=TEAM_LEAD) if lead.team_id else []
    people = {user.pk: user for user in ([lead.owner] if lead.owner else [])} | {user.pk: user for user in leads}
    return list(people.values())


def remind_due(at: datetime) -> int:
    """Clock: five minutes before a promise runs out, its owner is reminded on screen, once. Returns how many.

    Nobody is reminded of a lead that has become an opportunity or was closed.
    """
    occasion = Concat(Value("soon:"), Cast(OuterRef("pk"), CharField()))
    told = Notification.objects.filter(occasion=occasion, user=OuterRef("lead__owner"))
    running = SlaClock.objects.filter(
        stopped_at__isnull=True, breached_at__isnull=True, lead__owner__isnull=False, lead__stage__in=WORKING_STAGES
    )
    soon = running.filter(
        due_at__gt=at, due_at__lte=at + REMIND_BEFORE, policy__first_touch_minutes__gte=SHORTEST_REMINDED
    )
    clocks = list(soon.filter(~Exists(told)).select_related("lead__owner").order_by("due_at")[:AT_ONCE])
    for clock in clocks:
        if owner := clock.lead.owner:
            tell(owner, SOON, f"soon:{clock.pk}", clock.lead, at=at, ways=[Notification.Way.IN_APP])
    return len(clocks)

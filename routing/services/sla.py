"""The clock's work on promises: a reminder before one runs out, a breach when it has."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import (
    CharField,
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Value,
)
from django.db.models.functions import Cast, Coalesce, Concat, Greatest

from leads.events import record_event
from leads.models import Lead
from leads.models.lead import WORKING_STAGES
from routing.models import Notification, SlaClock
from routing.notices import BREACHED, ESCALATED, SOON, TAKEN, UNSEEN
from routing.services.causes import cause_of
from routing.services.concerned import concerned, leads_of
from routing.services.notify import tell
from routing.services.promise import stop_clock
from routing.services.route import pass_over

AT_ONCE = 100
MINUTE = timedelta(minutes=1)
# How often a lead is given on because nobody touched it.
MOST_HOPS = 2
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
        clock.breached_at, clock.cause = clock.due_at, cause_of(clock, lead)
        clock.save(update_fields=["breached_at", "cause"])
        data = {"clock": clock.pk, "due_at": clock.due_at.isoformat(), "cause": clock.cause}
        record_event(lead, "sla.breached", at=clock.due_at, by="clock", data=data)
        for person in concerned(lead):
            tell(person, BREACHED, f"breach:{clock.pk}", lead, at=at)
        return True


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


def acknowledge_due(at: datetime) -> int:
    """Clock: who was given a lead and has not acknowledged it is told again, and so is the team lead. Returns how many.

    A touch acknowledges as well.
    """
    due = SlaClock.objects.filter(stopped_at__isnull=True, ack_breached_at__isnull=True, ack_due_at__lte=at)
    return sum(_unacknowledged(pk, lead_id, at) for pk, lead_id in due.values_list("pk", "lead_id")[:AT_ONCE])


def _unacknowledged(clock_id: int, lead_id: int, at: datetime) -> bool:
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=lead_id)
        running = SlaClock.objects.filter(pk=clock_id, stopped_at__isnull=True, ack_breached_at__isnull=True)
        clock = running.filter(ack_due_at__lte=at).first()
        if clock is None:
            return False
        current = lead.assignments.filter(ends_at__isnull=True).first()
        if current is None or current.accepted_at is not None or not lead.is_working:
            SlaClock.objects.filter(pk=clock.pk).update(ack_due_at=None)
            return False
        SlaClock.objects.filter(pk=clock.pk).update(ack_breached_at=clock.ack_due_at)
        data = {"clock": clock.pk, "user": current.user_id}
        record_event(lead, "sla.unacknowledged", at=clock.ack_due_at or at, by="clock", data=data)
        for person in concerned(lead):
            # The way they had chosen has not reached them: now all there are.
            tell(person, UNSEEN, f"unseen:{clock.pk}:{current.pk}", lead, at=at, everywhere=True)
        return True


def escalate_due(at: datetime) -> int:
    """Clock: before a promise runs out the team lead is told, while something can still be done. Returns how many."""
    running = SlaClock.objects.filter(
        stopped_at__isnull=True,
        breached_at__isnull=True,
        escalated_at__isnull=True,
        policy__escalate_minutes__isnull=False,
        due_at__gt=at,
        due_at__lte=at + ExpressionWrapper(F("policy__escalate_minutes") * MINUTE, output_field=DurationField()),
        lead__stage__in=WORKING_STAGES,
    )
    clocks = list(running.select_related("lead__team", "lead__owner").order_by("due_at")[:AT_ONCE])
    for clock in clocks:
        with transaction.atomic():
            if not SlaClock.objects.filter(pk=clock.pk, stopped_at__isnull=True, escalated_at__isnull=True).update(
                escalated_at=at
            ):
                continue
            lead = Lead.objects.lock().get(pk=clock.lead_id)
            record_event(lead, "sla.escalated", at=at, by="clock", data={"clock": clock.pk})
            for person in leads_of(lead, or_any=True):
                tell(person, ESCALATED, f"escalated:{clock.pk}", lead, at=at)
    return len(clocks)


def reassign_due(at: datetime) -> int:
    """Clock: a lead whose promise ran out untouched goes to somebody else who works now. Returns how many.

    At most MOST_HOPS times, never to somebody who had it, and never into the waiting room: with nobody free it stays.
    """
    over = SlaClock.objects.filter(
        stopped_at__isnull=True,
        breached_at__isnull=False,
        reassigned__lt=MOST_HOPS,
        policy__reassign_minutes__isnull=False,
        lead__owner__isnull=False,
        lead__stage__in=WORKING_STAGES,
    ).annotate(
        over_at=ExpressionWrapper(
            Greatest(F("breached_at"), Coalesce(F("owned_at"), F("breached_at")))
            + F("policy__reassign_minutes") * MINUTE,
            output_field=DateTimeField(),
        )
    )
    found = list(over.filter(over_at__lte=at).order_by("over_at").values_list("pk", "lead_id")[:AT_ONCE])
    return sum(_give_on(clock_id, lead_id, at) for clock_id, lead_id in found)


def _give_on(clock_id: int, lead_id: int, at: datetime) -> bool:
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=lead_id)
        clock = SlaClock.objects.filter(pk=clock_id, stopped_at__isnull=True, reassigned__lt=MOST_HOPS).first()
        if clock is None or lead.owner is None or lead.first_touched_at or not lead.is_working or lead.is_history:
            return False
        before = lead.owner
        if not pass_over(lead, at):
            # Nobody else works now; asked again when the next minute has passed.
            return False
        SlaClock.objects.filter(pk=clock_id).update(reassigned=F("reassigned") + 1)
        tell(before, TAKEN, f"taken:{clock_id}:{clock.reassigned}", lead, at=at)
        return True

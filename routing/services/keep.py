"""Into the waiting room: leads that nobody could take yet get a keeper, a reason and a time to try again."""

from datetime import datetime, timedelta

from django.db.models import Q

from leadmgmt.core.permissions import ADMIN, TEAM_LEAD
from leads.events import record_event
from leads.models import Lead, User
from routing.models import Certificate, WaitingLead
from routing.services.plan import Plan

LEAST_PAUSE = timedelta(seconds=30)


def keep_waiting(lead: Lead, plan: Plan, wait: WaitingLead | None, certificate: Certificate | None) -> WaitingLead:
    """Put a locked lead into the waiting room, or leave it there until the next try."""
    wake_at = max(plan.wake_at or plan.at, plan.at + LEAST_PAUSE)
    if wait is not None:
        wait.wake_at, wait.reason, wait.pool = wake_at, plan.reason, plan.pool
        wait.certificate = certificate or wait.certificate
        wait.save(update_fields=["wake_at", "reason", "pool", "certificate"])
        return wait
    team_id = plan.pool.team_id if plan.pool else None
    wait = WaitingLead.objects.create(
        lead=lead,
        pool=plan.pool,
        certificate=certificate,
        keeper=keeper_of(team_id),
        reason=plan.reason,
        since=plan.at,
        wake_at=wake_at,
    )
    lead.routed_at, lead.team_id = plan.at, team_id or lead.team_id
    lead.save(update_fields=["routed_at", "team"])
    record_event(
        lead,
        "lead.waiting",
        at=plan.at,
        by="routing",
        data={
            "waiting": wait.pk,
            "reason": plan.reason,
            "wake_at": wake_at.isoformat(),
            "certificate": certificate.pk if certificate else None,
        },
    )
    return wait


def keeper_of(team_id: int | None) -> User | None:
    """Who answers for a waiting lead: the team's lead, else an admin."""
    active = User.objects.filter(is_active=True).order_by("pk")
    if team_id and (lead := active.filter(team_id=team_id, groups__name=TEAM_LEAD).first()):
        return lead
    return active.filter(Q(groups__name=ADMIN) | Q(is_superuser=True)).distinct().first()


def wake_waiting(at: datetime, *, pool_id: int | None = None) -> int:
    """Something has changed that may let somebody take a lead: try all (or a pool's) at once. Returns how many."""
    waiting = WaitingLead.objects.filter(left_at__isnull=True, wake_at__gt=at)
    if pool_id is not None:
        waiting = waiting.filter(pool_id=pool_id)
    return waiting.update(wake_at=at)

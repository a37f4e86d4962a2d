"""Telling people: on screen at once, by e-mail through a job. One occasion tells a person once on each way."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue
from leads.models import Lead, LeadEvent, Stage, User
from leads.services.storing import insert_new, update_one
from routing.models import Notification, WaitingLead
from routing.notices import ASSIGNED, TOUCHED, WAITING
from routing.services.ways import Going, ways_for

Way = Notification.Way


def tell(
    user: User,
    kind: str,
    occasion: str,
    lead: Lead | None,
    *,
    context: dict[str, Any] | None = None,
    at: datetime | None = None,
    ways: Iterable[str] | None = None,
    everywhere: bool = False,
) -> None:
    """Tell ``user`` about ``occasion`` (such as ``assignment:17``); a second call for it changes nothing.

    What is on screen counts as told with the caller's transaction. The words come from ``routing.notices`` by ``kind``
    (``context`` may carry ``title``, ``text`` and ``url`` for kinds without words of their own). The ways are those
    that the person has chosen, unless ``ways`` names them, or ``everywhere`` asks for all there are.
    """
    at = at or now()
    if not user.is_active:
        return
    going = [Going(way) for way in ways] if ways is not None else ways_for(user, kind, at, everywhere=everywhere)
    news = [
        Notification(
            occasion=occasion,
            user=user,
            way=one.way,
            lead=lead,
            kind=kind,
            context=context or {},
            status=Notification.Status.SENT if one.way == Way.IN_APP else Notification.Status.WAITING,
            created_at=at,
            sent_at=at if one.way == Way.IN_APP else None,
            next_try_at=one.at,
            is_digest=one.is_digest,
        )
        for one in going
    ]
    if not news:
        return
    later = {one.way for one in going if one.at is not None}
    for way, number in insert_new(news, "way").items():
        if way != Way.IN_APP and way not in later:
            enqueue("routing.tasks.deliver_notification", number)


def notify_owner(lead: Lead, event: LeadEvent) -> None:
    """Pipeline step: the new owner learns of the lead, unless they took it themselves."""
    owner = lead.owner
    if owner is None or owner.pk != event.data.get("user"):
        return
    at = now()
    if event.actor_id != owner.pk:
        tell(owner, ASSIGNED, f"assignment:{event.data.get('assignment')}", lead, at=at)
    if lead.notified_at is None:
        lead.notified_at = at
        update_one(lead, ("notified_at",))


def notify_touch(lead: Lead, event: LeadEvent) -> None:
    """Pipeline step: who works the lead learns that the person got in touch again."""
    person = lead.ae if lead.stage == Stage.OPPORTUNITY and lead.ae else lead.owner
    if person is not None and lead.is_open:
        tell(person, TOUCHED, f"touch:{event.pk}", lead)


def notify_waiting(lead: Lead, event: LeadEvent) -> None:
    """Pipeline step: the keeper learns that a lead waits."""
    wait = WaitingLead.objects.filter(pk=event.data.get("waiting"), left_at__isnull=True).first()
    if wait is not None and wait.keeper is not None:
        tell(wait.keeper, WAITING, f"waiting:{wait.pk}", lead, context={"reason": wait.reason})

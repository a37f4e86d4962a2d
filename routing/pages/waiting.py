"""The waiting room as a page."""

from dataclasses import dataclass

from django.db.models import Prefetch
from django.utils.translation import gettext as _

from leads.models import Lead, User
from routing.access import may_edit_pool
from routing.models import SlaClock, WaitingLead
from routing.services.assign import may_assign


@dataclass(frozen=True)
class WaitingLine:
    """A lead that waits: why, for whom, until when."""

    wait: WaitingLead
    reason: str
    clock: SlaClock | None
    may_retry: bool
    may_claim: bool


def waiting_lines(user: User) -> list[WaitingLine]:
    """What waits and this person may see, longest first."""
    running = SlaClock.objects.filter(stopped_at__isnull=True).select_related("policy")
    waits = (
        WaitingLead.objects.filter(left_at__isnull=True, lead__in=Lead.objects.visible_to(user))
        .select_related("lead__contact__company", "lead__source", "pool__team", "keeper")
        .prefetch_related(Prefetch("lead__sla_clocks", queryset=running, to_attr="running_clocks"))
        .order_by("since")
    )
    return [_line(wait, user) for wait in waits[:200]]


def _line(wait: WaitingLead, user: User) -> WaitingLine:
    clocks: list[SlaClock] = getattr(wait.lead, "running_clocks", [])
    may_retry = wait.keeper_id == user.pk or may_assign(user) or bool(wait.pool and may_edit_pool(user, wait.pool))
    return WaitingLine(wait, _(wait.reason), clocks[0] if clocks else None, may_retry, hasattr(user, "rep"))

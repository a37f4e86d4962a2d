"""Waiting until a kept submission's lead has an owner or sits in the waiting room."""

import time
from typing import Any
from uuid import UUID

from leads.models import Capture, Lead, LeadEvent

FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.2
ROUTED = ("lead.assigned", "lead.waiting")


def wait_until_routed(capture_id: UUID, seconds: float) -> dict[str, Any] | None:
    """What became of it, looked at again and again for at most ``seconds``; None where time runs out."""
    until, pause = time.monotonic() + seconds, FIRST_PAUSE
    while True:
        capture = Capture.objects.select_related("lead").get(pk=capture_id)
        if capture.lead is not None and _is_routed(capture.lead):
            # Read after the look at its events: what stood there before may have been the lead before its routing.
            lead = Lead.objects.select_related("owner").get(pk=capture.lead.pk)
            return {"status": capture.status, **routed_lead(lead)}
        if capture.status in Capture.ENDED or time.monotonic() + pause > until:
            return None
        time.sleep(pause)
        pause = min(LONGEST_PAUSE, pause * 1.3)


def routed_lead(lead: Lead) -> dict[str, Any]:
    """The lead as the waiting caller gets it; without an owner it is in the waiting room."""
    owner = lead.owner
    return {
        "lead": lead.pk,
        "stage": lead.stage,
        "score": {"fit": lead.fit, "engagement": lead.engagement, "grade": lead.grade},
        "owner": {"id": owner.pk, "name": str(owner), "email": owner.email} if owner else None,
        "assigned_at": lead.owned_at.isoformat() if lead.owned_at else None,
    }


def _is_routed(lead: Lead) -> bool:
    if lead.owner_id is not None or not lead.is_open:
        return True
    return LeadEvent.objects.filter(lead=lead, kind__in=ROUTED, recorded_at__gte=lead.captured_at).exists()

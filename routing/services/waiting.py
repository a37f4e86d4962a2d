"""Out of the waiting room: what waits is tried again when its time has come."""

from datetime import datetime

from django.db import transaction

from leadmgmt.core.clock import for_a_spell
from leads.configuration import looked_at_once
from leads.models import Lead
from routing.models import WaitingLead
from routing.services.own import leave_waiting
from routing.services.route import is_routable, route_now

AT_ONCE = 25


def retry_waiting(at: datetime) -> int:
    """Clock: try to give away what waits, longest first. Returns how many leads were tried."""
    due = WaitingLead.objects.filter(left_at__isnull=True, wake_at__lte=at).order_by("since", "pk")
    tried = 0
    for lead_id in for_a_spell(list(due.values_list("lead_id", flat=True)[:AT_ONCE])):
        retry_lead(lead_id, at)
        tried += 1
    return tried


def retry_lead(lead_id: int, at: datetime) -> bool:
    """Route one waiting lead again; whether it has left the waiting room."""
    with transaction.atomic(), looked_at_once():
        lead = Lead.objects.lock().get(pk=lead_id)
        wait = WaitingLead.objects.filter(lead=lead, left_at__isnull=True).first()
        if wait is None:
            return False
        if not is_routable(lead):
            # Somebody closed it or took it meanwhile.
            return leave_waiting(lead, at=at)
        route_now(lead, at, wait)
        return not WaitingLead.objects.filter(lead=lead, left_at__isnull=True).exists()

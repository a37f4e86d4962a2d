"""A first touch that never happened: its promise runs again."""

from datetime import datetime

from leads.models import Lead
from routing.models import SlaClock


def withdraw_first_touch(lead: Lead, touched_at: datetime) -> bool:
    """Take back the touch noted at ``touched_at``. Returns whether it was the first one. Needs the lead's lock.

    The promise is due when it was; if it was broken meanwhile, the clock finds out.
    """
    if lead.first_touched_at != touched_at:
        return False
    lead.first_touched_at = None
    lead.save(update_fields=["first_touched_at"])
    clocks = SlaClock.objects.filter(lead=lead)
    kept = clocks.filter(touched_at=touched_at, stop_reason="touched").order_by("-pk").first()
    if kept is not None and not clocks.filter(stopped_at__isnull=True).exists():
        kept.touched_at, kept.stopped_at, kept.stop_reason = None, None, ""
        kept.save(update_fields=["touched_at", "stopped_at", "stop_reason"])
    return True

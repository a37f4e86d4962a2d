"""The first human touch: it keeps the promise."""

from datetime import datetime

from leads.models import Lead, User
from routing.services.promise import stop_clock


def note_first_touch(lead: Lead, at: datetime, by: User | None) -> bool:
    """A person of ours has been in touch. Stops the SLA clock; the first time only, which is what it returns.

    Needs the lead's lock. The owner's own touch also acknowledges the lead.
    """
    if lead.first_touched_at is not None:
        return False
    lead.first_touched_at = at
    lead.save(update_fields=["first_touched_at"])
    stop_clock(lead, at=at, reason="touched", touched=True)
    if by is not None:
        lead.assignments.filter(user=by, ends_at__isnull=True, accepted_at__isnull=True).update(accepted_at=at)
    return True

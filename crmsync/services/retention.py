"""What the sync has seen is not kept for ever (CRM_CONTRACT 2): what was decided stands in the audit.

A state that is seen again after its row was forgotten is stored anew, compared, and found to be known.
"""

from datetime import datetime, timedelta

from crmsync.models import Hint, InboxEvent

# As long as a conflict may be asked about, and as the comparisons of both sides are kept.
STATES_KEPT = timedelta(days=90)
HINTS_KEPT = timedelta(days=30)
AT_ONCE = 5000


def forget_old(at: datetime) -> int:
    """Clock: drop states and hints that were done with long ago, a part at a time. Returns how many."""
    states = InboxEvent.objects.filter(state=InboxEvent.State.DONE, received_at__lt=at - STATES_KEPT)
    hints = Hint.objects.filter(received_at__lt=at - HINTS_KEPT).exclude(done_at=None)
    count = 0
    for rows in (states, hints):
        old = list(rows.order_by("received_at").values_list("pk", flat=True)[:AT_ONCE])
        count += rows.model._default_manager.filter(pk__in=old).delete()[0]
    return count

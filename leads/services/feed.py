"""The durable feed of events: in order, never skipping one whose transaction commits late.

Numbers are given out before transactions commit, so a higher one may be visible before a lower one. A trigger on the
table (see the migration `event_feed`) has each writing transaction hold a shared advisory lock whose key carries the
sequence's value from before its first insert. Events up to the lowest of these values are complete: whoever is not
seen holding a lock yet will get numbers above the sequence's value as read before looking at the locks.
"""

from dataclasses import dataclass

from django.db import connection

from leads.models import Lead, LeadEvent, User

# The upper 24 bits of the key; the lower 40 are the sequence's value.
FEED_TAG = 0x6C6D66

# One statement would look at locks and sequence in no fixed order.
_LAST = "SELECT last_value - (NOT is_called)::int FROM leads_leadevent_id_seq"
_HELD = """
    SELECT min((classid::bigint & 255) << 32 | objid::bigint) FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 8 = %s AND pid <> pg_backend_pid()
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def complete_up_to() -> int:
    """The number up to which no event can appear any more."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST)
        last: int = cursor.fetchone()[0]
        cursor.execute(_HELD, [FEED_TAG])
        held: int | None = cursor.fetchone()[0]
    return last if held is None else min(last, held)


@dataclass(frozen=True)
class Page:
    """Some events, and the cursor to go on with; ``more``: there are further ones already."""

    events: list[LeadEvent]
    next: int
    more: bool


def events_after(user: User, cursor: int, limit: int) -> Page:
    """The next events that this person may see, oldest first."""
    safe = complete_up_to()
    seen = LeadEvent.objects.filter(pk__gt=cursor, pk__lte=safe, lead__in=Lead.objects.visible_to(user))
    events = list(seen.select_related("actor").order_by("pk")[: limit + 1])
    if len(events) > limit:
        return Page(events[:limit], events[limit - 1].pk, more=True)
    return Page(events, max(cursor, safe), more=False)

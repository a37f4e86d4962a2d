"""Updates whose answer was lost, at a CRM that cannot be told which version a write is meant for.

Such an update may still arrive for as long as the CRM works on what we have given up (`max_in_flight`, minutes). The
same values may be sent again at once: whichever of the two arrives last, the record ends alike. Another value has to
wait, or the late one would undo it (CRM_CONTRACT 5.3).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db.models import F

from crmsync.adapters.base import Adapter, SetStage
from crmsync.adapters.errors import Ambiguous, PartialWrite, Unavailable
from crmsync.canonical import digest
from crmsync.models import Link
from crmsync.services.plan import Plan


def waits(link: Link, plan: Plan, adapter: Adapter, at: datetime) -> datetime | None:
    """Until when this write has to wait for an earlier one, None if it may go now."""
    until = link.unsettled_until
    if until is None or until <= at or adapter.capabilities().compare_and_set:
        return None
    said = _fingerprint(plan)
    return None if said and said == link.unsettled_values else until


@contextmanager
def kept(link: Link, plan: Plan, adapter: Adapter, at: datetime) -> Iterator[None]:
    """Note on the link that the write within has no certain answer, where that is so."""
    try:
        yield
    except (Ambiguous, Unavailable, PartialWrite):
        can = adapter.capabilities()
        if link.remote_id and not can.compare_and_set:
            mine = Link.objects.filter(pk=link.pk)
            mine.filter(unsettled_until__lte=at).update(unsettled_until=None, unsettled_tries=0)
            mine.update(
                unsettled_until=at + can.max_in_flight,
                unsettled_values=_fingerprint(plan),
                unsettled_tries=F("unsettled_tries") + 1,
            )
        raise


def arrived(link: Link) -> None:
    """A look has found the values there. If they were sent once, nothing is on its way any more."""
    Link.objects.filter(pk=link.pk, unsettled_tries=1).update(
        unsettled_until=None, unsettled_values="", unsettled_tries=0
    )


def _fingerprint(plan: Plan) -> str:
    """What a write says, empty for steps in a process: to go one twice may be another thing than to go it once."""
    return "" if isinstance(plan.command, SetStage) else digest(plan.values)

"""Deciding on what was held: released, or confirmed as spam; and how often holding was wrong."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leadmgmt.core.shares import wilson
from leads.channels.base import SetAside
from leads.models import Capture, Listed, User
from leads.normalise.company import registered_domain
from leads.normalise.email import InvalidAddress, read_address
from leads.normalise.phone import read_phone
from leads.normalise.refusal import Refused
from leads.services.capture import read_kept, release
from leads.suppression import forget_what_it_said

# Nobody looks back further; what is older counts as confirmed.
FORGOTTEN_AFTER = timedelta(days=30)
# Fewer decisions say nothing about a share.
LEAST_DECIDED = 20
SPAM = "spam"


@dataclass(frozen=True)
class Rate:
    """False alarms of one reason: released of decided, with a 95 % interval (Wilson 1927)."""

    code: str
    released: int
    decided: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Released of decided."""
        return self.released / self.decided if self.decided else 0.0

    @property
    def is_told(self) -> bool:
        """Whether enough was decided to speak of a share."""
        return self.decided >= LEAST_DECIDED


def rates(since: datetime) -> list[Rate]:
    """How often holding was wrong, by reason, of what came in since then."""
    decided = Q(released_at__isnull=False) | Q(status=Capture.Status.REFUSED)
    rows = (
        Capture.objects.filter(decided, received_at__gte=since)
        .exclude(verdict="")
        .order_by()
        .values_list("verdict")
        .annotate(released=Count("pk", filter=Q(released_at__isnull=False)), decided=Count("pk"))
    )
    return sorted(
        (Rate(code, released, count, *wilson(released / count, count)) for code, released, count in rows),
        key=lambda rate: (-rate.decided, rate.code),
    )


def let_go(capture_id: UUID | str, *, by: User, always: bool = False) -> Capture:
    """Release one; ``always``: whoever sent it is never held again."""
    capture = Capture.objects.select_related("channel").get(pk=capture_id)
    if always and (sender := sender_of(capture)):
        list_sender(Listed.Kind.EMAIL, sender, Listed.Verdict.ALLOW, by=by)
    return release(capture_id, by=by)


def confirm(capture_ids: Iterable[UUID | str], *, by: User | None, block: bool = False) -> int:
    """It was spam: refused for good. ``block``: whoever sent it is held at once from now on. Returns how many."""
    at, count = now(), 0
    for key in capture_ids:
        with transaction.atomic():
            rows = Capture.objects.select_for_update(of=("self",)).select_related("channel")
            capture = rows.filter(pk=key, status=Capture.Status.QUARANTINED).first()
            if capture is None:
                continue
            if block and by is not None and (sender := sender_of(capture)):
                list_sender(Listed.Kind.EMAIL, sender, Listed.Verdict.BLOCK, by=by)
            Capture.objects.filter(pk=key).update(
                status=Capture.Status.REFUSED,
                processed_at=at,
                problems=[{"field": SPAM, "detail": capture.error or _("Held as spam.")}],
            )
            forget_what_it_said([capture.pk])
            count += 1
    return count


def hold_again(capture_id: UUID | str) -> bool:
    """Take "it was spam" back; returns whether there was anything to take back."""
    rows = Capture.objects.filter(pk=capture_id, status=Capture.Status.REFUSED, problems__0__field=SPAM)
    return rows.update(status=Capture.Status.QUARANTINED, problems=[]) == 1


def confirm_old(at: datetime) -> int:
    """Clock: what nobody looked at for a month is spam. Returns how many."""
    old = Capture.objects.filter(status=Capture.Status.QUARANTINED, received_at__lt=at - FORGOTTEN_AFTER)
    return confirm(list(old.values_list("pk", flat=True)[:200]), by=None)


def sender_of(capture: Capture) -> str:
    """The address of whoever sent it, empty where none can be read."""
    try:
        return read_kept(capture).email.lower()
    except (Refused, SetAside):
        return ""


def list_sender(kind: str, value: str, verdict: str, *, by: User | None, note: str = "") -> Listed:
    """Block or allow; what was said before is replaced. Raises InvalidInput for a value that is none."""
    clean = _clean(kind, value)
    listed, _made = Listed.objects.update_or_create(
        kind=kind, value=clean, defaults={"verdict": verdict, "note": note[:200], "at": now(), "by": by}
    )
    return listed


def _clean(kind: str, value: str) -> str:
    value = value.strip()
    found = value.lower()
    if kind == Listed.Kind.EMAIL:
        try:
            found = read_address(value).written.lower()
        except InvalidAddress as error:
            raise InvalidInput(str(error), fields={"value": str(error)}) from None
    elif kind == Listed.Kind.DOMAIN:
        found = value.lower().rpartition("@")[2] if registered_domain(value) else ""
    elif kind == Listed.Kind.PHONE:
        found = read_phone(value, "").e164
    if not found:
        message = _("This cannot be read as what it is said to be.")
        raise InvalidInput(message, fields={"value": message})
    return found[:254]

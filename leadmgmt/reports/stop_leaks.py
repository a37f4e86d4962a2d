"""Doing something about leads that run out, for all of one kind at once; each lead is its own change."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.timezone import get_default_timezone, localtime
from django.utils.translation import gettext as _

from crmsync.models import Handoff
from crmsync.services.handoff import LATE
from leadmgmt.core.errors import DomainError, InvalidInput
from leadmgmt.core.now import now
from leadmgmt.reports.filters import Filters
from leadmgmt.reports.leaks import KINDS, leaks_of
from leadmgmt.reports.leaks_words import LEAKS
from leads.models import Lead, User
from qualification.services.recycle import wake_on_day
from routing.services.assign import hand_back
from routing.services.notify import tell
from routing.services.waiting import retry_lead

STUCK = "leak.stuck"
AT_ONCE = 200
# So many wake up on one day, so that nobody's queue is flooded.
A_DAY = 25


@dataclass(frozen=True)
class Outcome:
    """How many were changed, how many were left alone and why, and how many are still to be done."""

    done: int
    left: int
    why: str
    rest: int


def stop_leaks(
    filters: Filters, kind: str, *, by: User, day: date | None = None, at: datetime | None = None
) -> Outcome:
    """Do what `LEAKS` says about leads of this kind, oldest first, at most AT_ONCE.

    ``day``: for recycled leads without a date, the first of the days on which they wake up. Raises InvalidInput.
    """
    at = at or now()
    if kind not in KINDS:
        raise InvalidInput(_("There is no such leak."), fields={"kind": _("Choose one of those shown.")})
    if kind == "dateless" and (day is None or day <= localtime(at, get_default_timezone()).date()):
        raise InvalidInput(_("Say from which day on."), fields={"day": _("Choose a day from tomorrow on.")})
    found = leaks_of(filters, kind)
    count = found.count()
    leads = list(found.order_by("captured_at", "pk")[:AT_ONCE])
    done, refused = 0, ""
    for place, lead in enumerate(leads):
        try:
            done += _DO[kind](lead, by, at, (day or at.date()) + timedelta(days=place // A_DAY))
        except DomainError as error:
            refused = str(error)
    return Outcome(done, len(leads) - done, refused, count - len(leads))


def _route(lead: Lead, by: User, at: datetime, _day: date) -> bool:
    hand_back(lead.pk, by=by, reason=str(LEAKS["untouched"][0]), at=at)
    return True


def _retry(lead: Lead, _by: User, at: datetime, _day: date) -> bool:
    return retry_lead(lead.pk, at)


def _remind_rep(lead: Lead, _by: User, at: datetime, _day: date) -> bool:
    if lead.owner is None:
        return False
    tell(lead.owner, STUCK, f"stuck:{lead.pk}:{at:%Y-%m-%d}", lead, at=at)
    return True


def _remind_ae(lead: Lead, _by: User, at: datetime, _day: date) -> bool:
    late: Iterable[Handoff] = Handoff.objects.undecided().filter(opportunity__lead=lead).select_related("ae")
    for handoff in late:
        tell(handoff.ae, LATE, f"handoff-late:{handoff.pk}:{at:%Y-%m-%d}", lead, context={"handoff": handoff.pk}, at=at)
    return True


def _wake(lead: Lead, by: User, at: datetime, day: date) -> bool:
    wake_on_day(lead.pk, day, by=by, at=at)
    return True


_DO: dict[str, Callable[[Lead, User, datetime, date], bool]] = {
    "untouched": _route,
    "unowned": _route,
    "waiting": _retry,
    "stuck": _remind_rep,
    "undecided": _remind_ae,
    "dateless": _wake,
}

"""On which ways somebody is told of a kind of news, and when: their own choice, quiet hours, digests."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from leads.configuration import Kept
from leads.models import User
from routing.hours import known_zone
from routing.models import Messenger, Notification, NotifyPreference
from routing.notices import BREACHED, ESCALATED, TAKEN, UNSEEN

Way = Notification.Way
USUAL = (Way.IN_APP, Way.EMAIL)
BY_MESSENGER = (Way.SLACK, Way.TEAMS)
# What cannot wait for the morning.
URGENT = frozenset({BREACHED, UNSEEN, ESCALATED, TAKEN})
DIGEST = "digest"


@dataclass(frozen=True)
class Going:
    """One way on which a piece of news goes; ``at``: not before."""

    way: str
    at: datetime | None = None
    is_digest: bool = False


def _load_preferences() -> dict[int, NotifyPreference]:
    return {one.user_id: one for one in NotifyPreference.objects.all()}


def _load_messengers() -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for user, kind in Messenger.objects.filter(dead_at__isnull=True).values_list("user", "kind"):
        found.setdefault(user, set()).add(kind)
    return found


_preferences = Kept(_load_preferences, "routing_notifypreference")
_messengers = Kept(_load_messengers, "routing_messenger")


def ways_for(user: User, kind: str, at: datetime, *, everywhere: bool = False) -> list[Going]:
    """How this person is told. ``everywhere``: on every way there is and at once, as they did not answer on theirs."""
    has = _messengers().get(user.pk, set())
    if everywhere:
        return [Going(way) for way in (*USUAL, *(way for way in BY_MESSENGER if way.value in has))]
    chosen = _preferences().get(user.pk)
    wanted = chosen.ways.get(kind) if chosen else None
    if not isinstance(wanted, list):
        wanted = [*USUAL, *has]
    quiet = None if kind in URGENT or chosen is None else quiet_until(chosen, user, at)
    found = [
        Going(way, None if way == Way.IN_APP else quiet)
        for way in (Way.IN_APP, Way.EMAIL, *BY_MESSENGER)
        if way.value in wanted and (way not in BY_MESSENGER or way.value in has)
    ]
    if DIGEST in wanted and chosen is not None:
        found = [one for one in found if one.way != Way.EMAIL]
        found.append(Going(Way.EMAIL, next_digest(chosen, user, at), is_digest=True))
    return found


def quiet_until(chosen: NotifyPreference, user: User, at: datetime) -> datetime | None:
    """When the quiet hours that hold ``at`` end where the person is; None outside of them."""
    start, end = chosen.quiet_from, chosen.quiet_to
    if start is None or end is None or start == end:
        return None
    local = at.astimezone(ZoneInfo(known_zone(user.time_zone)))
    clock = local.time().replace(tzinfo=None)
    is_quiet = start <= clock < end if start < end else clock >= start or clock < end
    return _next(local, end) if is_quiet else None


def next_digest(chosen: NotifyPreference, user: User, at: datetime) -> datetime:
    """When the next digest goes out."""
    return _next(at.astimezone(ZoneInfo(known_zone(user.time_zone))), chosen.digest_at or time(8))


def _next(local: datetime, wall: time) -> datetime:
    """The next instant at which a clock there shows this."""
    today = datetime.combine(local.date(), wall, local.tzinfo)
    return today if today > local else datetime.combine(local.date() + timedelta(days=1), wall, local.tzinfo)

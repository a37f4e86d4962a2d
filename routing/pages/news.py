"""News as a person reads it."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from leads.models import User
from routing.models import Notification, SlaClock
from routing.notices import notice_of

# A page that was just opened shows what happened this moment; the rest stands in the queue and the list of news.
JUST_NOW = timedelta(minutes=2)
MOST = 3
# What was begun before other news and is committed after them comes within this time.
LATE = timedelta(minutes=1)
# So many of them a page remembers; an address has no room for more.
KNOWN = 250
PLACE = re.compile(r"\d{1,18}(:\d{1,18}(\.\d{1,18}){0,249})?")


@dataclass(frozen=True)
class Place:
    """Where a page is in somebody's news: the newest it has heard of, and by number those of the last minute.

    Numbers are given when news are written and seen when they are committed: of two workers the one that began first
    may end last. Whoever remembered the newest number alone would miss that one.
    """

    newest: int = 0
    known: frozenset[int] = frozenset()

    @classmethod
    def read(cls, text: str) -> "Place | None":
        """What a page kept; None where it kept nothing, or nothing of ours."""
        if not PLACE.fullmatch(text):
            return None
        newest, _colon, known = text.partition(":")
        return cls(int(newest), frozenset(map(int, known.split("."))) if known else frozenset())

    def __str__(self) -> str:
        listed = ".".join(map(str, sorted(self.known)))
        return f"{self.newest}:{listed}" if listed else str(self.newest)


@dataclass(frozen=True)
class News:
    """One piece of news with its words and, where a promise runs, its clock."""

    notification: Notification
    title: str
    line: str
    clock: SlaClock | None


def news_of(notifications: QuerySet[Notification]) -> list[News]:
    """The news with what they speak of, in two queries."""
    related = ("lead__contact__company", "lead__source", "lead__owner")
    found = list(notifications.select_related(*related))
    running = SlaClock.objects.filter(lead__in=[one.lead_id for one in found], stopped_at__isnull=True)
    clocks = {clock.lead_id: clock for clock in running}
    return [_told(one, clocks.get(one.lead_id or 0)) for one in found]


def _told(notification: Notification, clock: SlaClock | None) -> News:
    notice = notice_of(notification)
    return News(notification, notice.title(notification), notice.line(notification), clock)


def news_after(user: User, place: Place | None, at: datetime) -> tuple[list[News], Place | None]:
    """What a page at ``place`` shows next, and where it is then: None where there is nothing new for it.

    A page that was just opened has no place yet and gets one.
    """
    # Read before the news themselves: what comes in between is told by the next answer.
    newest = place.newest if place else _newest(user)
    unseen = Notification.objects.filter(user=user, way=Notification.Way.IN_APP, seen_at__isnull=True)
    wanted = Q(pk__gt=place.newest) | Q(created_at__gte=at - LATE) if place else Q(created_at__gte=at - JUST_NOW)
    found = dict(unseen.filter(wanted).order_by("-pk").values_list("pk", "created_at")[:KNOWN])
    fresh = [pk for pk in found if not place or pk not in place.known]
    if not fresh and newest and place:
        return [], None
    known = frozenset(pk for pk, created_at in found.items() if created_at >= at - LATE)
    shown = news_of(Notification.objects.filter(pk__in=fresh[:MOST]).order_by("-pk"))
    return shown, Place(max([newest, *found]), known)


def _newest(user: User) -> int:
    """Where a page that has nothing to show goes on from."""
    mine = Notification.objects.filter(user=user, way=Notification.Way.IN_APP).order_by("-pk")
    return mine.values_list("pk", flat=True).first() or 0

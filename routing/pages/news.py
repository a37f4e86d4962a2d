"""News as a person reads it."""

from dataclasses import dataclass

from django.db.models import QuerySet

from routing.models import Notification, SlaClock
from routing.notices import notice_of


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

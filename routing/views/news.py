"""News on screen: what just happened for this person."""

import re
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from leadmgmt.core.now import now
from leadmgmt.core.streams import hand_over
from leadmgmt.core.web import is_partial
from leads.models import User
from routing.access import person
from routing.models import Notification
from routing.notices import notice_of
from routing.pages.news import news_of

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


@login_required
@require_GET
def news(request: HttpRequest) -> HttpResponse:
    """A fragment asked for every ten seconds: unseen news after the place ``after``; 204 if there is none.

    The first question of a page has no place yet and gets one.
    """
    user, place, at = person(request), Place.read(request.GET.get("after", "")), now()
    # Read before the news themselves: what comes in between is told by the next answer.
    newest = place.newest if place else _newest(user)
    unseen = Notification.objects.filter(user=user, way=Notification.Way.IN_APP, seen_at__isnull=True)
    late = Q(created_at__gte=at - LATE)
    wanted = Q(pk__gt=place.newest) | late if place else Q(created_at__gte=at - JUST_NOW)
    found = dict(unseen.filter(wanted).order_by("-pk").values_list("pk", "created_at")[:KNOWN])
    fresh = [pk for pk in found if not place or pk not in place.known]
    if not fresh and newest and place:
        return HttpResponse(status=204)
    known = frozenset(pk for pk, created_at in found.items() if created_at >= at - LATE)
    items = news_of(Notification.objects.filter(pk__in=fresh[:MOST]).order_by("-pk"))
    context = {"items": items, "cursor": str(Place(max([newest, *found]), known)), "at": at}
    return render(request, "routing/_news_items.html", context)


@login_required
@require_GET
def stream(request: HttpRequest) -> HttpResponse:
    """A stream of server-sent events that nudges the page when there is news; 204 ends it where none can be had."""
    hand_over(request.META, person(request).pk)
    return HttpResponse(status=204)


def _newest(user: User) -> int:
    """Where a page that has nothing to show goes on from."""
    mine = Notification.objects.filter(user=user, way=Notification.Way.IN_APP).order_by("-pk")
    return mine.values_list("pk", flat=True).first() or 0


@login_required
@require_POST
def notification_seen(request: HttpRequest, pk: int) -> HttpResponse:
    """Tick off one piece of news, and go where it leads unless it was only closed."""
    found = get_object_or_404(Notification.objects.select_related("lead"), pk=pk, user=person(request))
    same = Notification.objects.filter(user=found.user_id, occasion=found.occasion, seen_at__isnull=True)
    same.filter(way=Notification.Way.IN_APP).update(seen_at=now())
    if is_partial(request):
        return HttpResponse("")
    return redirect(notice_of(found).url(found))


@login_required
@require_GET
def notification_list(request: HttpRequest) -> HttpResponse:
    """All news of this person, newest first."""
    mine = Notification.objects.filter(user=person(request), way=Notification.Way.IN_APP).order_by("-created_at", "-pk")
    page = Paginator(mine, 50).get_page(request.GET.get("page"))
    shown = mine.filter(pk__in=[one.pk for one in page.object_list])
    context = {"items": news_of(shown), "page": page, "at": now()}
    return render(request, "routing/notifications.html", context)

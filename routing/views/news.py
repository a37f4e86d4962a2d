"""News on screen: what just happened for this person."""

from datetime import timedelta

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
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


@login_required
@require_GET
def news(request: HttpRequest) -> HttpResponse:
    """A fragment asked for every ten seconds: unseen news after the cursor ``after``; 204 if there is none.

    The first question of a page has no cursor yet and gets one.
    """
    user, after = person(request), request.GET.get("after", "")
    unseen = Notification.objects.filter(user=user, way=Notification.Way.IN_APP, seen_at__isnull=True)
    if after.isdigit() and len(after) < 19:
        cursor = int(after)
        unseen = unseen.filter(pk__gt=cursor)
    else:
        cursor = 0
        unseen = unseen.filter(created_at__gte=now() - JUST_NOW)
    # Read before the news themselves: what comes in between is told by the next answer.
    newest = cursor or _newest(user)
    items = news_of(unseen.order_by("-pk")[:MOST])
    if not items and cursor:
        return HttpResponse(status=204)
    newest = max((item.notification.pk for item in items), default=newest)
    context = {"items": items, "cursor": newest, "at": now()}
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

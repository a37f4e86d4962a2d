"""News on screen: what just happened for this person."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from leadmgmt.core.now import now
from leadmgmt.core.streams import hand_over
from leadmgmt.core.web import is_partial
from routing.access import person
from routing.models import Notification
from routing.notices import notice_of
from routing.pages.news import Place, news_after, news_of


@login_required
@require_GET
def news(request: HttpRequest) -> HttpResponse:
    """A fragment asked for every ten seconds: unseen news after the place ``after``; 204 if there is none.

    The first question of a page has no place yet and gets one.
    """
    at = now()
    items, place = news_after(person(request), Place.read(request.GET.get("after", "")), at)
    if place is None:
        return HttpResponse(status=204)
    return render(request, "routing/_news_items.html", {"items": items, "cursor": str(place), "at": at})


@login_required
@require_GET
def stream(request: HttpRequest) -> HttpResponse:
    """A stream of server-sent events that nudges the page when there is news; 204 ends it where none can be had."""
    hand_over(request.META, person(request).pk)
    return HttpResponse(status=204)


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

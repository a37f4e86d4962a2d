"""The saved views beside a list, and which one is open."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from qualification import access
from qualification.models import SavedView
from qualification.services.saved_views import kept_query, views_of

LISTS = {SavedView.Page.QUEUE: "qualification:queue", SavedView.Page.LEADS: "qualification:lead_list"}


@dataclass(frozen=True)
class View:
    """One of them."""

    row: SavedView
    url: str
    is_open: bool
    is_own: bool


@dataclass(frozen=True)
class Views:
    """All of a page. ``query``: the filters as they are, if there are any and no view is them."""

    page: str
    found: list[View]
    query: str
    has_team: bool


def saved_views(request: HttpRequest, page: str, rows: Iterable[SavedView] | None = None) -> Views:
    """The person's views of this page, and those of the team; ``rows`` where they were read already."""
    user, now = access.person(request), kept_query(request.GET.urlencode())
    address = reverse(LISTS[SavedView.Page(page)])
    known = views_of(user, page) if rows is None else rows
    found = [View(row, f"{address}?{row.query}", row.query == now, row.user_id == user.pk) for row in known]
    is_kept = any(one.is_open and one.is_own for one in found)
    return Views(page, found, "" if is_kept else now, user.team_id is not None)

"""Saving the filters that one comes back to."""

from collections.abc import Iterable
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Q, QuerySet
from django.db.models.functions import JSONObject
from django.http import QueryDict
from django.utils.translation import gettext as _

from leadmgmt.core.errors import InvalidInput
from leads.models import User
from qualification.models import SavedView

MOST = 30
COLUMNS = ("id", "user_id", "page", "name", "query", "for_team")
# What is of the moment, not of the view.
PASSING = ("page", "lead")


def kept_query(text: str) -> str:
    """The filters of an address, in one order whatever the order they were set in."""
    params = QueryDict(text)
    pairs = sorted((name, value) for name in params for value in params.getlist(name) if value and name not in PASSING)
    kept = QueryDict(mutable=True)
    for name, value in pairs:
        kept.appendlist(name, value)
    return kept.urlencode()


def views_of(user: User, page: str) -> QuerySet[SavedView]:
    """One's own views of a page, and those of one's team."""
    mine = Q(user=user)
    if user.team_id:
        mine |= Q(for_team=True, user__team=user.team_id)
    return SavedView.objects.filter(mine, page=page)


def views_column(user: User, page: str) -> ArraySubquery:
    """The same as a column of whatever is read anyway; `read_views` reads it."""
    rows = views_of(user, page)
    return ArraySubquery(rows.values(view=JSONObject(**{name: name for name in COLUMNS})))


def read_views(column: Iterable[dict[str, Any]]) -> list[SavedView]:
    """The views of a column."""
    return [SavedView(**one) for one in column]


def save_view(user: User, page: str, name: str, query: str, *, for_team: bool = False) -> SavedView:
    """Keep a view; one of the same name is replaced. Raises InvalidInput naming what to mend."""
    text, kept = " ".join(name.split())[:40], kept_query(query)
    wrong = {}
    if not text:
        wrong["name"] = _("Give the view a name.")
    if page not in SavedView.Page.values:
        wrong["page"] = _("This page has no views.")
    if not kept:
        wrong["query"] = _("Set a filter first: a view without one is the whole list.")
    elif len(kept) > 800:
        wrong["query"] = _("These are too many filters for a view.")
    elif SavedView.objects.filter(user=user, page=page).exclude(name=text).count() >= MOST:
        wrong["name"] = _("You have %(most)s views already; take one away first.") % {"most": MOST}
    if wrong:
        raise InvalidInput(next(iter(wrong.values())), fields=wrong)
    row, _made = SavedView.objects.update_or_create(
        user=user, page=page, name=text, defaults={"query": kept, "for_team": for_team and user.team_id is not None}
    )
    return row

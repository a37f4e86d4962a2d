"""Saving and taking away views of the queue and of the leads."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.messages import message_with_undo
from leadmgmt.core.permissions import ROLES, role_required
from leadmgmt.core.web import post_from
from qualification import access
from qualification.models import SavedView
from qualification.services.saved_views import save_view

PAGES = {SavedView.Page.QUEUE: "qualification:queue", SavedView.Page.LEADS: "qualification:lead_list"}


@role_required(*ROLES)
@post_from("qualification:lead_list")
def view_save(request: HttpRequest) -> HttpResponse:
    """Keep the filters under a name, and stay in the view."""
    # The way back of a view that was taken away has everything in its address.
    said = request.POST if "query" in request.POST else request.GET
    page = said.get("page", "")
    try:
        row = save_view(
            access.person(request),
            page,
            said.get("name", ""),
            said.get("query", ""),
            for_team=bool(said.get("for_team")),
        )
    except InvalidInput as error:
        messages.error(request, str(error))
        return _back(page, said.get("query", ""))
    messages.success(request, _("The view “%(name)s” is kept.") % {"name": row.name})
    return _back(row.page, row.query)


@role_required(*ROLES)
@post_from("qualification:lead_list")
def view_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one's own view away; it can be brought back at once."""
    row = get_object_or_404(SavedView, pk=pk, user=access.person(request))
    row.delete()
    said = {"page": row.page, "name": row.name, "query": row.query, "for_team": "on" if row.for_team else ""}
    back = f"{reverse('qualification:view_save')}?{urlencode(said)}"
    message_with_undo(request, _("The view “%(name)s” is gone.") % {"name": row.name}, back)
    return _back(row.page, row.query)


def _back(page: str, query: str) -> HttpResponse:
    name = PAGES[SavedView.Page(page)] if page in PAGES else "qualification:lead_list"
    return HttpResponseRedirect(f"{reverse(name)}?{query}" if query else reverse(name))

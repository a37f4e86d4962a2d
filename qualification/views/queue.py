"""The queue page: who is next, and why this one."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_GET

from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, SDR, TEAM_LEAD, has_role, role_required
from leadmgmt.core.web import is_partial
from leads.models import User
from qualification import access
from qualification.desk.asked import Asked, asked
from qualification.desk.day import day
from qualification.desk.kept_filter import keep_filter
from qualification.desk.ownership import takers
from qualification.desk.plan import plan
from qualification.desk.preview import preview
from qualification.desk.queue import MOST, NOT_TODAY, Row, arranged, first, my_leads, sections, tab_leads
from qualification.desk.queue_filter import QueueFilter, chips, filtered, read_filter, tabs
from qualification.desk.saved import saved_views
from qualification.desk.situation import situations
from qualification.models import SavedView
from routing.services.claims import pools_to_claim


@require_GET
@role_required(SDR, TEAM_LEAD, ADMIN)
def queue(request: HttpRequest) -> HttpResponse:
    """The whole page, its list (after a filter), or the pane of one lead (after a move)."""
    # A part of a page that is open already stays with that page's list, whatever another window asked for since.
    elsewhere = "" if is_partial(request) else keep_filter(request)
    if elsewhere:
        return HttpResponseRedirect(elsewhere)
    user, at, chosen, questions = access.person(request), now(), read_filter(request.GET), asked()
    lines, left = _lines(user, chosen, at, questions)
    today = day(user, at)
    number = _selected(lines, chosen)
    context = {
        "at": at,
        "day": today,
        "left": left,
        "total": left + today.worked,
        "tabs": tabs(today, chosen),
        "pools_to_claim": pools_to_claim(user),
        "filter": chosen,
        "chips": chips(lines, chosen, request.GET),
        "views": saved_views(request, SavedView.Page.QUEUE, today.views),
        "sections": sections(lines[:MOST]),
        "more": len(lines) > MOST,
        "takers": takers(user) if has_role(user, TEAM_LEAD, ADMIN) else None,
        "pane": preview(lines, number, user, at, today.deal_value, questions) if lines else None,
        "before": lines[number - 1].lead.pk if number else None,
        "after": lines[number + 1].lead.pk if number + 1 < len(lines) else None,
        "next_later": lines[0] if chosen.is_plain and lines and not left else None,
    }
    partial = is_partial(request) and request.htmx.target == "preview"  # type: ignore[attr-defined]  # set by HtmxMiddleware
    return render(request, "qualification/_preview.html" if partial else "qualification/queue.html", context)


def _lines(user: User, chosen: QueueFilter, at: datetime, questions: Asked) -> tuple[list[Row], int]:
    """The lines that the address asks for, and how many of the person's own leads want something today."""
    shown = list(first(filtered(tab_leads(user, chosen.tab), chosen), at)[: MOST + 1])
    mine = shown if chosen.is_plain else list(first(my_leads(user), at)[: MOST + 1])
    every = {lead.pk: lead for lead in (*shown, *mine)}
    standing = {one.lead.pk: one for one in situations(list(every.values()), at, questions)}
    left = sum(plan(standing[lead.pk]).group not in NOT_TODAY for lead in mine)
    return arranged([standing[lead.pk] for lead in shown]), left


def _selected(lines: list[Row], chosen: QueueFilter) -> int:
    return next((number for number, line in enumerate(lines) if line.lead.pk == chosen.lead), 0)

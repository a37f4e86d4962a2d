"""The queue page: who is next, and why this one."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, SDR, TEAM_LEAD, role_required
from leadmgmt.core.web import is_partial
from leads.querysets import LeadQuerySet
from qualification import access
from qualification.desk.day import day
from qualification.desk.plan import Group
from qualification.desk.preview import preview
from qualification.desk.queue import MOST, Row, my_leads, rows, sections, tab_leads
from qualification.desk.queue_filter import QueueFilter, chips, filtered, read_filter, tabs


@require_GET
@role_required(SDR, TEAM_LEAD, ADMIN)
def queue(request: HttpRequest) -> HttpResponse:
    """The whole page, its list (after a filter), or the pane of one lead (after a move)."""
    user, at, chosen = access.person(request), now(), read_filter(request.GET)
    leads: LeadQuerySet = tab_leads(user, chosen.tab)
    lines = rows(filtered(leads, chosen), at, MOST + 1)
    today = day(user, at)
    plain = chosen.tab == "mine" and not chosen.is_narrowed
    left = sum(line.plan.group is not Group.PAUSED for line in (lines if plain else rows(my_leads(user), at)))
    number = _selected(lines, chosen)
    pane = preview(lines, number, user, at, today.deal_value) if lines else None
    context = {
        "at": at,
        "day": today,
        "left": left,
        "total": left + today.worked,
        "tabs": tabs(today, chosen),
        "filter": chosen,
        "chips": chips(lines, chosen, request.GET),
        "sections": sections(lines[:MOST]),
        "more": len(lines) > MOST,
        "pane": pane,
        "before": lines[number - 1].lead.pk if number else None,
        "after": lines[number + 1].lead.pk if number + 1 < len(lines) else None,
        "next_paused": lines[0] if plain and lines and not left else None,
    }
    partial = is_partial(request) and request.htmx.target == "preview"  # type: ignore[attr-defined]  # set by HtmxMiddleware
    return render(request, "qualification/_preview.html" if partial else "qualification/queue.html", context)


def _selected(lines: list[Row], chosen: QueueFilter) -> int:
    return next((number for number, line in enumerate(lines) if line.lead.pk == chosen.lead), 0)

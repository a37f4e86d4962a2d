"""The pages of changes and of decisions: filtered by who, what and when; the changes also as CSV."""

import csv
from datetime import date, datetime, timedelta
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from leadmgmt.changes.decisions import DECISIONS, decisions_told
from leadmgmt.changes.told import told
from leadmgmt.changes.watched import AREAS, watched_tables
from leadmgmt.core.csv_cells import Echo, safe_row
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, role_required
from leads.models import Change, LeadEvent, User

PAGE = 60
MOST_ROWS = 20_000


@require_GET
@role_required(ADMIN)
def changes(request: HttpRequest) -> HttpResponse:
    """Who changed what in the configuration, before and after."""
    asked = _asked(request)
    page = Paginator(_changes(asked), PAGE).get_page(request.GET.get("page"))
    context = {"done": told(page.object_list), "areas": AREAS.items(), "page": page} | _shared(request, asked)
    return render(request, "leadmgmt/changes.html", context)


@require_GET
@role_required(ADMIN)
def changes_export(request: HttpRequest) -> StreamingHttpResponse:
    """The same as CSV, one line a field."""
    rows = told(_changes(_asked(request))[:MOST_ROWS])
    writer = csv.writer(Echo())
    head = [_("When"), _("Who"), _("What"), _("Name"), _("Act"), _("Field"), _("Before"), _("After")]

    def lines() -> Any:
        yield "\ufeff" + writer.writerow(head)
        for done in rows:
            who = done.actor.email if done.actor else ""
            for row in done.rows:
                begin = [done.at.isoformat(), who, str(row.word), row.name, row.change.get_act_display()]
                for one in row.differences:
                    before = one.before or "\n".join(text for sign, text in one.lines if sign == "-")
                    after = one.after or "\n".join(text for sign, text in one.lines if sign == "+")
                    yield writer.writerow(safe_row([*begin, one.label, before, after]))

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="changes.csv"'
    return response


@require_GET
@role_required(ADMIN)
def decisions(request: HttpRequest) -> HttpResponse:
    """What people decided about leads against or beside the rules, newest first."""
    asked = _asked(request)
    events = LeadEvent.objects.filter(kind__in=DECISIONS, actor__isnull=False)
    if asked["kind"] in DECISIONS:
        events = events.filter(kind=asked["kind"])
    if asked["person"]:
        events = events.filter(actor=asked["person"])
    events = _within(events, asked).select_related("actor", "lead__contact__company").order_by("-at", "-pk")
    page = Paginator(events, PAGE).get_page(request.GET.get("page"))
    context = {"told": decisions_told(page.object_list, now()), "kinds": DECISIONS.items(), "page": page}
    return render(request, "leadmgmt/decisions.html", context | _shared(request, asked))


def _asked(request: HttpRequest) -> dict[str, Any]:
    """What the address asks for; what cannot be read is as if it were not there."""
    get = request.GET
    person = get.get("who", "")
    return {
        "area": get.get("area", "") if get.get("area", "") in AREAS else "",
        "kind": get.get("kind", ""),
        "who": person,
        "person": User.objects.filter(pk=int(person)).first() if person.isdigit() else None,
        "q": get.get("q", "").strip()[:80],
        "from": _day(get.get("from", "")),
        "to": _day(get.get("to", "")),
    }


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _within(rows: QuerySet[Any], asked: dict[str, Any]) -> QuerySet[Any]:
    zone = get_current_timezone()
    if asked["from"]:
        rows = rows.filter(at__gte=datetime.combine(asked["from"], datetime.min.time(), zone))
    if asked["to"]:
        rows = rows.filter(at__lt=datetime.combine(asked["to"] + timedelta(days=1), datetime.min.time(), zone))
    return rows


def _changes(asked: dict[str, Any]) -> QuerySet[Change]:
    tables = watched_tables()
    shown = [name for name, one in tables.items() if not asked["area"] or one.area == asked["area"]]
    rows = Change.objects.filter(source__in=shown).select_related("actor")
    if asked["who"] == "nobody":
        rows = rows.filter(actor=None)
    elif asked["person"]:
        rows = rows.filter(actor=asked["person"])
    elif asked["who"] != "all":
        rows = rows.exclude(actor=None)
    if asked["q"]:
        said = [name for name, one in tables.items() if asked["q"].casefold() in str(one.word).casefold()]
        rows = rows.filter(Q(name__icontains=asked["q"]) | Q(source__in=said))
    found: QuerySet[Change] = _within(rows, asked).order_by("-pk")
    return found


def _shared(request: HttpRequest, asked: dict[str, Any]) -> dict[str, Any]:
    """What both pages need to show their filters."""
    people = User.objects.filter(is_active=True).order_by("first_name", "last_name", "email")
    return {"asked": asked, "people": people, "is_filtered": any(request.GET.values()), "at": now()}

"""The reports as pages and as files."""

from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.dateparse import parse_date as read_date
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from crmsync.models import Alert
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, MANAGER, MARKETING, REPORT_READERS, has_role, role_required
from leadmgmt.reports.acceptance import acceptance
from leadmgmt.reports.attribution import RESAMPLES, attribution
from leadmgmt.reports.attribution_page import groups_of, journey_url, largest
from leadmgmt.reports.attribution_words import attribution_sentence, basis, model_names
from leadmgmt.reports.by_criteria import by_criteria
from leadmgmt.reports.by_source import by_source
from leadmgmt.reports.clocks import clocks
from leadmgmt.reports.clocks_picture import picture as clocks_picture
from leadmgmt.reports.compared import FIGURES, compared
from leadmgmt.reports.compared_words import rows_of
from leadmgmt.reports.definitions import definitions_of
from leadmgmt.reports.files import as_csv, as_xlsx
from leadmgmt.reports.filters import Filters, read
from leadmgmt.reports.funnel import funnel
from leadmgmt.reports.funnel_picture import picture
from leadmgmt.reports.funnel_words import Sentence, sentence
from leadmgmt.reports.further_words import nurturing_sentence, scoring_sentence, syncing_sentence
from leadmgmt.reports.leak_history import history
from leadmgmt.reports.leaks import leaks
from leadmgmt.reports.leaks_words import LEAKS, leaks_sentence
from leadmgmt.reports.morning import morning
from leadmgmt.reports.morning_words import morning_sentence
from leadmgmt.reports.nurturing import nurturing
from leadmgmt.reports.options import choices, preset_links
from leadmgmt.reports.reading import reader
from leadmgmt.reports.scoring import scoring
from leadmgmt.reports.sources import sources, win_scale
from leadmgmt.reports.sources_words import sources_sentence
from leadmgmt.reports.speed import speed
from leadmgmt.reports.speed_picture import heat, heat_key, heat_rows
from leadmgmt.reports.speed_words import speed_sentence
from leadmgmt.reports.stop_leaks import stop_leaks
from leadmgmt.reports.subscriptions import SENTENCES, kept_query
from leadmgmt.reports.syncing import syncing
from leadmgmt.reports.tables import TABLES
from leadmgmt.reports.targets import targets
from leadmgmt.reports.team import team
from leadmgmt.reports.team_words import team_sentence
from leadmgmt.reports.work import work
from leads.models import Subscription
from routing.services.assign import may_assign

LEVELS = ("source", "campaign")
# Filters that say nothing to a report.
WITHOUT = {
    "attribution": ("source", "campaign"),
    "morning": ("source", "campaign", "rep"),
    "sync": ("source", "campaign", "rep", "team"),
}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_GET
@role_required(*REPORT_READERS)
def morning_page(request: HttpRequest) -> HttpResponse:
    """What changed, and what needs me?"""
    found = morning(read(request.GET, reader(request)))
    alerts = Alert.objects.filter(ended_at=None).select_related("connection")
    more = {"found": found, "sentence": morning_sentence(found), "alerts": alerts}
    more |= {"targets": targets(reader(request), now()), "may_aim": has_role(reader(request), MANAGER, ADMIN)}
    return _page(request, "morning", read(request.GET, reader(request)), more)


@require_GET
@role_required(*REPORT_READERS)
def funnel_page(request: HttpRequest) -> HttpResponse:
    """Where do leads go?"""
    found = funnel(read(request.GET, reader(request)))
    context = {
        "funnel": found,
        "picture": picture(found),
        "lines": by_source(found),
        "criteria_lines": by_criteria(found),
        "sentence": sentence(found),
    }
    return _page(request, "funnel", found.filters, context)


@require_GET
@role_required(*REPORT_READERS)
def speed_page(request: HttpRequest) -> HttpResponse:
    """How soon is a person in touch?"""
    found = speed(read(request.GET, reader(request)))
    context = {
        "speed": found,
        "clocks": clocks_picture(found.filters, clocks(found.filters)),
        "heat": heat(found),
        "heat_key": heat_key(),
        "heat_rows": heat_rows(found),
        "zone": settings.TIME_ZONE,
        "sentence": speed_sentence(found),
    }
    return _page(request, "speed", found.filters, context)


@require_GET
@role_required(*REPORT_READERS)
def sources_page(request: HttpRequest) -> HttpResponse:
    """What does each source earn?"""
    found = sources(read(request.GET, reader(request)), level_of(request))
    context = {
        "sources": found,
        "level": found.level,
        "win_scale": win_scale(found),
        "cost_url": cost_url(request),
        "sentence": sources_sentence(found),
    }
    return _page(request, "sources", found.filters, context)


@require_GET
@role_required(*REPORT_READERS)
def attribution_page(request: HttpRequest) -> HttpResponse:
    """Who earned it, and how sure is that?"""
    found = attribution(read(request.GET, reader(request)), level_of(request))
    context = {
        "found": found,
        "level": found.level,
        "groups": groups_of(found),
        "models": model_names(),
        "most": largest(found),
        "resamples": RESAMPLES,
        "lines": [(one, journey_url(found, one)) for one in found.channels],
        "won_url": journey_url(found),
        "basis": basis(),
        "sentence": attribution_sentence(found),
    }
    return _page(request, "attribution", found.filters, context)


@require_GET
@role_required(*REPORT_READERS)
def scoring_page(request: HttpRequest) -> HttpResponse:
    """Does the score tell?"""
    found = scoring(read(request.GET, reader(request)))
    return _page(request, "scoring", found.filters, {"found": found, "sentence": scoring_sentence(found)})


@require_GET
@role_required(*REPORT_READERS)
def sync_page(request: HttpRequest) -> HttpResponse:
    """How does the sync do?"""
    found = syncing(read(request.GET, reader(request)))
    return _page(request, "sync", found.filters, {"found": found, "sentence": syncing_sentence(found)})


@require_GET
@role_required(*REPORT_READERS)
def nurture_page(request: HttpRequest) -> HttpResponse:
    """Who comes back, and because of what?"""
    found = nurturing(read(request.GET, reader(request)))
    return _page(request, "nurture", found.filters, {"found": found, "sentence": nurturing_sentence(found)})


@require_http_methods(["GET", "POST"])
@role_required(*REPORT_READERS)
def leaks_page(request: HttpRequest) -> HttpResponse:
    """Where do leads run out, and what is done about it?"""
    filters = read(request.GET, reader(request))
    if request.method == "POST":
        return _stop_leaks(request, filters)
    found = leaks(filters)
    worst = max(found.leaks, key=lambda leak: leak.count)
    context = {
        "found": found,
        "history": history(filters),
        "words": LEAKS,
        "may_act": may_assign(reader(request)),
        "tomorrow": localdate() + timedelta(days=1),
        "sentence": leaks_sentence(found.total, found.working, worst.kind, worst.count),
    }
    return _page(request, "leaks", found.filters, context)


def _stop_leaks(request: HttpRequest, filters: Filters) -> HttpResponse:
    """Do what is to be done about one kind, and say what came of it."""
    user = reader(request)
    if not may_assign(user):
        raise PermissionDenied
    told = stop_leaks(filters, request.POST.get("kind", ""), by=user, day=_day(request))
    if told.done:
        messages.success(request, ngettext("%(n)d lead changed.", "%(n)d leads changed.", told.done) % {"n": told.done})
    if told.left:
        words = ngettext("%(n)d lead was left alone: %(why)s", "%(n)d leads were left alone: %(why)s", told.left)
        messages.warning(request, words % {"n": told.left, "why": told.why or _("it waits on.")})
    if told.rest:
        messages.info(request, _("%(n)d more are left; do it again.") % {"n": told.rest})
    return HttpResponseRedirect(f"{reverse('reports:leaks')}?{request.GET.urlencode()}")


def _day(request: HttpRequest) -> date | None:
    try:
        return read_date(request.POST.get("day", ""))
    except ValueError:
        return None


@require_GET
@role_required(*REPORT_READERS)
def team_page(request: HttpRequest) -> HttpResponse:
    """What does each rep make of what they receive?"""
    found = team(read(request.GET, reader(request)))
    more: dict[str, Any] = {"team": found, "sentence": team_sentence(found), "acceptance": acceptance(found.filters)}
    more["work"] = work(found.filters)
    return _page(request, "team", found.filters, more)


@require_GET
@role_required(*REPORT_READERS)
def export(request: HttpRequest, name: str, kind: str = "csv") -> HttpResponse:
    """A report's tables as one file, CSV or XLSX."""
    if name not in TABLES:
        raise Http404
    filters = read(request.GET, reader(request))
    if kind == "xlsx":
        response = HttpResponse(as_xlsx(name, filters, request.GET), content_type=XLSX)
    else:
        response = HttpResponse(as_csv(name, filters, request.GET), content_type="text/csv; charset=utf-8")
    period = "-".join(day.isoformat() for day in (filters.first, filters.last) if day) or "all-time"
    response["Content-Disposition"] = f'attachment; filename="{name}-{period}.{kind}"'
    return response


def level_of(request: HttpRequest) -> str:
    """Sources or their campaigns."""
    level = request.GET.get("level", "")
    return level if level in LEVELS else LEVELS[0]


def cost_url(request: HttpRequest) -> str:
    """Where cost is entered, for whom it opens to."""
    return reverse("source_costs") if has_role(reader(request), ADMIN, MARKETING, MANAGER) else ""


def _page(request: HttpRequest, name: str, filters: Filters, context: dict[str, Any]) -> HttpResponse:
    previous = filters.previous()
    beside = compared(name, filters)
    level = filters.address() + ("&level=campaign" if context.get("level") == "campaign" else "")
    frame = {
        "name": name,
        "filters": filters,
        "presets": preset_links(filters),
        "choices": choices(filters, but=WITHOUT.get(name, ())),
        "may_compare": name == "funnel" or name in FIGURES,
        "beside": beside,
        "compared": rows_of(beside.measures) if beside else [],
        "previous_label": previous.label if previous else "",
        "compare_on": filters.address(compares=True),
        "compare_off": filters.address(compares=False),
        "address": filters.address(),
        "export_url": f"{reverse('reports:export', args=[name])}{level}",
        "subscription": Subscription.objects.filter(
            user=reader(request), report=name, query=kept_query(request.GET)
        ).first(),
        "definitions": definitions_of(name),
        "rhythms": Subscription.Rhythm.choices,
        "reports": [(key, named()) for key, (named, _said) in SENTENCES.items()],
        "xlsx_url": f"{reverse('reports:export_xlsx', args=[name])}{level}",
    }
    if filters.first and filters.last and filters.first > filters.last:
        context["sentence"] = Sentence(_("The period ends before it begins."), _("Choose its days anew."))
    return TemplateResponse(request, f"reports/{name}.html", {**frame, **context})

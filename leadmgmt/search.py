"""One search over pages and leads: the palette's results, and a page of its own where no script runs."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET

from leadmgmt.core.web import is_partial
from leadmgmt.shell import NavItem, Shell
from leads.models import Lead

FIRST_LEADS, MOST_WORDS, LONGEST = 8, 6, 200


@login_required
@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """Pages whose name fits, and leads by name, company, e-mail or phone, the latest touch first."""
    query = " ".join(request.GET.get("q", "")[:LONGEST].split()[:MOST_WORDS])
    context = {"query": query, "pages": _pages(request, query), "leads": _leads(request, query)}
    return render(request, "leadmgmt/_search_results.html" if is_partial(request) else "leadmgmt/search.html", context)


def _pages(request: HttpRequest, query: str) -> list[NavItem]:
    items = [item for group in Shell(request).groups for item in group.items]
    return [item for item in items if query.casefold() in item.label.casefold()]


def _leads(request: HttpRequest, query: str) -> list[tuple[Lead, str]]:
    """Leads with their addresses; none before two characters are typed."""
    if len(query) < 2:
        return []
    visible = Lead.objects.visible_to(request.user).search(query).with_people().order_by("-last_touch_at", "-pk")
    return [(lead, _lead_url(lead)) for lead in visible[:FIRST_LEADS]]


def _lead_url(lead: Lead) -> str:
    try:
        return reverse("qualification:lead_detail", args=[lead.pk])
    except NoReverseMatch:
        return f"/leads/{lead.pk}/"

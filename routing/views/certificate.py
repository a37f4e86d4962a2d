"""Why a lead went where it went."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from leadmgmt.core.now import now
from leads.models import Lead, User
from routing.access import person
from routing.models import Certificate
from routing.notices import lead_url
from routing.pages import certificate as page
from routing.pages.timing import timing_of
from routing.services.inspect import document_of, verify_certificate


@login_required
@require_GET
def certificate(request: HttpRequest, pk: int) -> HttpResponse:
    """One decision: verdict, rules, candidates with gates, ledger, draw; run again as the page opens."""
    found = _visible(person(request), pk)
    is_current = found.lead.routed_at is not None and found.decided_at <= found.lead.routed_at
    read, unread = page.steps(found)
    lines = page.candidate_lines(found)
    context = {
        "at": now(),
        "certificate": found,
        "lead": found.lead,
        "lead_url": lead_url(found.lead_id),
        "verdict": page.verdict(found),
        "why_not_me": next((one for one in lines if one.user_id == request.user.pk and not one.is_chosen), None),
        "read": read,
        "unread": unread,
        "candidates": lines,
        "columns": page.column_titles(found),
        "after": page.after_words(found),
        "shares": page.draw_shares(found),
        "needle": f"{(found.draw.get('number') or 0) * 800:.1f}",
        "facts": page.facts_read(found),
        "verdict_now": verify_certificate(found),
        "timing": timing_of(found.lead) if is_current else None,
        "others": found.lead.certificates.exclude(pk=found.pk).order_by("decided_at"),
    }
    return render(request, "routing/certificate.html", context)


@login_required
@require_GET
def certificate_file(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole record as a file."""
    found = _visible(person(request), pk)
    response = JsonResponse(document_of(found), json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Disposition"] = f'attachment; filename="certificate-{pk}.json"'
    return response


def _visible(user: User, pk: int) -> Certificate:
    """A certificate is seen by who sees the lead."""
    related = ("lead__contact__company", "rule_set__published_by", "rule", "pool", "rep__user")
    certificates = Certificate.objects.select_related(*related)
    return get_object_or_404(certificates, pk=pk, lead__in=Lead.objects.visible_to(user))

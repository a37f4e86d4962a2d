"""Asking for a replay, watching it, and reading what it came to."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from leadmgmt.core.permissions import role_required
from leadmgmt.core.web import is_partial
from routing.access import EDITORS, may_edit_rules, person
from routing.models import ReplayRun, RuleSet
from routing.pages.replays import card_of, changed, loads
from routing.services.replays import ask_replay


@require_POST
@role_required(*EDITORS)
def draft_replay(request: HttpRequest) -> HttpResponse:
    """Have the draft replayed."""
    draft = get_object_or_404(RuleSet, status=RuleSet.Status.DRAFT)
    days = request.POST.get("days", "")
    ask_replay(draft.pk, by=person(request), days=int(days) if days.isdigit() and len(days) < 4 else 30)
    return redirect("routing:overview")


@login_required
@require_GET
def replay(request: HttpRequest, pk: int) -> HttpResponse:
    """A replay with the leads behind its figures; for htmx the card alone, while it is worked off."""
    if not may_edit_rules(person(request)):
        raise PermissionDenied
    run = get_object_or_404(ReplayRun.objects.select_related("rule_set", "asked_by"), pk=pk)
    card = card_of(run)
    if is_partial(request):
        return render(request, "routing/_replay.html", {"replay": card})
    context = {"replay": card, "loads": loads(card), "changed": changed(card, person(request))}
    return render(request, "routing/replay.html", context)

"""The rules as sentences, and trying a lead on them."""

from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from leadmgmt.core.errors import DomainError
from leadmgmt.core.now import now
from routing.access import may_edit_rules, may_publish, person
from routing.findings import STOP, findings_of
from routing.models import RuleSet
from routing.pages.pools import pool_lines, waiting_count
from routing.pages.replays import ReplayCard, card_of
from routing.pages.rules import changes, find_lead, lines_of, sets_for, stored_rules, taken_out, try_lead
from routing.services.canary import USUAL, trial_of
from routing.services.replays import newest_replay
from routing.services.seen import draft_mark


@login_required
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """The version that decides, or the draft for who prepares it; any other by ``?version=``."""
    return render(request, "routing/overview.html", overview_context(request, now()))


def overview_context(request: HttpRequest, at: datetime) -> dict[str, Any]:
    """What the page shows, also around an open rule."""
    user = person(request)
    version = request.GET.get("version", "")
    wanted = int(version) if version.isdigit() and len(version) < 9 else None
    sets = sets_for(wanted, sees_draft=may_edit_rules(user))
    if wanted is not None and sets.shown is None:
        raise Http404
    is_draft = sets.shown is not None and sets.shown == sets.draft
    rules, before = stored_rules(sets.shown), stored_rules(sets.published) if is_draft else []
    lines = lines_of(rules, at, against=before)
    findings = findings_of(sets.shown, rules) if sets.shown and is_draft else []
    stops = {finding.rule.pk: finding for finding in findings if finding.level == STOP and finding.rule}
    for line in lines:
        line.stop = stops.get(line.rule.pk)
    return {
        "at": at,
        "rule_set": sets.shown,
        "published": sets.published,
        "has_draft": sets.draft is not None,
        "is_draft": is_draft,
        "draft_mark": draft_mark(sets.shown, rules) if sets.shown and is_draft else "",
        "lines": lines,
        "changes": changes(lines, before),
        "taken_out": taken_out(lines, before) if is_draft else [],
        "findings": findings,
        "stops": sum(finding.level == STOP for finding in findings),
        "pools": pool_lines(at),
        "waiting_count": waiting_count(user),
        "may_edit": may_edit_rules(user),
        "may_publish": may_publish(user),
        "try_text": request.GET.get("try", ""),
        "replay": _replay(sets.shown) if is_draft else None,
        "canary": trial_of(sets.canary) if sets.canary else None,
        "usual_share": USUAL,
        **_trial(request, sets.shown, at),
    }


def _replay(rule_set: RuleSet | None) -> ReplayCard | None:
    """How the last replay of the draft stands."""
    run = newest_replay(rule_set)
    return card_of(run) if run else None


def _trial(request: HttpRequest, rule_set: RuleSet | None, at: datetime) -> dict[str, Any]:
    text = request.GET.get("try", "").strip()
    if not text or rule_set is None:
        return {}
    try:
        return {"trial": try_lead(rule_set, find_lead(text, person(request)), at)}
    except DomainError as error:
        return {"try_error": str(error)}


@login_required
@require_GET
def version_list(request: HttpRequest) -> HttpResponse:
    """Every version, newest first."""
    versions = RuleSet.objects.select_related("published_by", "created_by").exclude(status=RuleSet.Status.DRAFT)
    context = {"versions": versions, "at": now(), "may_publish": may_publish(person(request))}
    return render(request, "routing/versions.html", context)

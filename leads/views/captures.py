"""What came in: the log of a channel, one submission as it was sent and as we read it, and another try."""

import json

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from leadmgmt.core.kept_words import reworded
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, MARKETING, role_required
from leadmgmt.core.web import post_from
from leads.models import Capture, Channel
from leads.services.capture import replay
from leads.services.understood import understand
from leads.words import match_reason

PAGE = 50
# More at once would hold the page up; the rest is replayed with another click.
MOST_REPLAYED = 200


@require_GET
@role_required(ADMIN, MARKETING)
def channel_log(request: HttpRequest, slug: str) -> HttpResponse:
    """Everything that came through a channel, newest first."""
    channel = get_object_or_404(Channel, slug=slug)
    captures = Capture.objects.filter(channel=channel)
    counts = dict(captures.order_by().values_list("status").annotate(n=Count("pk")))
    status = request.GET.get("status", "")
    wanted = _search(captures.filter(status=status) if status in Capture.Status.values else captures, request)
    page = Paginator(wanted.select_related("lead__contact"), PAGE).get_page(request.GET.get("page"))
    context = {
        "channel": channel,
        "page": page,
        "status": status,
        "query": request.GET.get("q", ""),
        "states": [(value, label, counts.get(value, 0)) for value, label in Capture.Status.choices],
        "total": sum(counts.values()),
        "replayable": status in Capture.REPLAYABLE and counts.get(status, 0),
        "at": now(),
    }
    return render(request, "leads/channel_log.html", context)


def _search(captures: QuerySet[Capture], request: HttpRequest) -> QuerySet[Capture]:
    """By the person's address or name, or by the source's own id."""
    query = request.GET.get("q", "").strip()[:200]
    if not query:
        return captures
    return captures.filter(
        Q(external_id=query)
        | Q(contact__email__icontains=query)
        | Q(contact__last_name__istartswith=query)
        | Q(payload__email__icontains=query)
    )


@require_GET
@role_required(ADMIN, MARKETING)
def capture(request: HttpRequest, pk: str) -> HttpResponse:
    """One submission: what came, what we made of it, what became of it."""
    found = get_object_or_404(Capture.objects.select_related("channel", "lead__contact", "released_by"), pk=pk)
    context = {
        "capture": found,
        "raw": _pretty(found.payload),
        "fetched": _pretty(found.fetched) if found.fetched is not None else "",
        "context": sorted((name, str(value)) for name, value in found.context.items()),
        "understood": understand(found),
        "joined_by": match_reason(found.match_reason),
        "may_replay": found.status in Capture.REPLAYABLE,
        "at": now(),
    }
    return render(request, "leads/capture.html", context)


def _pretty(tree: object) -> str:
    return json.dumps(tree, indent=2, ensure_ascii=False)[:100_000]


@role_required(ADMIN, MARKETING)
@post_from("leads:capture", "pk")
def capture_replay(request: HttpRequest, pk: str) -> HttpResponse:
    """Read one again."""
    get_object_or_404(Capture, pk=pk)
    after = replay(pk)
    if after.status == Capture.Status.ACCEPTED:
        messages.success(request, _("It was read and has made or joined a lead."))
    else:
        messages.warning(request, f"{after.get_status_display()}: {reworded(after.error)}")
    return redirect("leads:capture", pk)


@role_required(ADMIN, MARKETING)
@post_from("leads:channel_log", "slug")
def log_replay(request: HttpRequest, slug: str) -> HttpResponse:
    """Read those of one state again, oldest first."""
    channel = get_object_or_404(Channel, slug=slug)
    status = request.POST.get("status", "")
    if status not in Capture.REPLAYABLE:
        messages.error(request, _("Choose what is to be read again: refused, failed, held or put aside ones."))
        return redirect("leads:channel_log", slug)
    rows = Capture.objects.filter(channel=channel, status=status).order_by("received_at")
    keys = list(rows.values_list("pk", flat=True)[:MOST_REPLAYED])
    done = sum(replay(key).status == Capture.Status.ACCEPTED for key in keys)
    told = ngettext("%(done)d of %(count)d is accepted now.", "%(done)d of %(count)d are accepted now.", len(keys)) % {
        "done": done,
        "count": len(keys),
    }
    messages.success(request, told)
    return redirect("leads:channel_log", slug)

"""Health of the sync, and what an admin does about dead letters and held records."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from crmsync.models import Conflict, Connection, InboxEvent, OutboxEntry
from crmsync.pages.health import health_page
from crmsync.services import repair
from crmsync.services.pull import PULL
from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, role_required
from leadmgmt.core.tasks import enqueue
from qualification.access import person


@require_GET
@role_required(ADMIN)
def health(request: HttpRequest) -> HttpResponse:
    """Does it work, and what is broken."""
    at = now()
    return TemplateResponse(request, "crmsync/health.html", {"health": health_page(at), "at": at})


@require_POST
@role_required(ADMIN)
def connection_pull(request: HttpRequest, connection_id: int) -> HttpResponse:
    """Read the CRM now instead of at the next poll."""
    connection = get_object_or_404(Connection, pk=connection_id)
    Connection.objects.filter(pk=connection.pk).update(breaker_open_until=None)
    enqueue(PULL, connection.pk)
    messages.success(request, _("%(crm)s is being read.") % {"crm": connection.name})
    return _back()


@require_POST
@role_required(ADMIN)
def entry_retry(request: HttpRequest, entry_id: int) -> HttpResponse:
    """Send a dead letter again."""
    get_object_or_404(OutboxEntry, pk=entry_id)
    count = repair.retry_entries([entry_id], by=person(request), at=now())
    _say(request, count, _("It is tried again."))
    return _back()


@require_POST
@role_required(ADMIN)
def entry_skip(request: HttpRequest, entry_id: int) -> HttpResponse:
    """Give an entry up for good, with a reason."""
    get_object_or_404(OutboxEntry, pk=entry_id)
    reason = request.POST.get("reason", "")[:500]
    count = repair.skip_entries([entry_id], by=person(request), reason=reason, at=now())
    _say(request, count, _("Skipped; the reason is in the audit."))
    return _back()


@require_POST
@role_required(ADMIN)
def inbox_retry(request: HttpRequest, event_id: int) -> HttpResponse:
    """Apply a held record again."""
    get_object_or_404(InboxEvent, pk=event_id)
    _say(request, repair.retry_inbox([event_id]), _("It is tried again."))
    return _back()


@require_POST
@role_required(ADMIN)
def conflict_resolve(request: HttpRequest, conflict_id: int) -> HttpResponse:
    """A person has seen the conflict."""
    get_object_or_404(Conflict, pk=conflict_id)
    repair.resolve_conflict(conflict_id, at=now())
    messages.success(request, _("Put away."))
    return _back()


def _say(request: HttpRequest, count: int, done: str) -> None:
    if count:
        messages.success(request, done)
    else:
        messages.warning(request, _("It has moved on meanwhile. Nothing was changed."))


def _back() -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("crmsync:health"))

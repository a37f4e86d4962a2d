"""Health of the sync, and what an admin does about dead letters and held records."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from crmsync.models import Conflict, Connection, InboxEvent, Link, OutboxEntry
from crmsync.pages.conflict import histories
from crmsync.pages.health import health_page
from crmsync.pages.panel import planned_entry
from crmsync.services import adopt, breaker, drift, repair, reunite
from crmsync.services.pull import PULL
from crmsync.setup_forms import NAMES
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
    breaker.forget(connection.pk)
    enqueue(PULL, connection.pk)
    messages.success(request, _("%(crm)s is being read.") % {"crm": connection.name})
    return _back()


@require_POST
@role_required(ADMIN)
def connection_compare(request: HttpRequest, connection_id: int) -> HttpResponse:
    """Compare both sides now instead of by night."""
    connection = get_object_or_404(Connection, pk=connection_id)
    drift.begin(connection)
    messages.success(
        request, _("%(crm)s is being compared; the result stands here in a while.") % {"crm": connection.name}
    )
    return _back()


@require_POST
@role_required(ADMIN)
def class_retry(request: HttpRequest, connection_id: int) -> HttpResponse:
    """Send everything again that failed in the same way."""
    get_object_or_404(Connection, pk=connection_id)
    count = repair.retry_class(connection_id, request.POST.get("error_class", ""), by=person(request))
    said = ngettext("%(n)s is tried again.", "%(n)s are tried again.", count)
    _say(request, count, said % {"n": count})
    return _back()


@require_GET
@role_required(ADMIN)
def entry_diff(request: HttpRequest, entry_id: int) -> HttpResponse:
    """What an entry would send now, field by field; asks nobody."""
    entry = get_object_or_404(OutboxEntry.objects.select_related("connection", "opportunity"), pk=entry_id)
    link = Link.objects.filter(connection=entry.connection, opportunity=entry.opportunity).first()
    planned = planned_entry(entry, link) if link else None
    fields = [(NAMES.get(name, name), was, will) for name, (was, will) in planned.changes.items()] if planned else []
    return TemplateResponse(request, "crmsync/_diff.html", {"fields": fields, "planned": planned, "link": link})


@require_POST
@role_required(ADMIN)
def entry_adopt(request: HttpRequest, entry_id: int) -> HttpResponse:
    """Take a record that stands in the CRM already, or have another one made."""
    get_object_or_404(OutboxEntry, pk=entry_id)
    kind, by = request.POST.get("kind", ""), person(request)
    if request.POST.get("another"):
        adopt.make_another(entry_id, kind, by=by)
    else:
        adopt.adopt_record(entry_id, kind, request.POST.get("remote_id", ""), by=by)
    messages.success(request, _("Taken. It is tried again."))
    return _back()


@require_GET
@role_required(ADMIN)
def conflict_history(request: HttpRequest, conflict_id: int) -> HttpResponse:
    """What stood on either side, when, and who wrote it."""
    conflict = get_object_or_404(Conflict.objects.select_related("link__connection"), pk=conflict_id)
    return TemplateResponse(request, "crmsync/_histories.html", {"both": histories(conflict), "at": now()})


@require_POST
@role_required(ADMIN)
def conflict_restore(request: HttpRequest, conflict_id: int) -> HttpResponse:
    """Give the value that lost its place back."""
    get_object_or_404(Conflict, pk=conflict_id)
    adopt.restore_conflict(conflict_id, by=person(request))
    messages.success(request, _("Given back; it is on its way."))
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
def link_decide(request: HttpRequest, link_id: int) -> HttpResponse:
    """Carry out what a person says about a deal that stands apart from its record."""
    get_object_or_404(Link, pk=link_id)
    reason = request.POST.get("reason", "")[:80]
    said = reunite.decide(link_id, request.POST.get("what", ""), by=person(request), reason=reason, at=now())
    messages.success(request, said)
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

"""For machines that watch: is the process alive, can it work, and how much is waiting."""

from collections.abc import Iterator

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from crmsync.figures import figures
from crmsync.models import OutboxEntry
from leadmgmt.core import queue
from leadmgmt.core.now import now
from leadmgmt.core.secrets import same
from leads.models import LeadEvent
from routing.models import Notification

# An empty address is a unix socket's: whoever reaches that is on this host.
LOCAL = {"127.0.0.1", "::1", ""}
OUTBOX_OPEN = (
    OutboxEntry.State.READY,
    OutboxEntry.State.LEASED,
    OutboxEntry.State.VERIFY,
    OutboxEntry.State.WAITING,
)
_migrated = False


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Touches nothing else: a database that is away is no reason to restart the web."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when requests can be served: the database answers and its tables are up to date. Otherwise 503 says why."""
    try:
        trouble = "" if _tables_are_current() else "migrations are missing"
    except DatabaseError:
        trouble = "the database does not answer"
    return JsonResponse({"ready": not trouble, "reason": trouble}, status=503 if trouble else 200)


def _tables_are_current() -> bool:
    """Migrations are compared once; from then on a short question shows that the database answers."""
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        return _migrated
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format: for this host without a proxy between, and for whoever has METRICS_TOKEN."""
    if not _may_read(request):
        return HttpResponseForbidden("Send METRICS_TOKEN as a bearer token.\n", content_type="text/plain")
    return HttpResponse("".join(_lines()), content_type="text/plain; version=0.0.4; charset=utf-8")


def _may_read(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        return same(request.headers.get("Authorization", ""), f"Bearer {settings.METRICS_TOKEN}")
    return request.META.get("REMOTE_ADDR", "") in LOCAL and "X-Forwarded-For" not in request.headers


def _lines() -> Iterator[str]:
    jobs = queue.state()
    pending = LeadEvent.objects.filter(needs_step=True, handled_at__isnull=True, parked_at__isnull=True)
    parked = LeadEvent.objects.filter(parked_at__isnull=False)
    unsent = Notification.objects.filter(status__in=(Notification.Status.WAITING, Notification.Status.SENDING))
    outbox = OutboxEntry.objects.filter(state__in=OUTBOX_OPEN)
    gauges: list[tuple[str, str, float]] = [
        ("queue_waiting", "Jobs that no worker has taken yet.", jobs.waiting),
        ("queue_taken", "Jobs that a worker has taken and not finished.", jobs.taken),
        ("queue_oldest_seconds", "How long the oldest waiting job has been ready.", jobs.oldest_seconds),
        ("events_pending", "Events whose step has not run.", pending.count()),
        ("events_parked", "Events whose step was given up.", parked.count()),
        ("notifications_unsent", "Notifications not sent yet.", unsent.count()),
        ("outbox_open", "Changes that the CRM does not have yet.", outbox.count()),
    ]
    for name, meaning, value in gauges:
        yield f"# HELP leadmgmt_{name} {meaning}\n# TYPE leadmgmt_{name} gauge\nleadmgmt_{name} {value:.3f}\n"
    for figure in figures(now()):
        yield f"# HELP leadmgmt_crm_{figure.name} {figure.meaning}\n# TYPE leadmgmt_crm_{figure.name} {figure.kind}\n"
        for labels, value in figure.values:
            said = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
            yield f"leadmgmt_crm_{figure.name}{{{said}}} {value:.3f}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

"""Where CRMs call us. Verified, stored, answered; what it leads to happens afterwards."""

import logging

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from crmsync.adapters.base import Adapter, RawRequest, RawResponse
from crmsync.adapters.errors import Malformed, WebhookRefused
from crmsync.adapters.registry import adapter_for, hook_secrets
from crmsync.models import Connection
from crmsync.services.hints import count_refusal, store_hints
from leadmgmt.core.errors import ConfigurationError

log = logging.getLogger(__name__)

MOST_BYTES = 1024 * 1024


@csrf_exempt
@require_POST
def hook(request: HttpRequest, connection: str, secret: str = "") -> HttpResponse:
    """One webhook of a CRM. 401 is for what is certainly forged; while our own keys cannot be read it is 503."""
    found = Connection.objects.filter(slug=connection).exclude(mode=Connection.Mode.OFF).first()
    if found is None:
        raise Http404
    if int(request.headers.get("Content-Length") or 0) > MOST_BYTES or len(request.body) > MOST_BYTES:
        return HttpResponse("The request is larger than 1 MB.", status=413, content_type="text/plain")
    try:
        adapter = adapter_for(found)
        secrets = hook_secrets(found)
    except ConfigurationError:
        return _plain(503, "The keys of this connection cannot be read just now.")
    try:
        return _answer(adapter, _raw(request), secrets, found)
    finally:
        adapter.close()


def _answer(adapter: Adapter, raw: RawRequest, secrets: list[str], connection: Connection) -> HttpResponse:
    if not secrets:
        return _plain(503, "This connection has no secret for webhooks yet.")
    try:
        hints = adapter.parse_webhook(raw, secrets)
    except WebhookRefused as error:
        # Counted by its reason; the body may hold anything, so none of it is kept.
        log.warning("webhook of connection %s refused: %s", connection.pk, type(error).__name__)
        count_refusal(connection, type(error).__name__)
        return _plain(400 if isinstance(error, Malformed) else 401, str(error))
    store_hints(connection, hints)
    return _from(adapter.webhook_reply(True))


def _raw(request: HttpRequest) -> RawRequest:
    """The request as the CRM made it: its address is the public one, whatever a proxy says."""
    url = f"{settings.PUBLIC_URL}{request.get_full_path()}"
    return RawRequest(request.method or "POST", url, dict(request.headers), request.body)


def _plain(status: int, said: str) -> HttpResponse:
    return HttpResponse(said, status=status, content_type="text/plain")


def _from(reply: RawResponse) -> HttpResponse:
    return HttpResponse(reply.body, status=reply.status, content_type=reply.content_type)

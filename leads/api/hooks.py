"""POST hooks/<channel>/: the door that other services call; GET answers their challenges."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from leadmgmt.core.errors import DomainError, NotPermitted
from leadmgmt.core.now import now
from leadmgmt.core.problems import CONTENT_TYPE, problem
from leads.api.body import read_bytes
from leads.channels import HOOKS
from leads.channels.base import Call, Delivery, Hook, Setup
from leads.models import Capture, Channel
from leads.services.capture import JOB, keep, keep_aside
from leads.services.credentials import setup_of

COUNTED = """
    INSERT INTO leads_channelerror (channel_id, hour, code, detail, count, last_at) VALUES (%s, %s, %s, %s, 1, %s)
    ON CONFLICT (channel_id, hour, code) DO UPDATE
    SET count = leads_channelerror.count + 1, detail = EXCLUDED.detail, last_at = EXCLUDED.last_at
"""


class NoSuchHook(DomainError):
    """No channel with a door has this name."""

    status = 404
    code = "not_found"


@csrf_exempt
def hook(request: HttpRequest, channel: str) -> HttpResponse:
    """Check a call, keep every submission in it, and answer as the service expects."""
    found: Channel | None = None
    try:
        found = _channel(channel)
        return _answer(request, found, HOOKS[found.kind])
    except DomainError as error:
        if found is not None:
            count_error(found, error)
        body = problem(error.status, str(error), code=error.code, fields=error.fields)
        return JsonResponse(body, status=error.status, content_type=CONTENT_TYPE)


def _channel(slug: str) -> Channel:
    found = Channel.objects.filter(slug=slug, kind__in=HOOKS).first()
    if found is None:
        raise NoSuchHook(_("No channel answers at this address."))
    if not found.is_active:
        raise NotPermitted(_("This channel is switched off."), code="channel_inactive")
    return found


def _answer(request: HttpRequest, channel: Channel, door: Hook) -> HttpResponse:
    setup = setup_of(channel)
    if request.method in ("GET", "HEAD"):
        return door.challenge(call_of(request, b""), setup)
    if request.method != "POST":
        body = problem(405, _("Only GET and POST are answered here."), code="method_not_allowed")
        return JsonResponse(body, status=405, content_type=CONTENT_TYPE, headers={"Allow": "GET, POST"})
    return take_call(channel, door, setup, call_of(request, read_bytes(request, settings.CAPTURE_MAX_BYTES)))


def take_call(channel: Channel, door: Hook, setup: Setup, call: Call) -> HttpResponse:
    """Check one call, keep what it brings and answer it; nothing of it is kept unless all of it is."""
    door.verify(call, setup)
    captures = _keep_all(channel, door.deliveries(call, setup))
    return door.answer(call, setup, captures)


def call_of(request: HttpRequest, body: bytes) -> Call:
    """The call as a hook sees it."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Call(request.method or "", request.build_absolute_uri(), request.GET.dict(), headers, body)


def _keep_all(channel: Channel, deliveries: Sequence[Delivery]) -> list[Capture]:
    with transaction.atomic():
        return [_keep(channel, one) for one in deliveries]


def _keep(channel: Channel, one: Delivery) -> Capture:
    told: dict[str, Any] = {
        "external_id": one.external_id,
        "idempotency_key": one.idempotency_key,
        "occurred_at": one.occurred_at,
        "context": one.context,
    }
    if one.aside is not None:
        return keep_aside(channel, one.payload, one.aside, **told).capture
    return keep(channel, one.payload, job=JOB, **told).capture


def count_error(channel: Channel, error: DomainError) -> None:
    """Count a call that was turned away, for the channel's health."""
    at = now()
    hour = at - timedelta(minutes=at.minute, seconds=at.second, microseconds=at.microsecond)
    with connection.cursor() as cursor:
        cursor.execute(COUNTED, [channel.pk, hour, error.code[:40], str(error)[:300], at])

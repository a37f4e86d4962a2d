"""One call to a channel's door: checked, kept whole or not at all, answered as the service expects."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.http import HttpResponse

from leadmgmt.core.errors import DomainError
from leadmgmt.core.now import now
from leads.channels.base import Call, Delivery, Hook, Setup
from leads.models import Capture, Channel
from leads.services.capture import JOB, keep, keep_aside

COUNTED = """
    INSERT INTO leads_channelerror (channel_id, hour, code, detail, count, last_at) VALUES (%s, %s, %s, %s, 1, %s)
    ON CONFLICT (channel_id, hour, code) DO UPDATE
    SET count = leads_channelerror.count + 1, detail = EXCLUDED.detail, last_at = EXCLUDED.last_at
"""


def take_call(channel: Channel, door: Hook, setup: Setup, call: Call) -> HttpResponse:
    """Check one call, keep what it brings and answer it; nothing of it is kept unless all of it is."""
    door.verify(call, setup)
    captures = _keep_all(channel, door.deliveries(call, setup))
    return door.answer(call, setup, captures)


def _keep_all(channel: Channel, deliveries: Sequence[Delivery]) -> list[Capture]:
    with transaction.atomic():
        return [keep_delivery(channel, one) for one in deliveries]


def keep_delivery(channel: Channel, one: Delivery) -> Capture:
    """Keep one submission and have a worker read it, unless it is put aside from the start."""
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

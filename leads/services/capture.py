"""One service for all doors: keep what came, then make a lead of it."""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from leadmgmt.core.backoff import next_try
from leadmgmt.core.errors import DomainError
from leadmgmt.core.now import now
from leadmgmt.core.places import place_of
from leadmgmt.core.queue import worked_off
from leadmgmt.core.tasks import enqueue_many, insert_and_enqueue
from leads.channels import read_payload
from leads.models import Capture, Channel
from leads.normalise import Problem, Submission, read_submission, surely_readable
from leads.normalise.refusal import Refused
from leads.normalise.text import storable_tree
from leads.services.attach import Item, attach
from leads.services.keys import SOURCE as KEY_SOURCE
from leads.services.keys import opened
from leads.services.storing import insertion

log = logging.getLogger(__name__)

JOB = "leads.tasks.process_capture"
MAX_ATTEMPTS = 8
COLLISIONS = 10
LATE = timedelta(seconds=10)
NUDGE_AGAIN = timedelta(seconds=60)


class KeyReused(DomainError):
    """The same Idempotency-Key came with another submission."""

    code = "idempotency_key_reused"


@dataclass(frozen=True)
class Receipt:
    """The kept submission; ``was_known``: it had come before and nothing new happened."""

    capture: Capture
    was_known: bool = False


def receive(
    channel: Channel,
    payload: Mapping[str, Any],
    *,
    received_at: datetime | None = None,
    occurred_at: datetime | None = None,
    idempotency_key: str = "",
    external_id: str = "",
    context: Mapping[str, Any] | None = None,
) -> Receipt:
    """Keep a submission and make a lead of it at once; raises Refused, KeyReused.

    The raw row is committed before anything is read from it (unless the caller has a transaction open).
    """
    receipt = keep(
        channel,
        payload,
        received_at=received_at,
        occurred_at=occurred_at,
        idempotency_key=idempotency_key,
        external_id=external_id,
        context=context,
    )
    capture = process_capture(receipt.capture.pk)
    raise_refusal(capture)
    return Receipt(capture, receipt.was_known)


def take_in(channel: Channel, payload: Mapping[str, Any], **kept: Any) -> Receipt:
    """Keep a submission and have a worker make a lead of it; takes what `receive` takes, raises what it raises.

    Row and job are one statement. Only then the submission is looked at, so that the answer can name what to mend.
    """
    return _look_at(keep(channel, payload, job=JOB, **kept))


def take_in_by_key(digest: str, payload: Mapping[str, Any], *, idempotency_key: str = "") -> Receipt:
    """`take_in` through the channel that a key opens, by the key's hash: the key is looked up in the same statement.

    Raises also WrongKey, NotPermitted.
    """
    capture = _capture(payload, idempotency_key=idempotency_key)
    from_key = replace(
        insertion(capture, taken={"channel_id": "source.channel_id"}, only_if="source.is_active"),
        source=KEY_SOURCE,
        source_values=[digest],
        columns=", source.*",
    )
    made, *found = insert_and_enqueue(from_key, JOB, str(capture.pk)) or (0,)
    capture.channel = opened(found or None)
    return _look_at(Receipt(capture) if made else Receipt(_known(capture), was_known=True))


def _look_at(receipt: Receipt) -> Receipt:
    capture = receipt.capture
    if receipt.was_known:
        raise_refusal(capture)
    elif not surely_readable(capture.payload):
        try:
            _read(capture)
        except Refused as refusal:
            _refuse(capture, refusal, now())
            refusal.capture_id = capture.pk
            raise
    return receipt


def refuse_as_spam(channel: Channel, payload: Mapping[str, Any], **kept: Any) -> Receipt:
    """Keep what a machine filled in, but make no lead of it; an admin may replay it."""
    receipt = keep(channel, payload, **kept)
    if not receipt.was_known:
        problem = Problem("", _("A field that no person sees was filled in."))
        _refuse(receipt.capture, Refused(problem.detail, [problem], code="spam"), now())
    return receipt


def keep(
    channel: Channel,
    payload: Mapping[str, Any],
    *,
    received_at: datetime | None = None,
    occurred_at: datetime | None = None,
    idempotency_key: str = "",
    external_id: str = "",
    context: Mapping[str, Any] | None = None,
    job: str = "",
) -> Receipt:
    """Write the raw row, or find the one that this delivery repeats. Raises KeyReused.

    ``job`` is enqueued with the row in one transaction.
    """
    capture = _capture(
        payload,
        received_at=received_at,
        occurred_at=occurred_at,
        idempotency_key=idempotency_key,
        external_id=external_id,
        context=context,
    )
    capture.channel = channel
    found = insert_and_enqueue(insertion(capture), job, str(capture.pk))
    if found and found[0]:
        return Receipt(capture)
    return Receipt(_known(capture), was_known=True)


def _capture(
    payload: Mapping[str, Any],
    *,
    received_at: datetime | None = None,
    occurred_at: datetime | None = None,
    idempotency_key: str = "",
    external_id: str = "",
    context: Mapping[str, Any] | None = None,
) -> Capture:
    """The row as it will be kept, without its channel."""
    at = received_at or now()
    raw: Any = storable_tree(dict(payload))
    return Capture(
        received_at=at,
        occurred_at=occurred_at or at,
        payload=raw,
        payload_hash=payload_hash(raw),
        idempotency_key=idempotency_key[:255],
        external_id=(external_id or _external_id(raw))[:255],
        context=storable_tree(dict(context or {})),
    )


def payload_hash(payload: Any) -> str:
    """The same for the same content, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(payload, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _external_id(payload: dict[str, Any]) -> str:
    value = payload.get("external_id")
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _known(capture: Capture) -> Capture:
    """The first delivery of the same; raises KeyReused where the key stands for something else."""
    rows = Capture.objects.select_related("channel").filter(channel=capture.channel)
    if capture.idempotency_key:
        first = rows.filter(idempotency_key=capture.idempotency_key).first()
        if first and first.payload_hash != capture.payload_hash:
            message = _("This Idempotency-Key was used for another submission.")
            raise KeyReused(message, fields={"Idempotency-Key": message})
        if first:
            return first
    return rows.get(external_id=capture.external_id, payload_hash=capture.payload_hash)


def process_capture(capture_id: UUID | str) -> Capture:
    """Make contact, lead, touchpoint and event of a kept capture. Safe to run twice and by several workers at once.

    Returns the capture as it stands then: accepted, refused with its problems, or failed with the error, to be tried
    again by `process_waiting`.
    """
    for _collision in range(COLLISIONS):
        try:
            with transaction.atomic():
                return _process(capture_id)
        except (IntegrityError, OperationalError) as error:
            # Somebody made the same contact or lead at the same instant, or two waited for each other: theirs is found.
            failure: Exception = error
        except Exception as error:
            failure = error
            break
    return _note_failure(capture_id, failure)


def _process(capture_id: UUID | str) -> Capture:
    capture = (
        Capture.objects.select_for_update(of=("self",)).select_related("channel", "channel__source").get(pk=capture_id)
    )
    if capture.status in (Capture.Status.ACCEPTED, Capture.Status.REFUSED):
        return capture
    at = now()
    try:
        found = _read(capture)
    except Refused as refusal:
        _refuse(capture, refusal, at)
        return capture
    attach([Item(capture, found, history=bool(capture.context.get("history")))], at=at)
    return capture


def _read(capture: Capture) -> Submission:
    return read_submission(
        read_payload(capture),
        received_at=capture.received_at,
        occurred_at=min(capture.occurred_at, capture.received_at),
    )


def _refuse(capture: Capture, refusal: Refused, at: datetime) -> None:
    capture.status, capture.error, capture.processed_at = Capture.Status.REFUSED, str(refusal), at
    capture.problems = [problem.as_json() for problem in refusal.problems]
    Capture.objects.filter(pk=capture.pk).exclude(status=Capture.Status.ACCEPTED).update(
        status=capture.status,
        error=capture.error,
        problems=capture.problems,
        processed_at=at,
        next_try_at=None,
    )


def raise_refusal(capture: Capture) -> None:
    """Say again why a capture was refused, if it was; in the language that is active now."""
    if capture.status != Capture.Status.REFUSED:
        return
    try:
        _read(capture)
        # Readable by now (the rules have changed since): the first answer stands until an admin replays it.
        raise Refused(capture.error, [Problem(one["field"], one["detail"]) for one in capture.problems])
    except Refused as refusal:
        refusal.capture_id = capture.pk
        raise


def _note_failure(capture_id: UUID | str, error: Exception) -> Capture:
    # The message stays in the row, which is as protected as the lead; a database's speaks of addresses.
    log.error("capture %s failed: %s", capture_id, place_of(error))
    at = now()
    with transaction.atomic():
        capture = Capture.objects.select_for_update(of=("self",)).select_related("channel").get(pk=capture_id)
        if capture.status == Capture.Status.ACCEPTED:
            return capture
        capture.attempts = max(capture.attempts, 1)
        capture.status, capture.error = Capture.Status.FAILED, f"{type(error).__name__}: {error}"
        capture.next_try_at = next_try(capture.attempts, at=at) if capture.attempts < MAX_ATTEMPTS else None
        capture.save(update_fields=["attempts", "status", "error", "next_try_at"])
        return capture


def process_waiting(at: datetime) -> int:
    """Nudge captures whose job was lost or whose retry is due. Returns how many.

    Each nudge counts as an attempt before it is made, so that a submission that kills its worker is given up at last.
    One that stands in a long queue has not been tried yet, and is left alone.
    """
    past = worked_off(at)
    forgotten = Q(status=Capture.Status.RECEIVED, received_at__lte=past - LATE) & (
        Q(next_try_at__isnull=True) | Q(next_try_at__lte=past)
    )
    due = Q(status=Capture.Status.FAILED, next_try_at__lte=past)
    with transaction.atomic():
        waiting = Capture.objects.select_for_update(of=("self",), skip_locked=True).filter(forgotten | due)
        ids = list(waiting.order_by("received_at").values_list("pk", flat=True)[:500])
        rows = Capture.objects.filter(pk__in=ids)
        rows.filter(attempts__gte=MAX_ATTEMPTS).update(status=Capture.Status.FAILED, next_try_at=None)
        alive = list(rows.filter(attempts__lt=MAX_ATTEMPTS).values_list("pk", flat=True))
        rows.filter(pk__in=alive).update(next_try_at=at + NUDGE_AGAIN, attempts=F("attempts") + 1)
        enqueue_many(JOB, map(str, alive))
    return len(alive)


def replay(capture_id: UUID | str) -> Capture:
    """An admin's retry of a failed or refused capture, with a clean count. An accepted one stays as it is."""
    Capture.objects.filter(pk=capture_id, status__in=[Capture.Status.FAILED, Capture.Status.REFUSED]).update(
        status=Capture.Status.RECEIVED, attempts=0, error="", problems=[], next_try_at=None
    )
    return process_capture(capture_id)

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
from leadmgmt.core.errors import ConfigurationError, DomainError, PermanentError
from leadmgmt.core.now import now
from leadmgmt.core.places import place_of
from leadmgmt.core.queue import worked_off
from leadmgmt.core.tasks import enqueue_many, insert_and_enqueue
from leads.channels import HOOKS, read_payload
from leads.channels.base import SetAside
from leads.configuration import looked_at_once
from leads.models import Capture, Channel, User
from leads.normalise import Problem, Submission, read_submission, surely_readable
from leads.normalise.refusal import Refused
from leads.normalise.text import storable_tree
from leads.screening import screen
from leads.services.attach import Item, attach
from leads.services.credentials import setup_of
from leads.services.keys import SOURCE as KEY_SOURCE
from leads.services.keys import opened
from leads.services.storing import insertion
from leads.suppression import VERDICT, forget_what_it_said, keep_erased, let_back

log = logging.getLogger(__name__)

JOB = "leads.tasks.process_capture"
MAX_ATTEMPTS = 8
COLLISIONS = 10
LATE = timedelta(seconds=10)
NUDGE_AGAIN = timedelta(seconds=60)


class KeyReused(DomainError):
    """The same Idempotency-Key came with another submission."""

    code = "idempotency_key_reused"


class _AnswerMissing(Exception):
    """The source has to be asked before the capture can be read."""


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
            read_kept(capture)
        except Refused as refusal:
            _refuse(capture, refusal, now())
            refusal.capture_id = capture.pk
            raise
        except SetAside as aside:
            _set_aside(capture, aside, now())
    return receipt


def keep_aside(channel: Channel, payload: Mapping[str, Any], aside: SetAside, **kept: Any) -> Receipt:
    """Keep a submission that is known to become no lead: a machine's, a test. An admin may release what is held."""
    receipt = keep(channel, payload, **kept)
    if not receipt.was_known:
        _set_aside(receipt.capture, aside, now())
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
        except _AnswerMissing as missing:
            failure: Exception = missing
            try:
                _ask_the_source(capture_id)
            except Exception as error:
                failure = error
                break
        except (IntegrityError, OperationalError) as error:
            # Somebody made the same contact or lead at the same instant, or two waited for each other: theirs is found.
            failure = error
        except Exception as error:
            failure = error
            break
    return _note_failure(capture_id, failure)


def _process(capture_id: UUID | str) -> Capture:
    capture = (
        Capture.objects.select_for_update(of=("self",)).select_related("channel", "channel__source").get(pk=capture_id)
    )
    if capture.status not in (Capture.Status.RECEIVED, Capture.Status.FAILED):
        return capture
    if capture.fetched is None and (hook := HOOKS.get(capture.channel.kind)) and hook.needs_answer(capture):
        raise _AnswerMissing
    at = now()
    try:
        found = read_kept(capture)
        if capture.released_at is None:
            with looked_at_once():
                keep_erased(capture, found)
                screen(capture, found)
        elif capture.verdict == VERDICT:
            let_back(found)
    except Refused as refusal:
        _refuse(capture, refusal, at)
        return capture
    except SetAside as aside:
        _set_aside(capture, aside, at)
        return capture
    attach([Item(capture, found, history=bool(capture.context.get("history")))], at=at)
    return capture


def _ask_the_source(capture_id: UUID | str) -> None:
    """Have the source tell what the webhook did not, and keep its answer. No transaction is open while it is asked."""
    capture = Capture.objects.select_related("channel").get(pk=capture_id)
    told = HOOKS[capture.channel.kind].fetch(capture, setup_of(capture.channel))
    Capture.objects.filter(pk=capture.pk, fetched__isnull=True).update(fetched=storable_tree(told))


def read_kept(capture: Capture) -> Submission:
    """What a kept submission says. Raises Refused, SetAside."""
    return read_submission(
        read_payload(capture),
        received_at=capture.received_at,
        occurred_at=min(capture.occurred_at, capture.received_at),
    )


def _refuse(capture: Capture, refusal: Refused, at: datetime) -> None:
    capture.status, capture.error, capture.processed_at = Capture.Status.REFUSED, str(refusal), at
    capture.problems = [problem.as_json() for problem in refusal.problems]
    if refusal.code == VERDICT:
        capture.verdict = VERDICT
    Capture.objects.filter(pk=capture.pk).exclude(status=Capture.Status.ACCEPTED).update(
        status=capture.status,
        verdict=capture.verdict,
        error=capture.error,
        problems=capture.problems,
        processed_at=at,
        next_try_at=None,
    )
    if refusal.code == VERDICT:
        forget_what_it_said([capture.pk])


def _set_aside(capture: Capture, aside: SetAside, at: datetime) -> None:
    capture.status, capture.verdict, capture.error = aside.status, aside.verdict, aside.detail
    capture.processed_at = at
    Capture.objects.filter(pk=capture.pk).exclude(status=Capture.Status.ACCEPTED).update(
        status=aside.status, verdict=aside.verdict, error=aside.detail, processed_at=at, next_try_at=None
    )


def raise_refusal(capture: Capture) -> None:
    """Say again why a capture was refused, if it was; in the language that is active now."""
    if capture.status != Capture.Status.REFUSED:
        return
    if capture.verdict == VERDICT:
        raise _first_refusal(capture)
    try:
        read_kept(capture)
        # Readable by now (the rules have changed since): the first answer stands until an admin replays it.
        raise _first_refusal(capture)
    except SetAside:
        raise _first_refusal(capture) from None
    except Refused as refusal:
        refusal.capture_id = capture.pk
        raise


def _first_refusal(capture: Capture) -> Refused:
    refusal = Refused(capture.error, [Problem(one["field"], one["detail"]) for one in capture.problems])
    refusal.capture_id = capture.pk
    return refusal


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
        # What another try cannot mend waits for an admin.
        is_lasting = isinstance(error, PermanentError | ConfigurationError) or capture.attempts >= MAX_ATTEMPTS
        capture.next_try_at = None if is_lasting else next_try(capture.attempts, at=at)
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
    """An admin's retry of a capture that made no lead, with a clean count. Accepted ones and tests stay as they are."""
    Capture.objects.filter(pk=capture_id, status__in=Capture.REPLAYABLE).update(
        status=Capture.Status.RECEIVED, attempts=0, error="", verdict="", problems=[], next_try_at=None
    )
    return process_capture(capture_id)


def release(capture_id: UUID | str, *, by: User) -> Capture:
    """Let a capture out of the quarantine: it was no spam, and is not screened again. Others stay as they are."""
    Capture.objects.filter(pk=capture_id, status=Capture.Status.QUARANTINED).update(
        status=Capture.Status.RECEIVED, attempts=0, error="", next_try_at=None, released_at=now(), released_by=by
    )
    return process_capture(capture_id)

"""POST capture/ and capture/batch/: plain views, as every millisecond counts here (leads/api/schema.py tells them)."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from leadmgmt.core.errors import DomainError, InvalidInput
from leadmgmt.core.problems import CONTENT_TYPE, problem
from leads.api.body import Malformed, TooLarge, read_json
from leads.api.waiting import wait_until_routed
from leads.models import Capture, Channel
from leads.services.capture import Receipt, take_in, take_in_by_key
from leads.services.keys import WrongKey, capture_digest, find_channel

MOST_ROWS = 1000
MOST_SECONDS = 30.0
LONGEST_KEY = 255
View = Callable[[HttpRequest], JsonResponse]


def refusals_as_problems(view: View) -> View:
    """Turn what is refused into application/problem+json."""

    @csrf_exempt
    @wraps(view)
    def answer(request: HttpRequest) -> JsonResponse:
        try:
            if request.method != "POST":
                body = problem(405, _("Only POST is answered here."), code="method_not_allowed")
                return JsonResponse(body, status=405, content_type=CONTENT_TYPE, headers={"Allow": "POST"})
            return view(request)
        except DomainError as error:
            headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, WrongKey) else {}
            return JsonResponse(_problem(error), status=error.status, content_type=CONTENT_TYPE, headers=headers)

    return answer


@refusals_as_problems
def capture(request: HttpRequest) -> JsonResponse:
    """Take one submission in: 202 when it is kept, with `?wait=` 200 once its lead is routed."""
    authorization = request.META.get("HTTP_AUTHORIZATION", "")
    digest = capture_digest(authorization)
    try:
        seconds = _seconds(request.GET.get("wait"))
        payload = _object(read_json(request, settings.CAPTURE_MAX_BYTES))
        key = _idempotency_key(request)
    except DomainError:
        # Who may not capture at all is told that first.
        find_channel(authorization)
        raise
    receipt = take_in_by_key(digest, payload, idempotency_key=key)
    body, status = _receipt(request, receipt), 202
    if seconds and (routed := wait_until_routed(receipt.capture.pk, seconds)):
        body, status = body | routed, 200
    return JsonResponse(body, status=status)


@refusals_as_problems
def capture_batch(request: HttpRequest) -> JsonResponse:
    """Take up to 1,000 submissions in, each for itself: one result per row, in their order."""
    channel = find_channel(request.META.get("HTTP_AUTHORIZATION", ""))
    rows = read_json(request, 10 * settings.CAPTURE_MAX_BYTES)
    if isinstance(rows, dict):
        rows = rows.get("captures")
    if not isinstance(rows, list):
        message = _("Send a list of submissions, or an object with such a list under “captures”.")
        raise InvalidInput(message, fields={"captures": message})
    if len(rows) > MOST_ROWS:
        message = _("Send at most %(count)d submissions at once.") % {"count": MOST_ROWS}
        raise TooLarge(message, fields={"captures": message})
    key = _idempotency_key(request)
    results = [_row(request, channel, number, row, key) for number, row in enumerate(rows)]
    refused = sum(result["status"] >= 400 for result in results)
    return JsonResponse({"accepted": len(results) - refused, "refused": refused, "results": results})


def _row(request: HttpRequest, channel: Channel, number: int, row: Any, key: str) -> dict[str, Any]:
    try:
        if len(str(row)) > settings.CAPTURE_MAX_BYTES:
            raise TooLarge(_("The row is larger than %(count)d bytes.") % {"count": settings.CAPTURE_MAX_BYTES})
        receipt = take_in(channel, _object(row), idempotency_key=f"{key}#{number}" if key else "")
    except DomainError as error:
        return {"row": number} | _problem(error)
    known = _receipt(request, receipt)
    return {"row": number, "status": 202, "id": known["id"], "capture_status": known["status"], "url": known["url"]}


def _object(body: Any) -> dict[str, Any]:
    if isinstance(body, dict):
        return body
    message = _('A submission is a JSON object, such as {"email": "ann@firm.example"}.')
    raise InvalidInput(message, code="wrong_type", fields={"body": message})


def _idempotency_key(request: HttpRequest) -> str:
    key: str = request.META.get("HTTP_IDEMPOTENCY_KEY", "").strip()
    if len(key) > LONGEST_KEY - 5:
        message = _("The Idempotency-Key is longer than %(count)d characters.") % {"count": LONGEST_KEY - 5}
        raise Malformed(message, fields={"Idempotency-Key": message})
    return key


def _seconds(text: str | None) -> float:
    if not text:
        return 0.0
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MOST_SECONDS:
        message = _("“wait” is a number of seconds from 0 to 30.")
        raise Malformed(message, code="invalid", fields={"wait": message})
    return seconds


def _receipt(request: HttpRequest, receipt: Receipt) -> dict[str, Any]:
    kept: Capture = receipt.capture
    url = request.build_absolute_uri(reverse("api:capture_detail", args=[kept.pk]))
    return {"id": str(kept.pk), "status": kept.status, "url": url}


def _problem(error: DomainError) -> dict[str, Any]:
    kept = getattr(error, "capture_id", None)
    more = {"id": str(kept)} if kept else {}
    return problem(error.status, str(error), code=error.code, fields=error.fields, **more)

"""The answer of a Slack app's button: checked by its signature, then the lead is acknowledged."""

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from leadmgmt.core.errors import DomainError
from leadmgmt.core.now import now
from leadmgmt.core.secrets import same
from leads.models import User
from routing.messages import ACCEPT, read_accept_token
from routing.services.accept import accept_lead

MOST_BYTES = 256 * 1024
WINDOW_SECONDS = 300


# The signature says who calls.
@csrf_exempt
@require_POST
def actions(request: HttpRequest) -> HttpResponse:
    """Acknowledge the lead of the button that was pressed."""
    body = request.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        return JsonResponse({"title": "Too large."}, status=413)
    if not is_signed(request, body):
        return JsonResponse({"title": "The signature does not fit this call."}, status=401)
    for action in _actions(body):
        found = read_accept_token(str(action.get("value", ""))) if action.get("action_id") == ACCEPT else None
        if found is None:
            continue
        lead_id, user_id = found
        user = User.objects.filter(pk=user_id, is_active=True).first()
        try:
            if user is not None:
                accept_lead(lead_id, user, now())
                return JsonResponse({"text": _("Acknowledged.")})
        except DomainError as error:
            return JsonResponse({"text": str(error)})
    return JsonResponse({"text": ""})


def is_signed(request: HttpRequest, body: bytes) -> bool:
    """Whether Slack has sent this, and lately: `v0=` HMAC-SHA256 over `v0:time:body` by the app's signing secret."""
    secret, stamp = settings.SLACK_SIGNING_SECRET, request.headers.get("X-Slack-Request-Timestamp", "")
    if not secret or not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
        return False
    if abs(now().timestamp() - int(stamp)) > WINDOW_SECONDS:
        return False
    expected = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return same(request.headers.get("X-Slack-Signature", ""), f"v0={expected}")


def _actions(body: bytes) -> list[dict[str, Any]]:
    try:
        payload = json.loads(parse_qs(body.decode()).get("payload", ["{}"])[0])
        found = payload.get("actions", []) if isinstance(payload, dict) else []
    except (ValueError, RecursionError):
        return []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

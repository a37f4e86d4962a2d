"""Refusals of the API as application/problem+json (RFC 9457), with the field or row they concern."""

from typing import Any, Protocol

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings

from leadmgmt.core.errors import DomainError

CONTENT_TYPE = "application/problem+json"
DRAINED = 32 * 1024 * 1024
CHUNK = 64 * 1024


class Readable(Protocol):
    """A body on its way in."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, empty at the end."""


def problem(
    status: int, title: str, *, code: str = "", fields: dict[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    """The body of one refusal; `errors` lists each field with what to mend."""
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status}
    if code:
        body["code"] = code
    if fields:
        body["errors"] = [{"field": name, "detail": detail} for name, detail in fields.items()]
    return body | more


def problem_response(status: int, title: str, *, code: str = "", fields: dict[str, str] | None = None) -> JsonResponse:
    """A refusal outside REST framework's views."""
    return JsonResponse(problem(status, title, code=code, fields=fields), status=status, content_type=CONTENT_TYPE)


def wants_problem(request: HttpRequest) -> bool:
    """Whether the caller is a program."""
    return request.path.startswith("/api/")


def drain(body: Readable) -> None:
    """Read what is left of a refused body: else the sender finds its connection broken instead of the answer."""
    left = DRAINED
    while left > 0 and (chunk := body.read(min(CHUNK, left))):
        left -= len(chunk)


def _flatten(detail: Any, prefix: str = "") -> dict[str, str]:
    if isinstance(detail, dict):
        found: dict[str, str] = {}
        for key, value in detail.items():
            inner = "" if key == api_settings.NON_FIELD_ERRORS_KEY else str(key)
            found |= _flatten(value, ".".join(part for part in (prefix, inner) if part))
        return found
    if isinstance(detail, list):
        if all(not isinstance(item, dict | list) for item in detail):
            return {prefix or "body": " ".join(str(item) for item in detail)}
        found = {}
        for number, item in enumerate(detail):
            found |= _flatten(item, f"{prefix}[{number}]")
        return found
    return {prefix or "body": str(detail)}


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Word every refusal of an API view."""
    if isinstance(error, DomainError):
        return Response(
            problem(error.status, str(error), code=error.code, fields=error.fields),
            status=error.status,
            content_type=CONTENT_TYPE,
        )
    if isinstance(error, RequestDataTooBig):
        drain(context["request"])
        message = _("The body is larger than %(count)d bytes.") % {"count": settings.DATA_UPLOAD_MAX_MEMORY_SIZE}
        body = problem(413, message, code="too_large", fields={"body": message})
        return Response(body, status=413, content_type=CONTENT_TYPE)
    if isinstance(error, Http404):
        return Response(problem(404, "Nothing is here.", code="not_found"), status=404, content_type=CONTENT_TYPE)
    if isinstance(error, PermissionDenied):
        return Response(
            problem(403, "This key may not do that.", code="forbidden"), status=403, content_type=CONTENT_TYPE
        )
    if not isinstance(error, exceptions.APIException):
        return None
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    codes = error.get_codes()
    title, fields = str(error.detail), None
    if isinstance(error, exceptions.ValidationError):
        title, fields = "Some fields need mending.", _flatten(error.detail)
    body = problem(error.status_code, title, code=codes if isinstance(codes, str) else "invalid", fields=fields)
    return Response(body, status=error.status_code, headers=headers, content_type=CONTENT_TYPE)

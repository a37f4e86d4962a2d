"""Reading a request's body as JSON, with an answer for everything it may be instead."""

import json
import math
from email.message import Message
from typing import IO, Any, cast

from django.http import HttpRequest
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError

# So much of a refused body is read and thrown away: the sender gets its answer, and the connection can be used again.
DRAINED = 32 * 1024 * 1024
CHUNK = 64 * 1024


class TooLarge(DomainError):
    """More bytes than we take."""

    status = 413
    code = "too_large"


class Malformed(DomainError):
    """The body is no JSON."""

    status = 400
    code = "malformed"


def read_json(request: HttpRequest, most: int) -> Any:
    """The body, read with the charset it declares (UTF-8 by default). Raises TooLarge (``most`` bytes), Malformed."""
    body = _stream(request)
    raw = body.read(most + 1)
    if len(raw) > most:
        _drain(body)
        raise TooLarge(_("The body is larger than %(count)d bytes.") % {"count": most})
    try:
        text = raw.decode(_charset(request.META.get("CONTENT_TYPE", "")))
    except (UnicodeDecodeError, LookupError):
        raise Malformed(_("The body is not text in the declared charset (UTF-8 where none is declared).")) from None
    try:
        return json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise Malformed(_("The body is nested too deeply.")) from None
    except ValueError as error:
        place = f" ({error})" if isinstance(error, json.JSONDecodeError) else ""
        raise Malformed(_("The body is no valid JSON.") + place) from None


def _stream(request: HttpRequest) -> IO[bytes]:
    """Where the body is read from. Django takes one without a length for empty, also one that is sent in chunks."""
    chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    if chunked and request.META.get("wsgi.input_terminated"):
        return cast(IO[bytes], request.META["wsgi.input"])
    return cast(IO[bytes], request)


def _drain(body: IO[bytes]) -> None:
    left = DRAINED
    while left > 0 and (chunk := body.read(min(CHUNK, left))):
        left -= len(chunk)


def _charset(content_type: str) -> str:
    header = Message()
    header["content-type"] = content_type
    charset = header.get_param("charset", "utf-8")
    # A signature at the start of UTF-8 is no part of the JSON.
    return "utf-8-sig" if str(charset).lower() in ("utf-8", "utf8") else str(charset)


def _no_number(name: str) -> float:
    raise ValueError(name)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(digits)
    return number

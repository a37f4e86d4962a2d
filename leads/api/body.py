"""Reading a request's body as JSON, with an answer for everything it may be instead."""

import json
import math
from email.message import Message
from typing import IO, Any, cast

from django.http import HttpRequest
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError
from leadmgmt.core.problems import drain

# Deeper than anybody writes, and far from where walking through it would end the stack.
MOST_LEVELS = 64


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
    return parse_json(read_bytes(request, most), request.META.get("CONTENT_TYPE", ""))


def read_bytes(request: HttpRequest, most: int) -> bytes:
    """The body as it came. Raises TooLarge (``most`` bytes), Malformed where the sender broke off."""
    try:
        return _bytes(request, most)
    except OSError:
        raise _malformed(_("The body did not arrive as it was announced.")) from None


def parse_json(raw: bytes, content_type: str) -> Any:
    """What the bytes of a body say. Raises Malformed."""
    try:
        text = raw.decode(_charset(content_type))
    except (UnicodeError, LookupError):
        raise _malformed(_("The body is not text in the declared charset (UTF-8 where none is declared).")) from None
    try:
        told = json.loads(text, parse_constant=_no_number, parse_float=_finite, parse_int=_whole)
    except RecursionError:
        raise _malformed(_("The body is nested too deeply.")) from None
    except ValueError as error:
        raise _malformed(_("The body is no valid JSON.") + f" ({error})") from None
    if _levels_exceed(told, MOST_LEVELS):
        raise _malformed(_("The body is nested too deeply."))
    return told


def _malformed(message: str) -> Malformed:
    return Malformed(message, fields={"body": message})


def _bytes(request: HttpRequest, most: int) -> bytes:
    """The whole body. Raises TooLarge, and OSError where the sender broke off."""
    body = _stream(request)
    raw = body.read(most + 1)
    if len(raw) > most:
        drain(body)
        message = _("The body is larger than %(count)d bytes.") % {"count": most}
        raise TooLarge(message, fields={"body": message})
    announced = request.META.get("CONTENT_LENGTH") or ""
    if announced.isdigit() and len(raw) < int(announced):
        raise OSError
    return raw


def _levels_exceed(value: Any, most: int) -> bool:
    """Whether lists and objects lie in each other more than ``most`` levels deep."""
    level = [value]
    for _level in range(most + 1):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def _stream(request: HttpRequest) -> IO[bytes]:
    """Where the body is read from. Django takes one without a length for empty, also one that is sent in chunks."""
    chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    if chunked and request.META.get("wsgi.input_terminated"):
        return cast(IO[bytes], request.META["wsgi.input"])
    return cast(IO[bytes], request)


def _charset(content_type: str) -> str:
    header = Message()
    header["content-type"] = content_type
    charset = header.get_param("charset", "utf-8")
    # A signature at the start of UTF-8 is no part of the JSON.
    return "utf-8-sig" if str(charset).lower() in ("utf-8", "utf8") else str(charset)


def _no_number(name: str) -> float:
    raise ValueError(_("%(name)s is no number in JSON") % {"name": name})


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(_("the number %(name)s is too large") % {"name": digits[:20]})
    return number


def _whole(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:
        raise ValueError(_("the number %(name)s is too large") % {"name": f"{digits[:20]}…"}) from None

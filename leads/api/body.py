"""Reading a request's body as JSON, with an answer for everything it may be instead."""

import json
import math
from email.message import Message
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError


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
    too_large = TooLarge(_("The body is larger than %(count)d bytes.") % {"count": most})
    try:
        declared = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        declared = 0
    if declared > most:
        raise too_large
    raw = request.read(most + 1)
    if len(raw) > most:
        raise too_large
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

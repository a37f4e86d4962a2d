"""Bodies that a browser's form posts, in whatever charset it says."""

import re
from email.message import Message
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils.translation import gettext as _

from leads.channels.base import Call, NotACall

MOST_FIELDS = 1000
BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
FORM = "application/x-www-form-urlencoded"


def charset_of(content_type: str, default: str = "utf-8") -> str:
    """The charset that a content type names."""
    header = Message()
    header["content-type"] = content_type
    return str(header.get_param("charset", default))


def form_of(call: Call) -> tuple[dict[str, list[str]], list[tuple[str, str, int]]]:
    """The fields of a form in either encoding, and name, type and size of the files in it. Raises NotACall."""
    if not call.content_type.lower().startswith("multipart/form-data"):
        return fields(call), []
    meta = {"CONTENT_TYPE": call.content_type, "CONTENT_LENGTH": len(call.body)}
    try:
        told, files = MultiPartParser(meta, BytesIO(call.body), [MemoryFileUploadHandler()], "utf-8").parse()
    except (MultiPartParserError, ValueError, SuspiciousOperation, LookupError):
        raise NotACall(_("The body cannot be read as the fields of a form.")) from None
    names: Any = files
    attached = [(one.name or "", one.content_type or "", one.size or 0) for one in names.values()]
    return {name: [str(value) for value in told.getlist(name)] for name in told}, attached


def fields(call: Call, *, charset: str = "") -> dict[str, list[str]]:
    """The fields of an urlencoded body, in their order, with all values of each. Raises NotACall."""
    encoding = charset or charset_of(call.content_type)
    try:
        # Letters that were sent as they are instead of as %XX, as some programs do.
        body = BEYOND_ASCII.sub(lambda one: b"%%%02X" % one[0][0], call.body).decode("ascii")
        pairs = parse_qsl(body, keep_blank_values=True, encoding=encoding, errors="replace", max_num_fields=MOST_FIELDS)
    except (ValueError, LookupError):
        raise NotACall(_("The body cannot be read as the fields of a form.")) from None
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found

"""Bodies that a browser's form posts, in whatever charset it says."""

import re
from email.message import Message
from urllib.parse import parse_qsl

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

"""One mail as we keep it: its parts as JSON, its source as far as it is small; attachments by name and size alone."""

import base64
import re
from collections.abc import Iterable, Mapping
from email.errors import MessageError
from email.header import Header
from email.message import EmailMessage, Message
from email.utils import getaddresses, parsedate_to_datetime
from typing import Any

from anymail.inbound import AnymailInboundMessage
from django.utils.translation import gettext as _

from leads.channels.base import NotACall
from leads.mail.plain import text_of

_BEYOND_ASCII = re.compile(r"[^\s<>\"]*[^\x00-\x7f][^\s<>\"]*")
LONGEST_TEXT = 60_000
LONGEST_SOURCE = 256 * 1024
MOST_HEADERS = 120
LONGEST_HEADER = 2000


def read_mime(raw: bytes) -> dict[str, Any]:
    """A mail by its source. Raises NotACall for what is none."""
    try:
        reader: Any = AnymailInboundMessage
        message = reader.parse_raw_mime_bytes(_with_plain_head(raw))
        kept = _parts(message, raw)
    except (MessageError, UnicodeError, ValueError, LookupError, TypeError, AttributeError, IndexError, KeyError):
        raise NotACall(_("This is no e-mail that can be read.")) from None
    if not kept["from"] and not kept["headers"]:
        raise NotACall(_("This is no e-mail that can be read."))
    return kept


def _with_plain_head(raw: bytes) -> bytes:
    """The same mail with letters beyond ASCII in its headers written as they should be: as encoded words."""
    end = min((at for at in (raw.find(b"\r\n\r\n"), raw.find(b"\n\n")) if at >= 0), default=len(raw))
    head = raw[:end]
    if head.isascii():
        return raw
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError:
        text = head.decode("latin-1")
    return (
        _BEYOND_ASCII.sub(lambda word: Header(word[0], "utf-8").encode(maxlinelen=0), text).encode("ascii") + raw[end:]
    )


def from_parts(
    headers: Iterable[tuple[str, str]], *, text: str, html: str, attachments: Iterable[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """A mail that a service has taken apart already."""
    message = EmailMessage()
    for name, value in headers:
        try:
            message[name] = " ".join(str(value).split())
        except (ValueError, IndexError, TypeError):
            # A second Subject, a broken address: the first one stands.
            continue
    kept = _head(message)
    return kept | {
        "text": (text or text_of(html))[:LONGEST_TEXT],
        "html": html[:LONGEST_TEXT],
        "attachments": [dict(one) for one in attachments],
    }


def _parts(message: Any, raw: bytes) -> dict[str, Any]:
    plain, html = _body(message, "text"), _body(message, "html")
    kept = _head(message)
    kept |= {
        "text": (plain or text_of(html))[:LONGEST_TEXT],
        "html": html[:LONGEST_TEXT],
        "attachments": [
            {"name": part.get_filename() or "", "type": part.get_content_type(), "size": len(part.as_bytes())}
            for part in message.attachments
        ],
        "report": message.get_content_type() == "multipart/report",
    }
    if len(raw) <= LONGEST_SOURCE:
        kept["source"] = base64.b64encode(raw).decode()
    return kept


def _body(message: Any, name: str) -> str:
    try:
        return str(getattr(message, name) or "")
    except (LookupError, UnicodeError, ValueError, AttributeError):
        # A charset that nobody knows: better with a few wrong letters than not at all.
        part = (
            message.get_body_part("plain" if name == "text" else "html") if hasattr(message, "get_body_part") else None
        )
        raw = part.get_payload(decode=True) if part is not None else b""
        return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else ""


def _head(message: Message) -> dict[str, Any]:
    headers = [(name, _text(value)) for name, value in message.items()][:MOST_HEADERS]
    first = {name.lower(): value for name, value in reversed(headers)}
    return {
        "from": _addresses(first.get("from", "")),
        "reply_to": _addresses(first.get("reply-to", "")),
        "to": _addresses(", ".join(value for name, value in headers if name.lower() in ("to", "delivered-to"))),
        "cc": _addresses(first.get("cc", "")),
        "subject": first.get("subject", "")[:LONGEST_HEADER],
        "message_id": _id(first.get("message-id", "")),
        "in_reply_to": _id(first.get("in-reply-to", "")),
        "references": [_id(one) for one in first.get("references", "").split()][-20:],
        "date": _date(first.get("date", "")),
        "headers": {name.lower(): value[:LONGEST_HEADER] for name, value in reversed(headers)},
    }


def _text(value: Any) -> str:
    """A header as one line; bytes that no charset was named for are read as UTF-8, else as Latin-1."""
    told = str(value)
    try:
        told = told.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeDecodeError:
        told = told.encode("utf-8", "surrogateescape").decode("latin-1")
    return " ".join(told.split())


def _addresses(value: str) -> list[dict[str, str]]:
    """Name and address of everybody in a header."""
    found = []
    for name, address in getaddresses([value])[:50]:
        if "@" in address:
            found.append({"name": name.strip()[:200], "email": address.strip()[:320]})
    return found


def _id(value: str) -> str:
    return value.strip().strip("<>")[:250]


def _date(value: str) -> str:
    try:
        return parsedate_to_datetime(value).isoformat() if value else ""
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""

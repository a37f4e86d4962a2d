"""Salesforce's outbound messages: SOAP, not signed, so a secret in the address and the organisation's id speak for it.

The session id that a message may carry is never read. Every notification names one record; the record itself is read
afterwards.
"""

import hashlib
from collections.abc import Sequence
from urllib.parse import urlsplit

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from crmsync.adapters.base import DEAL, Hint, RawRequest, RawResponse
from crmsync.adapters.errors import BadSignature, Malformed
from leadmgmt.core.secrets import same

MOST_BYTES = 1024 * 1024
MOST_NOTIFICATIONS = 100
MESSAGES = "{http://soap.sforce.com/2005/09/outbound}"
RECORDS = "{urn:sobject.enterprise.soap.sforce.com}"
CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    '<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>{ack}</Ack></notificationsResponse>'
    "</soapenv:Body></soapenv:Envelope>"
)


def parse(raw: RawRequest, secrets: Sequence[str], organisation: str) -> list[Hint]:
    """The records that a message speaks of. Raises BadSignature, Malformed."""
    given = urlsplit(raw.url).path.rstrip("/").rpartition("/")[2]
    if not any(same(given, secret) for secret in secrets if secret):
        raise BadSignature("The address holds no secret of ours.")
    if len(raw.body) > MOST_BYTES:
        raise Malformed("The message is larger than 1 MB.")
    try:
        root = fromstring(raw.body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise Malformed(f"The message is no plain XML: {type(error).__name__}.") from error
    told = root.find(f".//{MESSAGES}OrganizationId")
    if not organisation or told is None or canonical_id(told.text or "") != canonical_id(organisation):
        raise BadSignature("The message comes from another organisation.")
    notifications = root.findall(f".//{MESSAGES}Notification")
    if len(notifications) > MOST_NOTIFICATIONS:
        raise Malformed("The message holds more than 100 notifications.")
    return [_hint(one) for one in notifications]


def reply(accepted: bool) -> RawResponse:
    """What Salesforce wants to hear; anything but true is sent again."""
    body = ENVELOPE.format(ack="true" if accepted else "false")
    return RawResponse(200 if accepted else 500, body.encode(), "text/xml; charset=utf-8")


def canonical_id(given: str) -> str:
    """An id with its three letters of checksum, which make it distinct without regard to case."""
    given = given.strip()
    if len(given) != 15:
        return given
    groups = (given[start : start + 5] for start in (0, 5, 10))
    suffix = "".join(
        CHECKSUM[sum(1 << place for place, letter in enumerate(group) if "A" <= letter <= "Z")] for group in groups
    )
    return given + suffix


def _hint(notification: object) -> Hint:
    number = notification.findtext(f"{MESSAGES}Id", "")  # type: ignore[attr-defined]  # an element, untyped there
    record = notification.findtext(f"{MESSAGES}sObject/{RECORDS}Id", "")  # type: ignore[attr-defined]  # as above
    if not number or not record:
        raise Malformed("A notification names no record.")
    remote_id = canonical_id(record)
    return Hint(remote_id, DEAL, hashlib.sha256(f"salesforce|{number}|{remote_id}".encode()).hexdigest())

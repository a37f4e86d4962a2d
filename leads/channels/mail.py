"""E-mail: passed on by SendGrid, Mailgun or Postmark, or fetched from a mailbox (leads/services/mailbox.py)."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import phonenumbers
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads.channels import signatures
from leads.channels.base import TEST_MARK, Call, Delivery, Hook, SetAside, Setting, Setup, Snippet, Unsigned
from leads.channels.posted import form_of
from leads.channels.tree import at, moment, seconds, text
from leads.mail.automatic import MACHINES, aside, why_nobody
from leads.mail.message import from_parts, read_mime
from leads.mail.plain import forwarded_sender, forwarded_text, signature, written
from leads.models import Capture, User
from leads.normalise.email import InvalidAddress, read_address

SERVICES = (
    ("imap", gettext_lazy("A mailbox, fetched by IMAP")),
    ("postmark", "Postmark"),
    ("mailgun", "Mailgun"),
    ("sendgrid", "SendGrid"),
)
FORWARDED = re.compile(r"^\s*(?:fwd?|wg|tr|rv)\s*:", re.IGNORECASE)
REPLY = re.compile(r"^\s*(?:(?:re|aw|antw|sv|fwd?|wg)\s*(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)
LONGEST_NUMBER_SEARCH = 4000


class Mail(Hook):
    """Mails to an address of ours."""

    touch: ClassVar[str] = "email"
    most_bytes: ClassVar[int] = 30 * 1024 * 1024
    about = gettext_lazy(
        "Every mail to an address becomes a lead or joins one. Either have your mail service pass it on to the address "
        "below, or let us fetch it from a mailbox."
    )
    settings = (
        Setting("service", gettext_lazy("How mails come in"), kind="choice", options=SERVICES),
        Setting(
            "key",
            gettext_lazy("Key"),
            gettext_lazy("Mailgun: its signing key. Postmark and SendGrid: a password of yours, see below."),
            kind="secret",
        ),
        Setting("host", gettext_lazy("IMAP server"), placeholder="imap.firm.example"),
        Setting("port", gettext_lazy("Port"), placeholder="993"),
        Setting("user", gettext_lazy("User name")),
        Setting("password", gettext_lazy("Password"), kind="secret"),
        Setting("folder", gettext_lazy("Folder"), placeholder="INBOX"),
        Setting("seen", gettext_lazy("Mark what was fetched as read"), kind="switch"),
        Setting("from_start", gettext_lazy("Also fetch what lies in the mailbox already"), kind="switch"),
        Setting(
            "forwarders",
            gettext_lazy("Senders that only pass on"),
            gettext_lazy("Addresses of form services, one per line: the person is who they name under Reply-To."),
            kind="lines",
        ),
    )

    def verify(self, call: Call, setup: Setup) -> None:
        """Mailgun signs in the body; the others know a password in the address."""
        service = setup.text("service")
        if service == "mailgun":
            told, _files = form_of(call)
            stamp, token = told.get("timestamp", [""])[0], told.get("token", [""])[0]
            sign = signatures.hexadecimal(setup.secret("key"), f"{stamp}{token}".encode())
            signatures.check_value(told.get("signature", [""])[0], sign)
            signatures.check_age(seconds(stamp))
        elif service in ("postmark", "sendgrid"):
            signatures.check_basic(call, "leadmgmt", setup.secret("key"))
        else:
            raise Unsigned(_("This channel fetches its mails; nothing is passed on to it."))

    def deliveries(self, call: Call, setup: Setup) -> Sequence[Delivery]:
        """One mail."""
        service = setup.text("service")
        if service == "postmark":
            return [delivery(_postmark(call), setup)]
        told, files = form_of(call)
        token = told.get("token", [""])[0] if service == "mailgun" else ""
        return [delivery(_mailgun(told) if service == "mailgun" else _sendgrid(told, files), setup, token)]

    def read(self, capture: Capture) -> Mapping[str, Any]:
        """Who wrote, what, and to which of our addresses."""
        return payload_of(capture.payload, capture.channel.config)

    def snippets(self, url: str, setup: Setup) -> Sequence[Snippet]:
        """The address as the service wants it."""
        if setup.text("service") not in ("postmark", "sendgrid"):
            return ()
        scheme, _sep, rest = url.partition("://")
        line = f"{scheme}://leadmgmt:<key>@{rest}"
        return [Snippet(gettext_lazy("The address with its password"), line)]

    def example(self, url: str, setup: Setup) -> Call | None:
        """As Postmark passes a mail on; the others cannot be imitated so easily."""
        if setup.text("service") != "postmark":
            return None
        mail = '{"Headers": [{"Name": "From", "Value": "Test <test@example.com>"}], "TextBody": "A test.", "%s": true}'
        head = {"authorization": signatures.basic("leadmgmt", setup.secret("key")), "content-type": "application/json"}
        return Call("POST", url, headers=head, body=(mail % TEST_MARK).encode())


def delivery(mail: dict[str, Any], setup: Setup, token: str = "") -> Delivery:
    """One mail as it is kept; what is no person's word is put aside. ``token`` is used once."""
    nobody = why_nobody(mail) or _ours(mail)
    return Delivery(
        mail,
        external_id=mail.get("message_id") or _fingerprint(mail),
        idempotency_key=f"token-{token}" if token else "",
        occurred_at=moment(mail.get("date")),
        aside=nobody,
    )


def _fingerprint(mail: Mapping[str, Any]) -> str:
    """What a mail without an id of its own is known by when it comes again."""
    told = [mail.get(name) for name in ("from", "date", "subject", "text")]
    return "sha256:" + hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _ours(mail: Mapping[str, Any]) -> SetAside | None:
    """A colleague's mail is nobody's interest, unless it passes on somebody else's."""
    sender = _first(mail, "from")
    if not sender or not User.objects.filter(email__iexact=sender["email"], is_active=True).exists():
        return None
    if FORWARDED.match(str(mail.get("subject") or "")) and forwarded_sender(str(mail.get("text") or "")):
        return None
    return aside("own", _("Written by one of us."))


def _first(mail: Mapping[str, Any], name: str) -> dict[str, str] | None:
    found = mail.get(name)
    return found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else None


def payload_of(mail: Mapping[str, Any], config: Any) -> dict[str, Any]:
    """A kept mail in our language."""
    body, subject = str(mail.get("text") or ""), str(mail.get("subject") or "")
    name, address = _person(mail, config, body, subject)
    if not _is_address(address):
        raise aside("no_sender", _("Nobody can be answered: the mail has no sender that is an address."))
    is_passed_on = bool(FORWARDED.match(subject)) and forwarded_sender(body) is not None
    own = forwarded_text(body) if is_passed_on else body
    told: dict[str, Any] = {
        "email": address,
        "name": name if "@" not in name else "",
        "subject": REPLY.sub("", subject)[:200],
        "message": written(own)[:20_000],
        "phone": _number(signature(own) or own),
        "campaign": _label(mail),
    }
    if mail.get("attachments"):
        told["attachments"] = ", ".join(text(at(one, "name")) or "?" for one in mail["attachments"][:20])[:500]
    return {name: value for name, value in told.items() if value}


def _person(mail: Mapping[str, Any], config: Any, body: str, subject: str) -> tuple[str, str]:
    """Who this is about: the sender, whom they pass on, or whom a form service names."""
    sender = _first(mail, "from") or {}
    if FORWARDED.match(subject) and (passed := forwarded_sender(body)):
        return passed
    forwarders = at(config, "forwarders") if isinstance(config, Mapping) else None
    known = {str(one).strip().lower() for one in forwarders} if isinstance(forwarders, list) else set()
    address = str(sender.get("email") or "")
    reply = _first(mail, "reply_to")
    if reply and reply.get("email") and (address.lower() in known or MACHINES.match(address)):
        return str(reply.get("name") or ""), str(reply["email"])
    return str(sender.get("name") or ""), address


def _is_address(address: str) -> bool:
    try:
        return bool(read_address(address))
    except InvalidAddress:
        return False


def _number(block: str) -> str:
    """The first number that can be called in what they wrote below their name."""
    region = settings.DEFAULT_COUNTRY
    for found in phonenumbers.PhoneNumberMatcher(block[:LONGEST_NUMBER_SEARCH], region):
        return phonenumbers.format_number(found.number, phonenumbers.PhoneNumberFormat.E164)
    return ""


def _label(mail: Mapping[str, Any]) -> str:
    """What stands behind a plus in our address: `sales+webinar@…` was told to those of the webinar."""
    for one in mail.get("to") or []:
        local = str(at(one, "email") or "").partition("@")[0]
        if "+" in local:
            return local.partition("+")[2][:100]
    return ""


def _postmark(call: Call) -> dict[str, Any]:
    told = call.object()
    if isinstance(told.get("RawEmail"), str):
        mail = read_mime(told["RawEmail"].encode("utf-8", "surrogateescape"))
    else:
        headers = [(text(at(one, "Name")), text(at(one, "Value"))) for one in _list(told.get("Headers"))]
        known = {name.lower() for name, _value in headers}
        told_of = {"From": told.get("From"), "To": told.get("To"), "Subject": told.get("Subject")}
        told_of["Message-ID"] = told.get("MessageID")
        headers += [(name, text(value)) for name, value in told_of.items() if value and name.lower() not in known]
        attached = [
            {"name": text(at(one, "Name")), "type": text(at(one, "ContentType")), "size": at(one, "ContentLength") or 0}
            for one in _list(told.get("Attachments"))
        ]
        mail = from_parts(headers, text=_str(told, "TextBody"), html=_str(told, "HtmlBody"), attachments=attached)
    return mail | ({TEST_MARK: True} if told.get(TEST_MARK) else {})


def _mailgun(told: Mapping[str, list[str]]) -> dict[str, Any]:
    def one(name: str) -> str:
        return told.get(name, [""])[0]

    if one("body-mime"):
        return read_mime(one("body-mime").encode("utf-8", "surrogateescape"))
    headers = _pairs(one("message-headers"))
    known = {name.lower() for name, _value in headers}
    names = (("From", "from"), ("To", "recipient"), ("Subject", "subject"), ("Return-Path", "sender"))
    headers += [(name, one(key)) for name, key in names if one(key) and name.lower() not in known]
    attached = [{"name": f"{one('attachment-count')} attachments"}] if one("attachment-count") not in ("", "0") else []
    return from_parts(headers, text=one("body-plain"), html=one("body-html"), attachments=attached)


def _pairs(told: str) -> list[tuple[str, str]]:
    try:
        found = json.loads(told) if told else []
    except (ValueError, RecursionError):
        return []
    pairs = found if isinstance(found, list) else []
    return [(text(one[0]), text(one[1])) for one in pairs if isinstance(one, list) and len(one) == 2]


def _sendgrid(told: Mapping[str, list[str]], files: Sequence[tuple[str, str, int]]) -> dict[str, Any]:
    def one(name: str) -> str:
        return told.get(name, [""])[0]

    attached = [{"name": name, "type": kind, "size": size} for name, kind, size in files]
    if one("email"):
        mail = read_mime(one("email").encode("utf-8", "surrogateescape"))
    else:
        headers = [tuple(line.split(":", 1)) for line in _unfolded(one("headers")) if ":" in line]
        pairs = [(name.strip(), value.strip()) for name, value in headers]
        known = {name.lower() for name, _value in pairs}
        names = (("From", "from"), ("To", "to"), ("Subject", "subject"), ("Cc", "cc"))
        pairs += [(name, one(key)) for name, key in names if one(key) and name.lower() not in known]
        mail = from_parts(pairs, text=one("text"), html=one("html"), attachments=attached)
    return mail | {"spf": one("SPF")[:60], "dkim": one("dkim")[:200]}


def _unfolded(headers: str) -> list[str]:
    return re.sub(r"\r?\n[ \t]+", " ", headers).splitlines()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _str(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    return value if isinstance(value, str) else ""

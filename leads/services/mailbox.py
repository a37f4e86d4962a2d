"""Mailboxes: fetched by IMAP, each mail kept before the place in the mailbox moves on."""

import imaplib
import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from leadmgmt.core.errors import ConfigurationError, RetryableError
from leadmgmt.core.http import safe_host
from leadmgmt.core.kept_words import worded
from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue_many
from leads.channels.base import NotACall, Setup
from leads.channels.mail import delivery
from leads.mail.message import read_mime
from leads.models import Channel, MailboxState
from leads.services.credentials import setup_of
from leads.services.take_call import keep_delivery

JOB = "leads.tasks.poll_mailbox"
EVERY = timedelta(minutes=1)
# A reading that takes longer has died; somebody else goes on from the last mail that was kept.
CLAIM = timedelta(minutes=5)
SECONDS, MOST_SECONDS = 15.0, 90.0
MOST_AT_ONCE = 200
LARGEST = 30 * 1024 * 1024
MOST_WAIT = timedelta(hours=1)
_UID = re.compile(rb"UID (\d+)")
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")


class _Line:
    """How a connection is made: to the address that was checked, with the certificate of the host's name."""

    def __init__(self, address: str, port: int, secure: ssl.SSLContext | None, host: str) -> None:
        self.address, self.port, self.secure, self.host = address, port, secure, host

    def open(self) -> socket.socket:
        """The socket."""
        line = socket.create_connection((self.address, self.port), SECONDS)
        return self.secure.wrap_socket(line, server_hostname=self.host) if self.secure else line


class _Imap(imaplib.IMAP4):
    def __init__(self, line: _Line) -> None:
        self._line = line
        super().__init__(line.host, line.port, timeout=SECONDS)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return self._line.open()


def poll_due(at: datetime) -> int:
    """Clock: have the mailboxes read whose time has come. Returns how many."""
    for channel in Channel.objects.filter(kind=Channel.Kind.MAIL, is_active=True, mailbox=None):
        if setup_of(channel).text("service") in ("", "imap") and channel.config.get("host"):
            MailboxState.objects.get_or_create(channel=channel)
    due = Q(next_poll_at=None) | Q(next_poll_at__lte=at)
    free = Q(claimed_until=None) | Q(claimed_until__lte=at)
    with transaction.atomic():
        rows = MailboxState.objects.select_for_update(skip_locked=True).filter(due, free, channel__is_active=True)
        keys = list(rows.values_list("channel", flat=True)[:50])
        MailboxState.objects.filter(channel__in=keys).update(next_poll_at=at + EVERY)
        enqueue_many(JOB, keys)
    return len(keys)


def poll(channel_id: int) -> int:
    """Read what is new in one mailbox. Returns how many mails were kept; what goes wrong stands in the row."""
    state = _claim(channel_id)
    if state is None:
        return 0
    kept = 0
    try:
        for _mail in _read(state):
            kept += 1
    except (RetryableError, ConfigurationError, OSError, imaplib.IMAP4.error, NotACall) as error:
        _note(state, error)
        return kept
    _note(state, None)
    return kept


def _claim(channel_id: int) -> MailboxState | None:
    at = now()
    with transaction.atomic():
        rows = MailboxState.objects.select_for_update(skip_locked=True, of=("self",)).select_related("channel")
        state = rows.filter(channel=channel_id, channel__is_active=True).first()
        if state is None or (state.claimed_until is not None and state.claimed_until > at):
            return None
        state.claimed_until = at + CLAIM
        state.save(update_fields=["claimed_until"])
        return state


def _note(state: MailboxState, error: Exception | None) -> None:
    at = now()
    state.claimed_until, state.polled_at = None, at
    state.failures = state.failures + 1 if error else 0
    state.error = _sentence(error)[:300] if error else ""
    wait = min(EVERY * 2 ** min(state.failures, 10), MOST_WAIT) if error else EVERY
    state.next_poll_at = at + wait
    state.save(update_fields=["claimed_until", "polled_at", "failures", "error", "next_poll_at"])


def _sentence(error: Exception) -> str:
    if isinstance(error, imaplib.IMAP4.error):
        words = error.args[0] if error.args else ""
        told = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
        return worded("The mail server said: %(answer)s", answer=told)
    if isinstance(error, TimeoutError):
        return worded("The mail server did not answer in time.")
    return (
        f"{error}"
        if isinstance(error, RetryableError | ConfigurationError)
        else worded("No connection: %(error)s", error=error)
    )


def _read(state: MailboxState) -> Iterator[None]:
    """Keep each new mail, then move on past it. A mail that was kept and not noted is known when it comes again."""
    setup, ends = setup_of(state.channel), time.monotonic() + MOST_SECONDS
    with _opened(setup) as imap:
        _begin(imap, state, setup)
        for uid in _new_ones(imap, state)[:MOST_AT_ONCE]:
            if time.monotonic() > ends:
                return
            raw = _fetch(imap, uid)
            if raw is not None:
                with suppress(NotACall):
                    keep_delivery(state.channel, delivery(read_mime(raw), setup))
                    yield
                if setup.config.get("seen"):
                    imap.uid("STORE", str(uid), "+FLAGS", "(\\Seen)")
            state.last_uid = uid
            state.save(update_fields=["last_uid"])


@contextmanager
def _opened(setup: Setup) -> Iterator[_Imap]:
    host, port = setup.text("host"), setup.text("port") or "993"
    if not host or not port.isdigit():
        raise ConfigurationError(worded("Enter the IMAP server and its port."))
    secure = None if port == "143" or setup.config.get("plain") else ssl.create_default_context()
    imap = _Imap(_Line(safe_host(host, int(port)), int(port), secure, host))
    try:
        imap.login(setup.text("user"), setup.secrets.get("password", ""))
        folder = '"' + (setup.text("folder") or "INBOX").replace("\\", "\\\\").replace('"', '\\"') + '"'
        status, told = imap.select(folder, readonly=not setup.config.get("seen"))
        if status != "OK":
            raise ConfigurationError(worded("The folder cannot be opened: %(why)s", why=_words(told)))
        yield imap
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            imap.logout()


def _begin(imap: _Imap, state: MailboxState, setup: Setup) -> None:
    """Where to go on: after the last one, from the start where the server has numbered anew, at first from now on."""
    validity = _number(imap, "UIDVALIDITY")
    if state.uid_validity is None:
        following = _number(imap, "UIDNEXT")
        state.last_uid = 0 if setup.config.get("from_start") else max(0, following - 1)
    elif validity != state.uid_validity:
        state.last_uid = 0
    if state.uid_validity != validity:
        state.uid_validity = validity
        state.save(update_fields=["uid_validity", "last_uid"])


def _number(imap: _Imap, name: str) -> int:
    _kind, told = imap.response(name)
    first = told[0] if told else None
    return int(first) if isinstance(first, bytes) and first.isdigit() else 0


def _new_ones(imap: _Imap, state: MailboxState) -> list[int]:
    status, told = imap.uid("SEARCH", f"UID {state.last_uid + 1}:*")
    if status != "OK":
        raise RetryableError(worded("The mailbox cannot be searched: %(why)s", why=_words(told)))
    first = told[0] if told else b""
    found = [int(word) for word in (first or b"").split() if word.isdigit()]
    # "n:*" names the last one even where that is older.
    return sorted(uid for uid in found if uid > state.last_uid)


def _fetch(imap: _Imap, uid: int) -> bytes | None:
    """The mail's source; None for one that is gone or too large to be a person's question."""
    status, told = imap.uid("FETCH", str(uid), "(RFC822.SIZE)")
    size = _SIZE.search(b" ".join(part for part in told if isinstance(part, bytes)))
    if status != "OK" or size is None or int(size[1]) > LARGEST:
        return None
    status, told = imap.uid("FETCH", str(uid), "(BODY.PEEK[])")
    parts = [part[1] for part in told if isinstance(part, tuple)]
    if status != "OK" or not parts:
        return None
    if len(parts[0]) != int(size[1]) and len(parts[0]) < int(size[1]) // 2:
        raise RetryableError(worded("The mail server broke off in the middle of a mail."))
    return bytes(parts[0])


def _words(told: Any) -> str:
    return " ".join(part.decode("utf-8", "replace") for part in told or () if isinstance(part, bytes))[:200]

"""Requests to a CRM over HTTP, and what each kind of failure means (CRM_CONTRACT 4): shared by all adapters.

A failure before anything left us is Unsent. A write without a definite answer is Ambiguous, a read without one
Unavailable. What a vendor says in its own words is read by the adapter (``refusal``).
"""

import json
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from crmsync.adapters import errors
from crmsync.adapters.base import Limits
from crmsync.adapters.tokens import Tokens
from leadmgmt.core.errors import ConfigurationError, PermanentError, RetryableError
from leadmgmt.core.http import NotSent, exchange
from leadmgmt.core.kept_words import worded
from leadmgmt.core.now import now

# A page of two hundred deals, each with its history as text.
MOST_BYTES = 16 * 1024 * 1024
JSON = "application/json"


@dataclass(frozen=True)
class Reply:
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, money as Decimal; ValueError where it is no JSON."""
        return json.loads(self.body.decode("utf-8", "replace"), parse_float=Decimal)

    @property
    def date(self) -> datetime | None:
        """The server's clock, to the second."""
        return http_date(self.headers.get("date", ""))


Refusal = Callable[[Reply, bool], errors.AdapterError | None]
# What an answer's headers tell of the CRM's limits, None where they do not.
LimitsOf = Callable[[Mapping[str, str]], Limits | None]


class Wire:
    """One CRM account at one address. Sends no request twice, but for a token that had grown old."""

    def __init__(
        self,
        address: str,
        tokens: Tokens,
        refusal: Refusal,
        *,
        scheme: str = "Bearer",
        limits: LimitsOf | None = None,
    ) -> None:
        self._address = address.rstrip("/")
        self._limits = limits
        self.tokens = tokens
        self._refusal = refusal
        self._scheme = scheme

    def read(self, path: str, deadline: datetime, **request: Any) -> Any:
        """GET, or whatever ``method`` says, for something that changes nothing. Returns the parsed body."""
        return self._parsed(self.ask(request.pop("method", "GET"), path, deadline, is_write=False, **request), False)

    def write(self, method: str, path: str, deadline: datetime, **request: Any) -> Any:
        """A request that changes something. Returns the parsed body, None where there is none."""
        return self._parsed(self.ask(method, path, deadline, is_write=True, **request), True)

    def ask(
        self,
        method: str,
        path: str,
        deadline: datetime,
        *,
        is_write: bool,
        headers: Mapping[str, str] | None = None,
        **request: Any,
    ) -> Reply:
        """One request, repeated once with a fresh token where the CRM calls ours stale. Raises AdapterError."""
        token = self.tokens.current(deadline)
        for is_repeat in (False, True):
            said = {"Accept": JSON, **(headers or {}), "Authorization": f"{self._scheme} {token}"}
            reply = once(method, self._address + path, deadline, is_write=is_write, headers=said, **request)
            if self._limits and (limits := self._limits(reply.headers)):
                _told.set(limits)
            error = self._trouble(reply, is_write)
            if error is None:
                return reply
            if not isinstance(error, errors.AuthExpired):
                raise error
            if is_repeat:
                raise errors.AuthRevoked(worded("The CRM refuses a token that it has just given."))
            token = self.tokens.renewed(token, deadline)
        raise errors.AdapterBug("A request was neither answered nor refused.")

    def _trouble(self, reply: Reply, is_write: bool) -> errors.AdapterError | None:
        if reply.status < 300:
            return self._refusal(reply, is_write)
        return self._refusal(reply, is_write) or by_status(reply, is_write)

    def _parsed(self, reply: Reply, is_write: bool) -> Any:
        if not reply.body and reply.status == 204:
            return None
        try:
            return reply.json()
        except ValueError as error:
            raise unclear(
                is_write, worded("The CRM answered %(status)s without readable JSON.", status=reply.status)
            ) from error


@dataclass(frozen=True)
class Calls:
    """How many requests went out, and whether the last of them was to change something."""

    reads: int = 0
    writes: int = 0
    is_write: bool = False

    @property
    def total(self) -> int:
        """Requests of both kinds."""
        return self.reads + self.writes

    @property
    def answered_before_last(self) -> int:
        """How many came before the last one that speak for a CRM which then failed: its reads say nothing of writes."""
        return max(0, self.writes - 1 if self.is_write else self.total - 1)


_told: ContextVar[Limits | None] = ContextVar("limits", default=None)


def limits_told() -> Limits | None:
    """What was told of the limits last in this thread, once: the next question is answered by later answers alone."""
    limits = _told.get()
    _told.set(None)
    return limits


NONE = Calls()
_calls: ContextVar[Calls] = ContextVar("calls", default=NONE)


def count_anew() -> None:
    """Begin to count the requests of this thread; those of one entry are counted by themselves."""
    _calls.set(NONE)


def calls_made() -> Calls:
    """The requests that have gone out of this thread since the count began."""
    return _calls.get()


def once(
    method: str, url: str, deadline: datetime, *, is_write: bool, headers: Mapping[str, str], **request: Any
) -> Reply:
    """One exchange, whatever status comes back. Raises Unsent, Ambiguous or Unavailable."""
    seconds = (deadline - now()).total_seconds()
    if seconds <= 0:
        raise errors.Unsent(worded("There was no time left for the call."))
    so_far = _calls.get()
    _calls.set(Calls(so_far.reads + (not is_write), so_far.writes + is_write, is_write))
    try:
        answer = exchange(method, url, seconds=seconds, headers=headers, most_bytes=MOST_BYTES, **request)
    except (NotSent, ConfigurationError) as error:
        raise errors.Unsent(str(error)) from error
    except (RetryableError, PermanentError) as error:
        raise unclear(is_write, str(error)) from error
    return Reply(answer.status_code, answer.headers, answer.content)


def by_status(reply: Reply, is_write: bool) -> errors.AdapterError:
    """What a status means where the vendor says nothing more."""
    said = worded("The CRM answered %(status)s.", status=reply.status)
    if reply.status == 401:
        return errors.AuthExpired(said)
    if reply.status == 403:
        return errors.Forbidden(worded("The CRM does not let our account do this."))
    if reply.status in (404, 410):
        return errors.Gone(worded("The CRM has no such record."))
    if reply.status == 429:
        return errors.RateLimited(said, retry_after=retry_after(reply))
    if 400 <= reply.status < 500 and reply.status != 408:
        return errors.Invalid(said)
    if 300 <= reply.status < 400:
        return errors.Forbidden(worded("The CRM's address leads elsewhere: set the address that it names."))
    return unclear(is_write, said)


def unclear(is_write: bool, said: str) -> errors.AdapterError:
    """No definite answer."""
    return errors.Ambiguous(said) if is_write else errors.Unavailable(said)


def retry_after(reply: Reply) -> float | None:
    """Seconds to wait, whether the CRM gave seconds or a date; None where it gave neither."""
    raw = reply.headers.get("retry-after", "").strip()
    if raw.isdecimal():
        return float(raw[:12])
    until = http_date(raw)
    return None if until is None else max(0.0, (until - (reply.date or now())).total_seconds())


def http_date(raw: str) -> datetime | None:
    """A date of an HTTP header."""
    try:
        found = parsedate_to_datetime(raw)
    except (TypeError, ValueError):
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)

"""Outbound HTTP: deadlines, no redirects to elsewhere, and no calls into private networks (SSRF)."""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from leadmgmt.core.errors import ConfigurationError, PermanentError, RetryableError
from leadmgmt.core.kept_words import worded

MOST_BYTES = 1024 * 1024


def _allowed_privately(host: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    for entry in settings.OUTBOUND_ALLOW_PRIVATE:
        if entry == host:
            return True
        try:
            if address in ipaddress.ip_network(entry, strict=False):
                return True
        except ValueError:
            continue
    return False


def safe_address(url: str) -> str:
    """The address to connect to for ``url``; raises ConfigurationError for anything that is not public HTTP(S).

    The name is resolved once and the connection goes to that address, so a second answer of the name server
    (DNS rebinding) changes nothing.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(worded("The address must start with https:// and name a host."))
    return safe_host(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))


def safe_host(host: str, port: int) -> str:
    """The same for a host of any protocol. Raises ConfigurationError, RetryableError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise RetryableError(worded("The host's name could not be resolved.")) from error
    for entry in found:
        address = ipaddress.ip_address(entry[4][0])
        if address.is_global or _allowed_privately(host, address):
            return str(address)
    raise ConfigurationError(
        worded("The address lies in a private network; allow it in OUTBOUND_ALLOW_PRIVATE if it is yours.")
    )


class _Line:
    """The connection of one call, cut at its deadline whatever the far side does.

    httpx counts its timeouts from one byte to the next: a server that drips its headers would never meet them.
    """

    def __init__(self, seconds: float) -> None:
        self.is_cut = False
        self._open: list[socket.socket] = []
        self._alone = threading.Lock()
        self._timer = threading.Timer(max(0.0, seconds), self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._alone:
            for line in self._open:
                line.close()
            self._open.clear()

    def note(self, name: str, info: Mapping[str, Any]) -> None:
        """Take hold of the connection as soon as there is one (httpx's extension `trace`)."""
        if name == "connection.connect_tcp.complete":
            # A descriptor of our own: encryption takes the first one over.
            with self._alone:
                self._open.append(info["return_value"].get_extra_info("socket").dup())
            if self.is_cut:
                self._cut()

    def _cut(self) -> None:
        self.is_cut = True
        with self._alone:
            for line in self._open:
                with suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)


class NotSent(RetryableError):
    """No connection came about: the far side has heard nothing."""


def exchange(
    method: str,
    url: str,
    *,
    seconds: float,
    headers: Mapping[str, str] | None = None,
    most_bytes: int = MOST_BYTES,
    **request: Any,
) -> httpx.Response:
    """One request with a deadline of ``seconds`` for the whole of it; whatever status comes back is the caller's.

    ``request``: json, content, data or params, as httpx takes them. Only looking up the host's name may take longer,
    as nothing can interrupt that.
    Raises NotSent (no connection), RetryableError (no whole answer: the far side may have heard it), PermanentError
    (an answer of more than ``most_bytes``) or ConfigurationError.
    """
    ends = time.monotonic() + seconds
    parts = urlsplit(url)
    try:
        address = safe_address(url)
    except RetryableError as error:
        raise NotSent(str(error)) from error
    host = f"[{address}]" if ":" in address else address
    target = parts._replace(netloc=f"{host}:{parts.port}" if parts.port else host).geturl()
    line = _Line(ends - time.monotonic())
    said = {"Host": parts.netloc.rpartition("@")[2], **(headers or {})}
    extensions = {"sni_hostname": parts.hostname, "trace": line.note}
    try:
        with (
            line,
            httpx.Client(timeout=seconds, follow_redirects=False, trust_env=False, verify=_encryption()) as client,
            client.stream(method, target, headers=said, extensions=extensions, **request) as response,
        ):
            body = _body(response, most_bytes)
            plain = _plain(response.headers)
            answer = httpx.Response(response.status_code, headers=plain, content=body, request=response.request)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise NotSent(f"No connection: {type(error).__name__}.") from error
    except httpx.HTTPError as error:
        if line.is_cut:
            raise RetryableError(worded("The answer took longer than the deadline.")) from error
        raise RetryableError(worded("No answer: %(kind)s.", kind=type(error).__name__)) from error
    if line.is_cut:
        # An answer without a length ends where it was cut.
        raise RetryableError(worded("The answer took longer than the deadline."))
    return answer


def call(
    method: str,
    url: str,
    *,
    seconds: float,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    params: Mapping[str, str] | None = None,
) -> httpx.Response:
    """An exchange whose answer is a success: at most 1 MB of it, within ``seconds``.

    Raises RetryableError (unreachable, slow, 429, 5xx), PermanentError (other 4xx, too large) or ConfigurationError.
    """
    answer = exchange(method, url, seconds=seconds, headers=headers, json=json, params=params)
    if answer.status_code == 429 or answer.status_code >= 500:
        raise RetryableError(
            worded("The service answered %(status)s.", status=answer.status_code),
            retry_after=_retry_after(answer),
        )
    if answer.status_code >= 400:
        raise PermanentError(worded("The service answered %(status)s.", status=answer.status_code))
    return answer


@lru_cache(maxsize=1)
def _encryption() -> ssl.SSLContext:
    """Read once: the certificates take longer to load than most calls."""
    return httpx.create_ssl_context(trust_env=False)


def _body(response: httpx.Response, most: int) -> bytes:
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > most:
            raise PermanentError(worded("The answer is larger than %(number)s MB.", number=most // MOST_BYTES))
    return bytes(body)


def _plain(headers: httpx.Headers) -> dict[str, str]:
    """Headers without those that describe the encoded body, which is decoded by now."""
    return {
        k: v for k, v in headers.items() if k.lower() not in ("content-encoding", "content-length", "transfer-encoding")
    }


def _retry_after(response: httpx.Response) -> float | None:
    raw = response.headers.get("Retry-After", "")
    return float(raw) if raw.isdigit() else None

"""The address the product answers on."""

import errno
import socket

from django.core.exceptions import ImproperlyConfigured

DEFAULT_PORT = 8000
TRIED = 20


def listen(bind: str, port: int | None) -> socket.socket:
    """A listening socket, kept by the supervisor so that a request finds a queue while the web process restarts.

    Without a port: 8000, or the next free one. A port that was asked for is taken or refused with a sentence.
    """
    for candidate in [port] if port else range(DEFAULT_PORT, DEFAULT_PORT + TRIED):
        try:
            return _bound(bind, candidate)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and not port:
                continue
            raise ImproperlyConfigured(_sentence(bind, candidate, error)) from None
    last = DEFAULT_PORT + TRIED - 1
    raise ImproperlyConfigured(f"The ports {DEFAULT_PORT} to {last} are all in use: set PORT to a free one.")


def _bound(bind: str, port: int) -> socket.socket:
    family, kind, proto, _, address = socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM)[0]
    found = socket.socket(family, kind, proto)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(2048)
    except OSError:
        found.close()
        raise
    return found


def _sentence(bind: str, port: int, error: OSError) -> str:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"BIND is {bind!r}, which is no address of this machine: set it to 127.0.0.1 or 0.0.0.0."
    if error.errno == errno.EADDRINUSE:
        return f"PORT {port} is in use by another program: stop that, or set PORT to a free one."
    if error.errno == errno.EACCES:
        return f"PORT {port} may only be used by root: set PORT to 1024 or more."
    return f"The address {bind}:{port} cannot be used ({error.strerror}): set BIND and PORT."

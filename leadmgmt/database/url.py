"""Reads DATABASE_URL."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

EXAMPLE = "postgresql://user:password@host:5432/name"
SCHEMES = {"postgres", "postgresql"}
# What may follow the question mark: libpq's own words for encryption and for a socket's folder.
OPTIONS = {"sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout", "application_name", "options", "host"}


def parse(url: str) -> dict[str, Any]:
    """Name, user, password, host, port and options. ImproperlyConfigured says what to mend, never the password."""
    scheme, found, _ = url.partition("://")
    if not found:
        raise ImproperlyConfigured(f"DATABASE_URL is not an address: write it as {EXAMPLE}.")
    if scheme not in SCHEMES:
        raise ImproperlyConfigured(
            f"DATABASE_URL begins with {scheme}://, and Leadmgmt runs on PostgreSQL only: write it as {EXAMPLE}."
        )
    try:
        parts = urlsplit(url)
        port = parts.port or 5432
    except ValueError:
        raise ImproperlyConfigured(
            f"DATABASE_URL has a port or host that cannot be read: write it as {EXAMPLE}, "
            "with special characters of the password percent-encoded."
        ) from None
    name = unquote(parts.path.lstrip("/"))
    if not name or "/" in name:
        raise ImproperlyConfigured(f"DATABASE_URL names no database: write it as {EXAMPLE}.")
    options = _options(parts.query)
    return {
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", "") or unquote(parts.hostname or ""),
        "PORT": str(port),
        "OPTIONS": options,
    }


def _options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query))
    for word in options:
        if word not in OPTIONS:
            raise ImproperlyConfigured(
                f"DATABASE_URL has the option {word!r}, which is not known: use one of {', '.join(sorted(OPTIONS))}."
            )
    return options

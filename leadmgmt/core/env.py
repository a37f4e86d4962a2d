"""Settings from the environment, with an error that says what to mend."""

import os
import re
from collections.abc import Iterable
from email.utils import parseaddr
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import unquote, urlsplit
from zoneinfo import available_timezones

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}
HOST = re.compile(r"(?!-)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def read_file(path: Path) -> None:
    """Take NAME=value lines from a file where the environment does not say otherwise; # begins a comment line."""
    if not path.is_file():
        return
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ImproperlyConfigured(f"{path} cannot be read ({why}): save it as UTF-8, readable for you.") from None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        name, found, value = line.removeprefix("export ").partition("=")
        if not found or not name.strip().isidentifier():
            raise ImproperlyConfigured(f"Line {number} of {path} cannot be read: write it as NAME=value.")
        os.environ.setdefault(name.strip(), value.strip().strip("'\""))


def env_address(name: str, default: str) -> str:
    """A web address without a path, as https://leads.example.com; raises ImproperlyConfigured otherwise."""
    url = env_str(name) or default
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known or parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
        raise ImproperlyConfigured(f"{name} is {url!r}: set it to an address such as https://leads.example.com.")
    return url.rstrip("/")


def env_str(name: str, default: str = "") -> str:
    """The variable as text, without surrounding blanks."""
    return os.environ.get(name, default).strip()


def env_bool(name: str, *, default: bool) -> bool:
    """A switch: 1/true/yes/on or 0/false/no/off. Anything else raises ImproperlyConfigured."""
    raw = os.environ.get(name)
    if raw is None:
        return default
    word = raw.strip().lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise ImproperlyConfigured(f"{name} is {raw!r}: set it to true or false.")


def env_int(name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
    """A whole number between ``least`` and ``most``; raises ImproperlyConfigured otherwise."""
    raw = os.environ.get(name, "").strip()
    if not raw:
        return default
    try:
        number = int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {raw!r}: set it to a whole number.") from None
    if not least <= number <= most:
        raise ImproperlyConfigured(f"{name} is {number}: set it between {least} and {most}.")
    return number


def env_choice(name: str, default: str, choices: Iterable[str]) -> str:
    """One of ``choices``, whatever its case; raises ImproperlyConfigured otherwise."""
    raw = env_str(name) or default
    for choice in choices:
        if raw.lower() == choice.lower():
            return choice
    raise ImproperlyConfigured(f"{name} is {raw!r}: set it to one of {', '.join(choices)}.")


def env_code(name: str, default: str, length: int) -> str:
    """So many letters, in capitals, as ISO codes are written; raises ImproperlyConfigured otherwise."""
    code = (env_str(name) or default).upper()
    if len(code) != length or not (code.isascii() and code.isalpha()):
        raise ImproperlyConfigured(f"{name} is {code!r}: set it to a code of {length} letters such as {default}.")
    return code


def env_zone(name: str, default: str) -> str:
    """A time zone by its name in the IANA database; raises ImproperlyConfigured otherwise."""
    zone = env_str(name) or default
    if zone not in available_timezones():
        raise ImproperlyConfigured(f"{name} is {zone!r}: set it to a name such as Europe/Berlin.")
    return zone


def env_list(name: str, default: str = "") -> list[str]:
    """Comma-separated words, blanks and empties dropped."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def env_origins(name: str) -> list[str]:
    """Comma-separated web addresses; raises ImproperlyConfigured for one that is none. ``*.`` stands for any host."""
    found = env_list(name)
    for origin in found:
        scheme, _, host = origin.partition("://")
        if scheme not in ("http", "https") or not host or set("/?# ") & set(host):
            raise ImproperlyConfigured(f"{name} has {origin!r}: write it as https://leads.example.com.")
    return found


def env_hosts(name: str) -> list[str]:
    """Comma-separated host names, addresses or networks; raises ImproperlyConfigured for what is none of these."""
    found = env_list(name)
    for entry in found:
        try:
            ip_network(entry, strict=False)
        except ValueError:
            digits_only = set(entry) <= set("0123456789.:/")
            if digits_only or not HOST.fullmatch(entry):
                raise ImproperlyConfigured(
                    f"{name} has {entry!r}: write a host such as data.example.com or a network such as 10.0.5.0/24."
                ) from None
    return found


def env_sender(name: str, default: str) -> str:
    """A sender as `Name <address>` or an address alone; raises ImproperlyConfigured otherwise."""
    sender = env_str(name) or default
    address = parseaddr(sender)[1]
    local, at, domain = address.rpartition("@")
    if not (at and local and domain) or set("\r\n ") & set(address) or "\n" in sender or "\r" in sender:
        raise ImproperlyConfigured(f"{name} is {sender!r}: set it to a sender such as Leads <leads@example.com>.")
    return sender


def env_mail(name: str) -> dict[str, str | int | bool]:
    """A mail server as smtp://user:password@host:587 (STARTTLS) or smtps://… (TLS from the start, 465).

    Returns Django's EMAIL_* values; none when the variable is empty. ``smtp://host:25?tls=no`` sends in the clear.
    """
    url = env_str(name)
    if not url:
        return {}
    form = "smtp://user:password@host:587 or smtps://user:password@host"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ImproperlyConfigured(f"{name} has a port that cannot be read: write it as {form}.") from None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ImproperlyConfigured(f"{name} is not a mail server's address: write it as {form}.")
    if parts.query not in ("", "tls=no") or parts.path not in ("", "/"):
        raise ImproperlyConfigured(f"{name} has words after the host that are not known: write it as {form}.")
    secure = parts.scheme == "smtps"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port or (465 if secure else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": secure,
        "EMAIL_USE_TLS": not secure and parts.query != "tls=no",
    }

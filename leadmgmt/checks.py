"""System checks: what an operator has set in a way that does not work, or is not safe, and how to mend it."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections

from leadmgmt.core.env import env_str
from leadmgmt.database.problems import OLDEST

LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}


def register_all() -> None:
    """Make Django run them: with every command, and those of the database when a database is asked for."""
    register(check_keys, Tags.security)
    register(check_public, Tags.security)
    register(check_mail, Tags.compatibility)
    register(check_queue, Tags.compatibility)
    register(check_database, Tags.database)


def check_keys(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """E001: FIELD_KEYS must hold Fernet keys. W001: SECRET_KEY must not be guessable."""
    found: list[CheckMessage] = []
    for position, key in enumerate(settings.FIELD_KEYS, 1):
        try:
            Fernet(key)
        except ValueError:
            hint = "Leave FIELD_KEYS out, then one is made under var/, or use cryptography's Fernet.generate_key()."
            found.append(Error(f"FIELD_KEYS: key number {position} is no Fernet key.", hint, id="leadmgmt.E001"))
    if len(settings.SECRET_KEY) < 32 and _is_public():
        hint = "Set SECRET_KEY to 50 random characters, or leave it out: then one is made and kept under var/."
        found.append(Warning("SECRET_KEY is short.", hint, id="leadmgmt.W001"))
    return found


def check_public(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """What is harmless on one's own machine but not for strangers: DEBUG, no HTTPS, links that lead nowhere."""
    found: list[CheckMessage] = []
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    if settings.DEBUG and _is_public():
        hint = "Unset DEBUG, or BIND to 127.0.0.1."
        found.append(Error("DEBUG is on while others can reach this address.", hint, id="leadmgmt.E002"))
    if settings.BIND not in LOCAL_HOSTS and host in LOCAL_HOSTS:
        hint = "Set PUBLIC_URL to the address under which people reach it, such as https://leads.example.com."
        found.append(Warning("Links in mails lead to localhost although BIND is public.", hint, id="leadmgmt.W002"))
    if host not in LOCAL_HOSTS and not settings.SECURE:
        hint = "Put a proxy with a certificate in front, set PUBLIC_URL to https://… and BEHIND_PROXY=true."
        found.append(Warning("Passwords and keys travel unencrypted.", hint, id="leadmgmt.W003"))
    if settings.ALLOWED_HOSTS and "*" not in settings.ALLOWED_HOSTS and not _is_allowed(host):
        hint = "Add it to ALLOWED_HOSTS, or leave ALLOWED_HOSTS out."
        found.append(Error(f"ALLOWED_HOSTS lacks {host!r}, the host of PUBLIC_URL.", hint, id="leadmgmt.E003"))
    return found


def check_mail(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """W004: mail that only becomes files. W005: a sender that mail servers refuse."""
    found: list[CheckMessage] = []
    if not _is_public():
        return found
    if str(settings.EMAIL_BACKEND).endswith("OutboxFolderBackend"):
        hint = "Set EMAIL_URL, such as smtp://user:password@mail.example.com:587."
        found.append(Warning(f"Mail is not sent but kept in {settings.EMAIL_FILE_PATH}.", hint, id="leadmgmt.W004"))
    if settings.DEFAULT_FROM_EMAIL.rstrip(">").endswith("@localhost"):
        hint = "Set DEFAULT_FROM_EMAIL, such as Leads <leads@example.com>."
        found.append(Warning("Mail is sent from an address at localhost.", hint, id="leadmgmt.W005"))
    return found


def check_queue(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """E004: a job must be over well before the queue hands it to another worker."""
    queue: dict[str, Any] = settings.Q_CLUSTER
    if queue["retry"] >= 2 * queue["timeout"]:
        return []
    hint = "Keep Q_CLUSTER's retry at twice its timeout or more."
    return [Error("The queue would run a job again while it still runs.", hint, id="leadmgmt.E004")]


def check_database(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """E005: PostgreSQL too old. E006: pg_trgm missing. E007: not UTF-8. Run by the start, and by check --database."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        with connections[alias].cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('server_version_num')::int / 10000, current_setting('server_encoding')"
            )
            version, encoding = cursor.fetchone()
            cursor.execute("SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm')")
            (trigrams,) = cursor.fetchone()
        if version < OLDEST:
            hint = f"Use PostgreSQL {OLDEST} or newer."
            found.append(Error(f"PostgreSQL {version} is too old.", hint, id="leadmgmt.E005"))
        if not trigrams:
            hint = "Install PostgreSQL's contrib modules on the database server (a package such as postgresql-contrib)."
            found.append(Error("The extension pg_trgm is not installed.", hint, id="leadmgmt.E006"))
        if encoding != "UTF8":
            hint = "Make the database anew: createdb --encoding=UTF8 --template=template0 NAME."
            found.append(Error(f"The database stores text as {encoding}.", hint, id="leadmgmt.E007"))
    return found


def _is_public() -> bool:
    """Whether others than this machine's users can reach the product."""
    host = urlsplit(env_str("PUBLIC_URL")).hostname
    return settings.BIND not in LOCAL_HOSTS or (host is not None and host not in LOCAL_HOSTS)


def _is_allowed(host: str) -> bool:
    """Whether ALLOWED_HOSTS covers the host, as Django reads it: a leading dot covers every name below."""
    return any(
        host == allowed.strip("[]") or (allowed.startswith(".") and f".{host}".endswith(allowed))
        for allowed in settings.ALLOWED_HOSTS
    )

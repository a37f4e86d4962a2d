"""Secrets at rest: where this installation's own keys live, encryption of stored credentials, hashing of tokens."""

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from leadmgmt.core.errors import ConfigurationError


def local_secret(folder: Path, name: str) -> str:
    """A random key kept in ``folder``, made on first use and readable by its owner alone.

    Two first starts at once agree: the file is created exclusively, the loser reads the winner's.
    """
    path = folder / f"{name}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(Fernet.generate_key().decode())
        return path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"{path} can be neither read nor made ({error.strerror}): set LEADMGMT_VAR to a folder of your own."
        ) from None


def _box() -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in settings.FIELD_KEYS])
    except ValueError as error:
        raise ConfigurationError("FIELD_KEYS holds a value that is no Fernet key (44 characters).") from error


def seal(plain: str) -> str:
    """Encrypt a credential with the newest key."""
    return _box().encrypt(plain.encode()).decode()


def unseal(sealed: str) -> str:
    """Decrypt a credential; ConfigurationError when no key in FIELD_KEYS opens it."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise ConfigurationError("A stored credential cannot be opened: FIELD_KEYS lacks its key.") from error


def new_token(prefix: str) -> str:
    """A fresh bearer token, 256 bits behind a readable prefix."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def hash_token(token: str) -> str:
    """What is stored of a token: SHA-256 in hex (a random 256-bit token needs no slow hash)."""
    return hashlib.sha256(token.encode()).hexdigest()


def same(left: str, right: str) -> bool:
    """Compare two secrets in constant time, whatever characters they hold."""
    return hmac.compare_digest(left.encode(), right.encode())

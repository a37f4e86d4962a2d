"""Settings from the environment, with an error that says what to mend."""

import os

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


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


def env_list(name: str, default: str = "") -> list[str]:
    """Comma-separated words, blanks and empties dropped."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]

"""What a CRM tells of companies and of deals that are not ours, in one form; shared by the adapters."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from crmsync.adapters.base import ACCOUNT, ANY_DEAL, OPT_OUT, Remote, Value
from crmsync.adapters.columns import read_value

# Another way to say that a company buys, than a word that begins so or a count of its purchases.
CUSTOMER_VALUES = "customer_values"


def told(remote: Remote, config: Mapping[str, Any]) -> Remote:
    """The same record with what routing asks of it; any other kind as it is."""
    if remote.kind == ACCOUNT:
        return replace(remote, values={**remote.values, "customer": is_customer(remote.values.get("customer"), config)})
    if remote.kind == OPT_OUT:
        no_email = any(_is_true(remote.values.get(name)) for name in ("no_email", "unsubscribed"))
        no_call = _is_true(remote.values.get("no_call"))
        return replace(remote, values={**remote.values, "no_email": no_email, "no_call": no_call})
    if remote.kind == ANY_DEAL:
        return replace(remote, values={**remote.values, "state": _state(remote.values)})
    return remote


def is_customer(raw: Value, config: Mapping[str, Any]) -> bool:
    """Whether the CRM's own mark says that the company buys from us already."""
    word = str(raw or "").strip().lower()
    chosen = config.get(CUSTOMER_VALUES)
    if isinstance(chosen, list) and chosen:
        return word in {str(one).strip().lower() for one in chosen}
    return word.startswith("customer") or (word.isdecimal() and int(word) > 0)


def host_of(website: str) -> str:
    """The host of a website or address as people write them, without “www.”; empty where there is none."""
    rest = website.strip().lower().rpartition("//")[2].rpartition("@")[2]
    host = rest.partition("/")[0].partition(":")[0].removeprefix("www.")
    return host if "." in host else ""


def _state(values: Mapping[str, Value]) -> str:
    """`open`, `won` or `lost`, from two marks that are true, “true” or a word of a list."""
    if _is_true(values.get("is_won")):
        return "won"
    return "lost" if _is_true(values.get("is_closed")) else "open"


def _is_true(value: Value) -> bool:
    return str(read_value("", value) or "").lower() in ("true", "1")

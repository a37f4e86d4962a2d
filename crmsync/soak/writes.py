"""Which requests of each adapter change something, as seen from the wire."""

import json
from collections.abc import Callable

ACTIONS = ("create", "write", "delete", "opportunity", "lost", "lead", "cancel", "convert")


def is_write(adapter: str) -> Callable[[str, str, bytes], bool]:
    """The question for one adapter: (method, path, body) → whether it writes."""
    return {"odoo": _odoo, "tryton": _tryton}.get(adapter, _rest)


def _rest(method: str, path: str, body: bytes) -> bool:
    signs_in = "/oauth2/" in path or path.startswith("/oauth/")
    return method != "GET" and not path.endswith("/search") and not signs_in


def _odoo(method: str, path: str, body: bytes) -> bool:
    asked = json.loads(body or b"{}").get("params", {})
    return len(asked.get("args", ())) > 4 and asked["args"][4] in ("create", "write", "unlink")


def _tryton(method: str, path: str, body: bytes) -> bool:
    return str(json.loads(body or b"{}").get("method", "")).rpartition(".")[2] in ACTIONS

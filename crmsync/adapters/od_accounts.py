"""What Odoo tells of companies (`res.partner`) and of every opportunity."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from crmsync.adapters import accounts
from crmsync.adapters.base import ACCOUNT, ANY_DEAL, OPT_OUT, Remote
from crmsync.adapters.columns import read_value

TELLS = (ACCOUNT, ANY_DEAL, OPT_OUT)
MODELS = {ACCOUNT: "res.partner", ANY_DEAL: "crm.lead", OPT_OUT: "mail.blacklist"}
FIELDS = {
    ACCOUNT: ["name", "website", "email", "user_id"],
    OPT_OUT: ["email"],
    ANY_DEAL: ["name", "expected_revenue", "partner_id", "user_id", "active", "probability"],
}
NARROWED: dict[str, list[list[Any]]] = {
    ACCOUNT: [["is_company", "=", True]],
    OPT_OUT: [["active", "=", True]],
    ANY_DEAL: [["type", "=", "opportunity"], ["partner_id", "!=", False]],
}
# Counts purchases; only there where Odoo keeps the books.
CUSTOMER = "customer_rank"

Call = Callable[..., Any]


def read(
    call: Call, kind: str, domain: list[Any], limit: int, config: Mapping[str, Any], deadline: datetime
) -> list[Remote]:
    """One page by id."""
    model, wanted = MODELS[kind], [*FIELDS[kind], "write_date", "create_date"]
    mark = str(config.get("customer_field", CUSTOMER))
    if kind == ACCOUNT and mark in call(model, "fields_get", [[mark]], {"attributes": ["type"]}, deadline):
        wanted.append(mark)
    options = {"fields": wanted, "order": "id", "limit": limit, "context": {"active_test": kind != ANY_DEAL}}
    rows = call(model, "search_read", [[*NARROWED[kind], *domain]], options, deadline)
    owners = _addresses(call, {row["user_id"][0] for row in rows if row.get("user_id")}, deadline)
    return [accounts.told(_remote(kind, row, mark, owners), config) for row in rows]


def _addresses(call: Call, users: set[int], deadline: datetime) -> dict[int, str]:
    if not users:
        return {}
    found = call("res.users", "read", [sorted(users)], {"fields": ["login", "email"]}, deadline)
    return {one["id"]: one["email"] or one["login"] for one in found}


def _remote(kind: str, row: Mapping[str, Any], mark: str, owners: Mapping[int, str]) -> Remote:
    raw = row["write_date"] or row["create_date"]
    modified = datetime.fromisoformat(raw).replace(tzinfo=UTC)
    if kind == OPT_OUT:
        return Remote(kind, str(row["id"]), None, {"email": row["email"], "no_email": True}, raw, modified)
    values: dict[str, Any] = {
        "name": row["name"],
        "owner_email": owners.get(row["user_id"][0]) if row["user_id"] else None,
    }
    if kind == ACCOUNT:
        values |= {"domain": row["website"] or row["email"] or None, "customer": row.get(mark)}
    else:
        # A lost one is archived; one that is won is certain.
        won = bool(row["active"]) and row["probability"] >= 100
        values |= {
            "amount": read_value("amount", row["expected_revenue"]),
            "account": str(row["partner_id"][0]),
            "is_closed": won or not row["active"],
            "is_won": won,
        }
    return Remote(kind, str(row["id"]), None, values, raw, modified)

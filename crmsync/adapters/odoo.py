"""Odoo over JSON-RPC: `crm.lead` as the opportunity, archived for lost ones, error names inside HTTP 200.

Shape-tested against a stand-in. ``config``: ``address``, ``database``, ``login``, ``key_field``, ``fields``.
``secret``: JSON with ``key`` (an API key of that user).

Company and person are fields of the opportunity there, so no contact is ever left behind. A stage crosses as the id
of the stage, `lost` stands for an archived one. Times are shown to the second only while the database keeps more: a
page therefore goes by id within a window that stands still, and a version is the time with a hash of the values.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from crmsync.adapters import od_accounts, od_words
from crmsync.adapters.base import (
    DEAL,
    Associate,
    Capabilities,
    ChangePage,
    DeletionPage,
    FieldSchema,
    Health,
    Hint,
    RawRequest,
    RawResponse,
    Remote,
    RemoteSchema,
    SetStage,
    Upsert,
    Value,
    Values,
    Window,
    Written,
)
from crmsync.adapters.columns import Columns
from crmsync.adapters.errors import (
    AdapterError,
    AuthRevoked,
    BadSignature,
    Gone,
    Invalid,
    Malformed,
    Unsupported,
)
from crmsync.adapters.wire import Reply, by_status, once, unclear
from crmsync.canonical import digest
from leadmgmt.core.kept_words import worded
from leadmgmt.core.now import now
from leadmgmt.core.secrets import same

MODEL = "crm.lead"
KEY_FIELD = "x_lms_key"
LOST = "lost"
COLUMNS = {
    DEAL: {
        "name": "name",
        "company": "partner_name",
        "contact": "contact_name",
        "contact_email": "email_from",
        "contact_phone": "phone",
        "amount": "expected_revenue",
        "close_on": "date_deadline",
        "stage": "stage_id",
        "lost_reason": "lost_reason_id",
        "owner_email": "user_id",
        "source": "x_lms_source",
        "campaign": "x_lms_campaign",
        "summary": "x_lms_summary",
        "history": "x_lms_history",
        "consent": "x_lms_consent",
        "link": "x_lms_link",
        "currency": "",
    }
}
# Those that are another record there; the adapter looks them up.
RELATIONS = ("stage", "lost_reason", "owner_email")
LONG_TEXTS = frozenset({"x_lms_summary", "x_lms_history", "x_lms_consent"})
CAPABILITIES = Capabilities(
    create_idempotency="none",
    compare_and_set=False,
    version_kind="etag",
    timestamp_precision=timedelta(seconds=1),
    # A transaction stamps its writes when it begins; the server ends any that takes longer.
    max_commit_lag=timedelta(minutes=2),
    max_in_flight=timedelta(minutes=2),
    deletes="absent",
    merges="silent",
    validates_picklists=True,
    lists_loss_reasons=True,
    webhooks=True,
    tells=od_accounts.TELLS,
    opts_out=("email",),
)


class OdooAdapter:
    """One Odoo database."""

    contract = 1

    def __init__(self, config: Mapping[str, Any], secret: str = "") -> None:
        self._config = config
        self._address = str(config.get("address", "")).rstrip("/")
        self._database, self._login = config.get("database", ""), config.get("login", "")
        self._password = json.loads(secret or "{}").get("key", "")
        self._key = config.get("key_field", KEY_FIELD)
        self._columns = Columns(COLUMNS[DEAL], config, DEAL)
        self._user: int | None = None
        self._known: dict[tuple[str, str], Any] = {}

    def capabilities(self) -> Capabilities:
        """No unique key, no compare-and-set."""
        return CAPABILITIES

    def fields(self, kind: str) -> Mapping[str, str]:
        """What is mapped."""
        return self._columns.as_map()

    def page_of(self, kind: str, remote_id: str) -> str:
        """The opportunity's form."""
        return f"{self._address}/web#id={int(remote_id)}&model={MODEL}&view_type=form"

    def check(self, deadline: datetime) -> Health:
        """Sign in; the clock is the server's."""
        self._user = None
        user, reply = self._sign_in(deadline)
        return Health(self._database, str(user), reply.date or now())

    def describe(self, kind: str, deadline: datetime) -> RemoteSchema:
        """Fields and stages."""
        wanted = {"attributes": ["type", "required", "selection", "size"]}
        told = self._call(MODEL, "fields_get", [], wanted, deadline)
        fields = tuple(
            FieldSchema(
                name,
                one["type"],
                one.get("size") or None,
                not one.get("required"),
                tuple(str(option[0]) for option in one.get("selection") or ()),
            )
            for name, one in sorted(told.items())
        )
        stages = self._call("crm.stage", "search_read", [[]], {"fields": ["name"], "order": "sequence, id"}, deadline)
        ids = (*(str(stage["id"]) for stage in stages), LOST)
        return RemoteSchema(kind, fields, ids, hashlib.sha256(repr((fields, ids)).encode()).hexdigest())

    def prepare(self, deadline: datetime) -> list[str]:
        """Make the fields of ours that are not there; needs an administrator's key. Returns their names."""
        known = self._call(MODEL, "fields_get", [], {"attributes": ["type"]}, deadline)
        model = self._call("ir.model", "search_read", [[["model", "=", MODEL]]], {"fields": ["id"]}, deadline)[0]["id"]
        made = []
        for name in sorted({self._key, *self._columns.all_theirs()} - set(known)):
            field = {
                "model_id": model,
                "name": name,
                "field_description": name.removeprefix("x_").replace("_", " ").capitalize(),
                "ttype": "text" if name in LONG_TEXTS else "char",
                "state": "manual",
                "copied": False,
                "index": name == self._key,
            }
            self._call("ir.model.fields", "create", [field], {}, deadline, is_write=True)
            made.append(name)
        return made

    def upsert(self, cmd: Upsert, deadline: datetime) -> Written:
        """One write, read back. Company and person go along in the same record."""
        body, warnings = self._body(cmd.set, deadline)
        if cmd.remote_id is None:
            body |= {self._key: cmd.external_key, "type": "opportunity"}
            made = self._call(MODEL, "create", [body], {}, deadline, is_write=True)
            number = made[0] if isinstance(made, list) else made
        else:
            number = int(cmd.remote_id)
            body |= {self._key: cmd.external_key} if cmd.with_key else {}
            self._call(MODEL, "write", [[number], body], {}, deadline, is_write=True)
        try:
            remote = self.get(DEAL, str(number), deadline)
        except AdapterError as error:
            # The write went through; only what it led to is unknown.
            raise unclear(True, str(error)) from error
        created = cmd.remote_id is None
        return Written(remote.remote_id, remote.version, remote.values, created, remote.modified_at, tuple(warnings))

    def set_stage(self, cmd: SetStage, deadline: datetime) -> Written:
        """Stage, reason and date in one write: a lost one is archived with its reason."""
        return self.upsert(cmd.as_upsert(), deadline)

    def associate(self, cmd: Associate, deadline: datetime) -> None:
        """Company and person are fields of the opportunity."""

    def opt_out(self, email: str, purposes: Sequence[str], deadline: datetime) -> None:
        """Onto the blacklist, which every mailing there respects; an address stands on it once."""
        if "email" in purposes:
            self._call("mail.blacklist", "create", [{"email": email}], {}, deadline, is_write=True)

    def archive(self, kind: str, remote_id: str, if_version: str | None, deadline: datetime) -> None:
        """Out of sight, as Odoo does it; nothing is deleted."""
        self._call(MODEL, "write", [[int(remote_id)], {"active": False}], {}, deadline, is_write=True)

    def get(self, kind: str, remote_id: str, deadline: datetime) -> Remote:
        """One record. Reading by id tells a missing one from one that we may not see."""
        wanted = {"fields": self._wanted(), "context": {"active_test": False}}
        found = self._call(MODEL, "read", [[int(remote_id)]], wanted, deadline)
        if not found:
            raise Gone(worded("Odoo has no such opportunity."))
        return self._remotes(found, deadline)[0]

    def find_by_key(self, kind: str, external_key: str, deadline: datetime) -> list[Remote]:
        """Lost ones as well."""
        return self._search([[self._key, "=", external_key]], 0, deadline)

    def match(self, kind: str, values: Values, deadline: datetime) -> list[Remote]:
        """There are no parents to match."""
        return []

    def changes(self, kind: str, window: Window, token: str | None, limit: int, deadline: datetime) -> ChangePage:
        """The window by id; a record that changes meanwhile leaves it and is found by the next poll."""
        domain: list[Any] = [*od_words.within(window), ["id", ">", int(token or 0)]]
        if kind in od_accounts.TELLS:
            found = od_accounts.read(self._call, kind, domain, limit, self._config, deadline)
        else:
            found = self._search([[self._key, "!=", False], *domain], limit, deadline)
        if len(found) < limit:
            return ChangePage(found, None, window.hi)
        return ChangePage(found, found[-1].remote_id, window.lo)

    def deletions(self, kind: str, window: Window, token: str | None, deadline: datetime) -> DeletionPage:
        """Only a sweep tells."""
        raise Unsupported("Odoo has no feed of deletions.")

    def parse_webhook(self, raw: RawRequest, secrets: Sequence[str]) -> list[Hint]:
        """An automation rule's “send webhook”: not signed, so a secret ends the address."""
        given = raw.url.partition("?")[0].rstrip("/").rpartition("/")[2]
        if not any(same(given, secret) for secret in secrets if secret):
            raise BadSignature("The address holds no secret of ours.")
        try:
            told = json.loads(raw.body)
            number, model = int(told.get("_id") or told["id"]), told.get("_model", MODEL)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Malformed("The body names no record.") from error
        if model != MODEL:
            return []
        return [Hint(str(number), DEAL, hashlib.sha256(b"odoo|" + raw.body).hexdigest())]

    def webhook_reply(self, accepted: bool) -> RawResponse:
        """Odoo looks at the status alone."""
        return RawResponse(200 if accepted else 503)

    def close(self) -> None:
        """Nothing is held open."""

    def _wanted(self) -> list[str]:
        return sorted({*self._columns.all_theirs(), self._key, "active", "create_date", "write_date", "write_uid"})

    def _body(self, values: Values, deadline: datetime) -> tuple[dict[str, Any], list[str]]:
        columns, warnings = self._columns, []
        body = {name: od_words.plain(value) for name, value in columns.outgoing(values, but=RELATIONS).items()}
        if stage := values.get("stage"):
            body |= (
                {"active": False, "probability": 0}
                if stage == LOST
                else {"active": True, "stage_id": od_words.stage_id(stage)}
            )
        if "lost_reason" in values and "lost_reason" in columns:
            body[columns.theirs("lost_reason")] = self._reason(values["lost_reason"], deadline)
        if (email := values.get("owner_email")) and "owner_email" in columns:
            if owner := self._find("res.users", ["|", ["login", "=", email], ["email", "=", email]], deadline):
                body[columns.theirs("owner_email")] = owner
            else:
                warnings.append("owner unknown in the CRM")
        return body, warnings

    def _reason(self, text: Value, deadline: datetime) -> int | bool:
        if text is None:
            return False
        if found := self._find("crm.lost.reason", [["name", "=", text]], deadline):
            return found
        raise Invalid(field_errors={"lost_reason": worded("Odoo has no such reason.")})

    def _find(self, model: str, domain: list[Any], deadline: datetime) -> int | None:
        """The one record that this describes; None for none or several."""
        place = (model, repr(domain))
        if place not in self._known:
            found = self._call(model, "search_read", [domain], {"fields": ["id"], "limit": 2}, deadline)
            self._known[place] = found[0]["id"] if len(found) == 1 else None
        number: int | None = self._known[place]
        return number

    def _search(self, domain: list[Any], limit: int, deadline: datetime) -> list[Remote]:
        asked: dict[str, Any] = {"fields": self._wanted(), "order": "id", "context": {"active_test": False}}
        if limit:
            asked["limit"] = limit
        return self._remotes(self._call(MODEL, "search_read", [domain], asked, deadline), deadline)

    def _remotes(self, found: list[Mapping[str, Any]], deadline: datetime) -> list[Remote]:
        users = {one["user_id"][0] for one in found if one.get("user_id")}
        unknown = [number for number in sorted(users) if ("user", str(number)) not in self._known]
        if unknown:
            asked = {"fields": ["login", "email"]}
            for user in self._call("res.users", "read", [unknown], asked, deadline):
                self._known["user", str(user["id"])] = user["email"] or user["login"]
        return [self._remote(one) for one in found]

    def _remote(self, told: Mapping[str, Any]) -> Remote:
        values = self._columns.incoming(told, but=RELATIONS)
        stage, reason, owner = (told.get(name) for name in ("stage_id", "lost_reason_id", "user_id"))
        values["stage"] = LOST if not told["active"] else str(stage[0]) if stage else None
        values["lost_reason"] = reason[1] if reason else None
        values["owner_email"] = self._known.get(("user", str(owner[0]))) if owner else None
        raw = told["write_date"] or told["create_date"]
        who = told.get("write_uid") or [""]
        return Remote(
            kind=DEAL,
            remote_id=str(told["id"]),
            external_key=told.get(self._key) or None,
            values=values,
            version=f"{raw}|{digest(values)[:16]}",
            modified_at=datetime.fromisoformat(raw).replace(tzinfo=UTC),
            modified_by=str(who[0]),
        )

    def _sign_in(self, deadline: datetime) -> tuple[int, Reply]:
        sign = [self._database, self._login, self._password, {}]
        user, reply = self._rpc("common", "authenticate", sign, deadline, is_write=False)
        if not user:
            raise AuthRevoked(worded("Odoo does not accept the key."))
        self._user = int(user)
        return self._user, reply

    def _call(
        self,
        model: str,
        method: str,
        arguments: list[Any],
        options: Mapping[str, Any],
        deadline: datetime,
        *,
        is_write: bool = False,
    ) -> Any:
        user = self._user or self._sign_in(deadline)[0]
        sent = [self._database, user, self._password, model, method, arguments, dict(options)]
        return self._rpc("object", "execute_kw", sent, deadline, is_write=is_write)[0]

    def _rpc(
        self, service: str, method: str, arguments: list[Any], deadline: datetime, *, is_write: bool
    ) -> tuple[Any, Reply]:
        params = {"service": service, "method": method, "args": arguments}
        sent = {"jsonrpc": "2.0", "method": "call", "params": params, "id": 1}
        headers = {"Accept": "application/json"}
        reply = once("POST", f"{self._address}/jsonrpc", deadline, is_write=is_write, headers=headers, json=sent)
        if reply.status != 200:
            error = by_status(reply, is_write)
            # A proxy's or a web server's no says nothing about a record.
            raise unclear(is_write, str(error)) if isinstance(error, Gone | Invalid) else error
        try:
            told = reply.json()
            failed = told.get("error")
        except (ValueError, AttributeError) as error:
            raise unclear(is_write, worded("Odoo answered without readable JSON.")) from error
        if failed:
            raise od_words.meaning(failed, is_write)
        if "result" not in told:
            raise unclear(is_write, worded("Odoo answered without a result."))
        return told["result"], reply

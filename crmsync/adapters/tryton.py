"""Tryton over JSON-RPC, as only there a write may name the version that it expects (its REST ignores it).

``config``: ``address``, ``database``, ``login``, ``company`` and ``currency`` (ids), ``fields``. ``secret``: JSON
with ``password``.

The company is a party, the person one of its contact mechanisms, our key stands in the opportunity's reference, in an
identifier of the party and in the comment of the mechanism. The state moves by actions only, so a change of stage may
take several steps; ``won`` comes from sales alone.
"""

import base64
import hashlib
import json
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from crmsync.adapters import accounts, ty_words
from crmsync.adapters.base import (
    ACCOUNT,
    ANY_DEAL,
    COMPANY,
    CONTACT,
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
    Gone,
    Invalid,
    Malformed,
    PartialWrite,
    Unsent,
    Unsupported,
    VersionConflict,
)
from crmsync.adapters.tokens import Grant, NoToken, Tokens
from crmsync.adapters.wire import Reply, Wire, once, unclear
from leadmgmt.core.kept_words import worded
from leadmgmt.core.now import now

MODELS = {
    DEAL: "sale.opportunity",
    COMPANY: "party.party",
    CONTACT: "party.contact_mechanism",
    ACCOUNT: "party.party",
    ANY_DEAL: "sale.opportunity",
}
KEYS = {DEAL: "reference", COMPANY: "identifiers.code", CONTACT: "comment"}
OWNER = "employee.party.email"
COLUMNS = {
    DEAL: {
        "name": "description",
        "amount": "amount",
        "close_on": "end_date",
        "stage": "state",
        "lost_reason": "lost_reason",
        "owner_email": OWNER,
        "currency": "currency.code",
        "brief": "comment",
    },
    COMPANY: {"name": "name"},
    CONTACT: {"name": "name", "email": "value"},
    ACCOUNT: {"name": "name", "domain": "website"},
    ANY_DEAL: {"name": "description", "amount": "amount", "owner_email": OWNER, "account": "party", "state": "state"},
}
BEGINNING = "lead"
# state → action → the state that it leads to. Whatever is missing here, only Tryton's own sales bring about.
ACTIONS = {
    "lead": {"opportunity": "opportunity", "lost": "lost", "cancel": "cancelled"},
    "opportunity": {"convert": "converted", "lead": "lead", "lost": "lost", "cancel": "cancelled"},
    "lost": {"lead": "lead"},
    "cancelled": {"lead": "lead"},
}
STATES = ("lead", "opportunity", "converted", "won", "lost", "cancelled")
CAPABILITIES = Capabilities(
    create_idempotency="none",
    compare_and_set=True,
    version_kind="etag",
    timestamp_precision=timedelta(microseconds=1),
    # A transaction stamps its writes when it begins.
    max_commit_lag=timedelta(seconds=30),
    max_in_flight=timedelta(seconds=30),
    deletes="absent",
    merges="silent",
    validates_picklists=True,
    stage_by_action=True,
    parents=(COMPANY, CONTACT),
    tells=(ACCOUNT, ANY_DEAL),
)


class TrytonAdapter:
    """One Tryton database."""

    contract = 1

    def __init__(self, config: Mapping[str, Any], secret: str = "") -> None:
        self._config = config
        self._address = str(config.get("address", "")).rstrip("/")
        self._path = f"/{quote(str(config.get('database', '')))}/rpc/"
        self._password = json.loads(secret or "{}").get("password", "")
        self._columns = {kind: Columns(own, config, kind) for kind, own in COLUMNS.items()}
        self._known: dict[tuple[str, str], int | None] = {}
        self._wire = Wire(self._address, NoToken(), _refusal, scheme="Session")

    def use_tokens(self, tokens: Tokens) -> None:
        """The engine keeps the session of all workers in one place."""
        self._wire.tokens = tokens

    def grant(self, refresh: str, deadline: datetime) -> Grant:
        """Sign in; the session is the token. Raises AuthRevoked, Unsent."""
        login = self._config.get("login", "")
        sent = {"id": 1, "method": "common.db.login", "params": [login, {"password": self._password}, "en"]}
        reply = once("POST", self._address + self._path, deadline, is_write=False, headers={}, json=sent)
        if reply.status in (401, 403):
            raise AuthRevoked(worded("Tryton does not accept the password."))
        try:
            told = reply.json().get("result")
        except (ValueError, AttributeError):
            told = None
        if reply.status != 200 or not told:
            raise Unsent(worded("Tryton gave no session: %(status)s.", status=reply.status))
        return Grant(base64.b64encode(f"{login}:{told[0]}:{told[1]}".encode()).decode())

    def capabilities(self) -> Capabilities:
        """Compare-and-set, no unique key, stages by action."""
        return CAPABILITIES

    def fields(self, kind: str) -> Mapping[str, str]:
        """What is mapped."""
        return self._columns[kind].as_map()

    def page_of(self, kind: str, remote_id: str) -> str:
        """The record in Tryton's web client."""
        return f"{self._address}/#{self._config.get('database', '')}/model/{MODELS[kind]}/{int(remote_id)}"

    def check(self, deadline: datetime) -> Health:
        """Whether the session opens, and the server's clock."""
        told, reply = self._rpc("model.res.user.get_preferences", [True, {}], deadline, is_write=False)
        return Health(str(self._config.get("database", "")), str(told.get("company", "")), reply.date or now())

    def describe(self, kind: str, deadline: datetime) -> RemoteSchema:
        """Fields and states."""
        told = self._call(kind, "fields_get", [[]], deadline)
        fields = tuple(
            FieldSchema(name, one["type"], one.get("size") or None, not one["required"], ty_words.options(one))
            for name, one in sorted(told.items())
        )
        return RemoteSchema(kind, fields, STATES, hashlib.sha256(repr((fields, STATES)).encode()).hexdigest())

    def upsert(self, cmd: Upsert, deadline: datetime) -> Written:
        """Create, or change what is there if it still has the version that we know."""
        if cmd.remote_id is not None:
            body = self._body(cmd, deadline) | ({KEYS[DEAL]: cmd.external_key} if cmd.with_key else {})
            version = {f"{MODELS[cmd.kind]},{cmd.remote_id}": cmd.if_version} if cmd.if_version else None
            try:
                self._call(cmd.kind, "write", [[int(cmd.remote_id)], body], deadline, is_write=True, version=version)
            except Invalid:
                # A record that is gone is refused in words of the user's language only.
                self.get(cmd.kind, cmd.remote_id, deadline)
                raise
            return self._written(cmd.kind, cmd.remote_id, False, deadline)
        (number,) = self._call(cmd.kind, "create", [[self._new(cmd, deadline)]], deadline, is_write=True)
        stage = cmd.set.get("stage", BEGINNING)
        if cmd.kind == DEAL and stage != BEGINNING:
            self._walk(str(number), BEGINNING, str(stage), None, ["create"], deadline)
        return self._written(cmd.kind, str(number), True, deadline)

    def set_stage(self, cmd: SetStage, deadline: datetime) -> Written:
        """Reason and date first, then the actions that lead there, each of which may be the last that went through."""
        standing = self.get(cmd.kind, cmd.remote_id, deadline)
        if cmd.if_version and standing.version != cmd.if_version:
            raise VersionConflict(current=standing)
        values: dict[str, Value] = {"lost_reason": cmd.loss_reason} if cmd.loss_reason else {}
        # Tryton itself dates a loss, with the day of it.
        values |= {"close_on": cmd.close_on} if cmd.close_on and cmd.stage != "lost" else {}
        done, version = [], standing.version
        if any(standing.values.get(name) != value for name, value in values.items()):
            written = self.upsert(
                Upsert(cmd.kind, cmd.external_key, values, cmd.remote_id, if_version=version), deadline
            )
            done, version = ["values"], written.version
        self._walk(cmd.remote_id, str(standing.values["stage"]), cmd.stage, version, done, deadline)
        return self._written(cmd.kind, cmd.remote_id, False, deadline)

    def associate(self, cmd: Associate, deadline: datetime) -> None:
        """Party and mechanism are fields of the opportunity."""

    def opt_out(self, email: str, purposes: Sequence[str], deadline: datetime) -> None:
        """There is no place for it."""

    def archive(self, kind: str, remote_id: str, if_version: str | None, deadline: datetime) -> None:
        """Cancelled; a deal that is lost or converted already stays as it is."""
        standing = self.get(kind, remote_id, deadline)
        if "cancel" in ACTIONS.get(str(standing.values["stage"]), {}):
            self._walk(remote_id, str(standing.values["stage"]), "cancelled", if_version, [], deadline)

    def get(self, kind: str, remote_id: str, deadline: datetime) -> Remote:
        """One record; a search, as reading one that is gone is an error like any other."""
        found = self._search(kind, [["id", "=", int(remote_id)]], 1, deadline)
        if not found:
            raise Gone(worded("Tryton has no such record."))
        return found[0]

    def find_by_key(self, kind: str, external_key: str, deadline: datetime) -> list[Remote]:
        """Every record with our key; Tryton has no unique key there."""
        return self._search(kind, [[KEYS[kind], "=", external_key]], None, deadline)

    def match(self, kind: str, values: Values, deadline: datetime) -> list[Remote]:
        """Parties of this name, mechanisms of this address."""
        if kind == CONTACT:
            domain = [["type", "=", "email"], ["value", "=", str(values["email"])]]
        else:
            domain = [["name", "=", str(values["name"])]]
        return self._search(kind, domain, None, deadline)

    def changes(self, kind: str, window: Window, token: str | None, limit: int, deadline: datetime) -> ChangePage:
        """The window by id; a record that was never changed has no time of change."""
        changed = [["write_date", ">=", ty_words.moment(window.lo)], ["write_date", "<=", ty_words.moment(window.hi)]]
        made = [
            ["write_date", "=", None],
            ["create_date", ">=", ty_words.moment(window.lo)],
            ["create_date", "<=", ty_words.moment(window.hi)],
        ]
        ours = [] if kind in CAPABILITIES.tells else [["reference", "like", "%:opportunity:%"]]
        domain = [*ours, ["id", ">", int(token or 0)], ["OR", changed, made]]
        found = self._search(kind, domain, limit, deadline)
        if len(found) < limit:
            return ChangePage(found, None, window.hi)
        return ChangePage(found, found[-1].remote_id, window.lo)

    def deletions(self, kind: str, window: Window, token: str | None, deadline: datetime) -> DeletionPage:
        """Only a sweep tells."""
        raise Unsupported("Tryton has no feed of deletions.")

    def parse_webhook(self, raw: RawRequest, secrets: Sequence[str]) -> list[Hint]:
        """Tryton sends none."""
        raise Malformed("Tryton sends no webhooks.")

    def webhook_reply(self, accepted: bool) -> RawResponse:
        """Never asked for."""
        return RawResponse(404)

    def close(self) -> None:
        """Nothing is held open."""

    def _walk(
        self, remote_id: str, state: str, target: str, version: str | None, done: list[str], deadline: datetime
    ) -> None:
        """Take the actions from one state to another. PartialWrite where some went through and the next did not."""
        for action in path(state, target):
            seen = {f"{MODELS[DEAL]},{remote_id}": version} if version else None
            try:
                self._call(DEAL, action, [[int(remote_id)]], deadline, is_write=True, version=seen)
            except AdapterError as error:
                if done:
                    raise PartialWrite(done_steps=done, cause=error) from error
                raise
            done.append(action)
            # After our own step the version is another one.
            version = None

    def _new(self, cmd: Upsert, deadline: datetime) -> dict[str, Any]:
        body = self._body(cmd, deadline)
        if cmd.kind == COMPANY:
            return {**body, "identifiers": [["create", [{"code": cmd.external_key, "type": None}]]]}
        party: Any = cmd.associations.get(COMPANY)
        if cmd.kind == CONTACT:
            if party is None:
                # A person without a company is a party of their own.
                (party,) = self._call(COMPANY, "create", [[{"name": cmd.set.get("name")}]], deadline, is_write=True)
            return {**body, "type": "email", "party": int(party), "comment": cmd.external_key}
        body |= {"reference": cmd.external_key, "company": self._config["company"]}
        body.setdefault("currency", self._config["currency"])
        if contact := cmd.associations.get(CONTACT):
            body["contact"] = int(contact)
            party = party or self._call(CONTACT, "read", [[int(contact)], ["party"]], deadline)[0]["party"]
        return {**body, "party": int(party)} if party else body

    def _body(self, cmd: Upsert, deadline: datetime) -> dict[str, Any]:
        columns = self._columns[cmd.kind]
        special = ("stage", "owner_email", "currency")
        body = {name: ty_words.plain(value) for name, value in columns.outgoing(cmd.set, but=special).items()}
        if email := cmd.set.get("owner_email"):
            domain = ["party.contact_mechanisms.value", "=", str(email)]
            if employee := self._find("company.employee", domain, deadline):
                body["employee"] = employee
        code = str(cmd.set.get("currency") or "")
        if code and (currency := self._find("currency.currency", ["code", "=", code], deadline)):
            body["currency"] = currency
        return body

    def _find(self, model: str, clause: list[Any], deadline: datetime) -> int | None:
        place = (model, repr(clause))
        if place not in self._known:
            method, sent = f"model.{model}.search", [[clause], 0, 2, None, {}]
            found, _ = self._rpc(method, sent, deadline, is_write=False)
            self._known[place] = found[0] if len(found) == 1 else None
        return self._known[place]

    def _wanted(self, kind: str) -> list[str]:
        key = [KEYS[kind]] if kind in (DEAL, CONTACT) else []
        return sorted({*self._columns[kind].all_theirs(), *key, "create_date", "write_date", "write_uid", "_timestamp"})

    def _search(self, kind: str, domain: list[Any], limit: int | None, deadline: datetime) -> list[Remote]:
        sent = [domain, 0, limit, [["id", "ASC"]], self._wanted(kind)]
        return [self._remote(kind, ty_words.read(one)) for one in self._call(kind, "search_read", sent, deadline)]

    def _written(self, kind: str, remote_id: str, created: bool, deadline: datetime) -> Written:
        try:
            remote = self.get(kind, remote_id, deadline)
        except AdapterError as error:
            # The write went through; only what it led to is unknown.
            raise unclear(True, str(error)) from error
        return Written(remote.remote_id, remote.version, remote.values, created, remote.modified_at)

    def _remote(self, kind: str, told: Mapping[str, Any]) -> Remote:
        modified = told["write_date"] or told["create_date"]
        remote = Remote(
            kind=kind,
            remote_id=str(told["id"]),
            external_key=told.get(KEYS.get(kind, "")),
            values=ty_words.marked(self._columns[kind].incoming(told)),
            version=str(told["_timestamp"]),
            modified_at=modified,
            modified_by=str(told.get("write_uid") or ""),
        )
        return accounts.told(remote, self._config)

    def _call(
        self,
        kind: str,
        method: str,
        arguments: list[Any],
        deadline: datetime,
        *,
        is_write: bool = False,
        version: Mapping[str, str | None] | None = None,
    ) -> Any:
        context: dict[str, Any] = {"company": self._config.get("company")}
        if version:
            context["_timestamp"] = version
        sent = [*arguments, context]
        return self._rpc(f"model.{MODELS[kind]}.{method}", sent, deadline, is_write=is_write)[0]

    def _rpc(self, method: str, params: list[Any], deadline: datetime, *, is_write: bool) -> tuple[Any, Reply]:
        sent = {"id": 1, "method": method, "params": params}
        reply = self._wire.ask("POST", self._path, deadline, is_write=is_write, json=sent)
        try:
            told = reply.json()
            failed = told.get("error")
        except (ValueError, AttributeError) as error:
            raise unclear(is_write, worded("Tryton answered without readable JSON.")) from error
        if failed:
            raise ty_words.meaning(failed, is_write)
        if "result" not in told:
            raise unclear(is_write, worded("Tryton answered without a result."))
        return told["result"], reply


def path(state: str, target: str) -> list[str]:
    """The shortest chain of actions from one state to another. Raises Invalid where none leads there."""
    ways: deque[tuple[str, list[str]]] = deque([(state, [])])
    seen = {state}
    while ways:
        here, taken = ways.popleft()
        if here == target:
            return taken
        for action, there in ACTIONS.get(here, {}).items():
            if there not in seen:
                seen.add(there)
                ways.append((there, [*taken, action]))
    said = worded("Tryton has no way from %(state)s to %(target)s.", state=state, target=target)
    raise Invalid(field_errors={"stage": said})


def _refusal(reply: Reply, is_write: bool) -> AdapterError | None:
    """Tryton's own refusals come with status 200."""
    return None

"""Salesforce over REST: upsert by external id, a composite request per write, SOQL polling, outbound messages.

Shape-tested against a stand-in. ``config``: ``address`` (the account's My Domain), ``login`` (where tokens are given),
``flow`` (``jwt``, ``client_credentials`` or ``refresh_token``), ``organisation`` (its id), ``api_version``,
``key_field``, ``close_days``, ``fields``. ``secret``: JSON with what the flow needs (`crmsync.adapters.sf_grants`).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from crmsync.adapters import accounts, sf_grants, sf_messages, sf_words
from crmsync.adapters.base import (
    ACCOUNT,
    ANY_DEAL,
    COMPANY,
    CONTACT,
    DEAL,
    OPT_OUT,
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
    Values,
    Window,
    Written,
)
from crmsync.adapters.columns import AMOUNTS, Columns, moment_of, plain, stamp
from crmsync.adapters.errors import (
    Gone,
    Moved,
    Unavailable,
)
from crmsync.adapters.tokens import Grant, NoToken, Tokens
from crmsync.adapters.wire import Wire
from leadmgmt.core.kept_words import worded
from leadmgmt.core.now import now

API_VERSION = "v62.0"
KEY_FIELD = "LMS_Key__c"
CLOSE_DAYS = 90
# How far back the CRM tells of deletions.
DELETIONS_KEPT = timedelta(days=14)
OBJECTS = {
    DEAL: "Opportunity",
    COMPANY: "Account",
    CONTACT: "Contact",
    ACCOUNT: "Account",
    ANY_DEAL: "Opportunity",
    OPT_OUT: "Contact",
}
OWNER = "Owner.Email"
OPTED_OUT = {"no_email": "HasOptedOutOfEmail", "no_call": "DoNotCall"}
COLUMNS = {
    DEAL: {
        "name": "Name",
        "amount": "Amount",
        "currency": "",
        "close_on": "CloseDate",
        "stage": "StageName",
        "lost_reason": "LMS_Loss_Reason__c",
        "owner_email": OWNER,
        "source": "LeadSource",
        "campaign": "LMS_Campaign__c",
        "summary": "LMS_Summary__c",
        "history": "LMS_History__c",
        "consent": "LMS_Consent__c",
        "link": "LMS_Link__c",
    },
    COMPANY: {"name": "Name", "domain": "Website"},
    CONTACT: {"first_name": "FirstName", "last_name": "LastName", "email": "Email", "phone": "Phone"},
    ACCOUNT: {"name": "Name", "domain": "Website", "owner_email": OWNER, "customer": "Type"},
    ANY_DEAL: {
        "name": "Name",
        "amount": "Amount",
        "owner_email": OWNER,
        "account": "AccountId",
        "is_closed": "IsClosed",
        "is_won": "IsWon",
    },
    OPT_OUT: {"email": "Email", **OPTED_OUT},
}
CAPABILITIES = Capabilities(
    create_idempotency="unique_key",
    compare_and_set=False,
    version_kind="timestamp",
    timestamp_precision=timedelta(seconds=1),
    max_commit_lag=timedelta(minutes=5),
    max_in_flight=timedelta(minutes=2),
    deletes="feed",
    merges="redirect",
    validates_picklists=True,
    lists_loss_reasons=True,
    webhooks=True,
    batch_max=200,
    parents=(COMPANY, CONTACT),
    associates=(CONTACT,),
    tells=(ACCOUNT, ANY_DEAL, OPT_OUT),
    opts_out=("email", "call"),
)


class SalesforceAdapter:
    """One Salesforce organisation."""

    contract = 1

    def __init__(self, config: Mapping[str, Any], secret: str = "") -> None:
        self._config = config
        self._kept: Mapping[str, str] = json.loads(secret or "{}")
        self._version = config.get("api_version", API_VERSION)
        self._key = config.get("key_field", KEY_FIELD)
        self._columns = {kind: Columns(own, config, kind) for kind, own in COLUMNS.items()}
        self._owners: dict[str, str | None] = {}
        self._wire = Wire(config.get("address", ""), NoToken(), sf_words.refusal, limits=sf_words.limits)

    def use_tokens(self, tokens: Tokens) -> None:
        """The engine keeps the tokens of all workers in one place."""
        self._wire.tokens = tokens

    def grant(self, refresh: str, deadline: datetime) -> Grant:
        """Ask for a fresh token."""
        return sf_grants.grant(self._config, self._kept, refresh, deadline)

    def exchange(self, code: str, back: str, deadline: datetime) -> Grant:
        """The first token after a person has signed in."""
        return sf_grants.exchange(self._config, self._kept, code, back, deadline)

    def capabilities(self) -> Capabilities:
        """A unique key, a feed of deletions, no compare-and-set."""
        return CAPABILITIES

    def fields(self, kind: str) -> Mapping[str, str]:
        """What is mapped."""
        return self._columns[kind].as_map()

    def page_of(self, kind: str, remote_id: str) -> str:
        """The record's page in Lightning."""
        address = str(self._config.get("address", "")).rstrip("/")
        return f"{address}/lightning/r/{OBJECTS[kind]}/{quote(remote_id)}/view"

    def check(self, deadline: datetime) -> Health:
        """Who we are, the clock, and what is left of the day's calls."""
        reply = self._wire.ask("GET", self._path("limits"), deadline, is_write=False)
        who = self._wire.read("/services/oauth2/userinfo", deadline)
        try:
            budget = reply.json().get("DailyApiRequests", {}).get("Remaining")
        except ValueError as error:
            raise Unavailable(worded("Salesforce answered without readable JSON.")) from error
        return Health(who["organization_id"], who["user_id"], reply.date or now(), budget, ("api",))

    def describe(self, kind: str, deadline: datetime) -> RemoteSchema:
        """Fields and stages."""
        told = self._wire.read(self._path("sobjects", OBJECTS[kind], "describe"), deadline)
        fields = tuple(
            FieldSchema(
                one["name"],
                one["type"],
                one.get("length") or None,
                one["nillable"],
                tuple(option["value"] for option in one.get("picklistValues", ()) if option["active"]),
                one.get("createable", True) and one.get("updateable", True),
            )
            for one in told["fields"]
        )
        stages = next((one.options for one in fields if one.name == "StageName"), ())
        return RemoteSchema(kind, fields, stages, hashlib.sha256(repr(fields).encode()).hexdigest())

    def upsert(self, cmd: Upsert, deadline: datetime) -> Written:
        """One composite request: write, and read back what was written."""
        body, warnings = self._body(cmd, deadline)
        if cmd.remote_id is None:
            path = self._path("sobjects", OBJECTS[cmd.kind], self._key, cmd.external_key)
            where = f"{self._key} = {sf_words.literal(cmd.external_key)}"
        else:
            path = self._path("sobjects", OBJECTS[cmd.kind], cmd.remote_id)
            where = f"Id = {sf_words.literal(cmd.remote_id)}"
        return self._write(cmd.kind, path, body, where, deadline, warnings)

    def set_stage(self, cmd: SetStage, deadline: datetime) -> Written:
        """Stage, reason and close date in one write, as validation rules want them together."""
        return self.upsert(cmd.as_upsert(), deadline)

    def associate(self, cmd: Associate, deadline: datetime) -> None:
        """The person's role on the deal, unless it is there."""
        pair = {"OpportunityId": cmd.remote_id, "ContactId": cmd.to_id}
        where = " AND ".join(f"{name} = {sf_words.literal(value)}" for name, value in pair.items())
        # Every value of a query goes through `literal`.
        soql = f"SELECT Id FROM OpportunityContactRole WHERE {where}"  # noqa: S608  # SOQL, escaped as above
        if not self._query(soql, deadline):
            path = self._path("sobjects", "OpportunityContactRole")
            self._wire.write("POST", path, deadline, json={**pair, "IsPrimary": True})

    def opt_out(self, email: str, purposes: Sequence[str], deadline: datetime) -> None:
        """Two marks of a contact."""
        marks = {OPTED_OUT[f"no_{purpose}"]: True for purpose in purposes}
        for one in self.match(CONTACT, {"email": email}, deadline):
            path = self._path("sobjects", OBJECTS[CONTACT], one.remote_id)
            self._wire.ask("PATCH", path, deadline, is_write=True, json=marks)

    def archive(self, kind: str, remote_id: str, if_version: str | None, deadline: datetime) -> None:
        """Into the recycle bin."""
        self._wire.ask("DELETE", self._path("sobjects", OBJECTS[kind], remote_id), deadline, is_write=True)

    def get(self, kind: str, remote_id: str, deadline: datetime) -> Remote:
        """One record, deleted ones told apart."""
        found = self._records(kind, f"Id = {sf_words.literal(remote_id)}", deadline, also_deleted=True)
        if not found:
            raise Gone(worded("Salesforce has no such record."))
        if found[0].merged_into:
            raise Moved(new_id=found[0].merged_into)
        if found[0].deleted:
            raise Gone(worded("The record is in Salesforce's recycle bin."))
        return found[0]

    def find_by_key(self, kind: str, external_key: str, deadline: datetime) -> list[Remote]:
        """SOQL reads the rows themselves, no search index."""
        return self._records(kind, f"{self._key} = {sf_words.literal(external_key)}", deadline)

    def match(self, kind: str, values: Values, deadline: datetime) -> list[Remote]:
        """Accounts with this website, contacts with this address."""
        if kind == CONTACT:
            return self._records(kind, f"Email = {sf_words.literal(str(values['email']))}", deadline)
        domain = str(values["domain"])
        if not domain:
            return []
        found = self._records(kind, f"Website LIKE {sf_words.literal(f'%{sf_words.like(domain)}%')}", deadline)
        return [one for one in found if accounts.host_of(str(one.values["domain"] or "")) == domain]

    def changes(self, kind: str, window: Window, token: str | None, limit: int, deadline: datetime) -> ChangePage:
        """By (time, id)."""
        where = f"SystemModstamp >= {stamp(window.lo)} AND SystemModstamp <= {stamp(window.hi)}"
        if kind not in CAPABILITIES.tells:
            where = f"{self._key} != null AND {where}"
        if kind == OPT_OUT:
            where = f"({' OR '.join(f'{mark} = true' for mark in OPTED_OUT.values())}) AND {where}"
        if token:
            at, _, last = token.partition("|")
            where += f" AND (SystemModstamp > {at} OR (SystemModstamp = {at} AND Id > {sf_words.literal(last)}))"
        found = self._records(kind, f"{where} ORDER BY SystemModstamp, Id LIMIT {limit}", deadline)
        if len(found) < limit:
            return ChangePage(found, None, window.hi)
        last_one = found[-1]
        return ChangePage(found, f"{stamp(last_one.modified_at)}|{last_one.remote_id}", last_one.modified_at)

    def deletions(self, kind: str, window: Window, token: str | None, deadline: datetime) -> DeletionPage:
        """The feed of deletions; it covers two weeks, and never less than a minute."""
        lo = min(max(window.lo, window.hi - DELETIONS_KEPT), window.hi - timedelta(minutes=2))
        span = {"start": stamp(lo), "end": stamp(window.hi)}
        told = self._wire.read(self._path("sobjects", OBJECTS[kind], "deleted", ""), deadline, params=span)
        covered = moment_of(told["latestDateCovered"])
        return DeletionPage([one["id"] for one in told["deletedRecords"]], None, min(covered, window.hi))

    def parse_webhook(self, raw: RawRequest, secrets: Sequence[str]) -> list[Hint]:
        """An outbound message."""
        return sf_messages.parse(raw, secrets, self._config.get("organisation", ""))

    def webhook_reply(self, accepted: bool) -> RawResponse:
        """Acknowledged once it is stored."""
        return sf_messages.reply(accepted)

    def close(self) -> None:
        """Nothing is held open."""

    def _path(self, *parts: str) -> str:
        return "/".join(["/services/data", self._version, *(quote(part, safe="") for part in parts)])

    def _body(self, cmd: Upsert, deadline: datetime) -> tuple[dict[str, Any], list[str]]:
        columns, warnings = self._columns[cmd.kind], []
        amounts = {columns.theirs(name) for name in AMOUNTS if name in columns}
        # A number in JSON; its fourteen digits are fewer than a double keeps.
        body = {
            name: float(str(value)) if name in amounts and value is not None else plain(value)
            for name, value in columns.outgoing(cmd.set, but=("owner_email",)).items()
        }
        if email := cmd.set.get("owner_email"):
            if owner := self._owner(str(email), deadline):
                body["OwnerId"] = owner
            else:
                warnings.append("owner unknown in the CRM")
        if cmd.remote_id is None and cmd.kind == DEAL:
            days = timedelta(days=self._config.get("close_days", CLOSE_DAYS))
            body.setdefault(columns.theirs("close_on"), (now() + days).date().isoformat())
        if cmd.remote_id is None and cmd.kind == CONTACT and not body.get("LastName"):
            # The one field that a contact cannot be without.
            body["LastName"] = cmd.set.get("email") or "—"
        if cmd.with_key:
            body[self._key] = cmd.external_key
        if company := cmd.associations.get(COMPANY):
            body["AccountId"] = company
        return body, warnings

    def _owner(self, email: str, deadline: datetime) -> str | None:
        if email not in self._owners:
            soql = f"SELECT Id FROM User WHERE Email = {sf_words.literal(email)} AND IsActive = true"  # noqa: S608  # SOQL, escaped
            found = self._query(soql, deadline)
            self._owners[email] = found[0]["Id"] if len(found) == 1 else None
        return self._owners[email]

    def _write(
        self, kind: str, path: str, body: dict[str, Any], where: str, deadline: datetime, warnings: Iterable[str]
    ) -> Written:
        look = f"{self._path('query')}?q={quote(self._select(kind, where))}"
        steps = [
            {
                "method": "PATCH",
                "url": path,
                "referenceId": "write",
                "body": body,
                "httpHeaders": {"Sforce-Duplicate-Rule-Header": "allowSave=false"},
            },
            {"method": "GET", "url": look, "referenceId": "look"},
        ]
        told = self._wire.write(
            "POST", self._path("composite"), deadline, json={"allOrNone": True, "compositeRequest": steps}
        )
        wrote, looked = told["compositeResponse"]
        if error := sf_words.meaning(wrote["httpStatusCode"], wrote["body"], True):
            raise error
        remote = self._remote(kind, looked["body"]["records"][0])
        created = (wrote["body"] or {}).get("created", False)
        return Written(remote.remote_id, remote.version, remote.values, created, remote.modified_at, tuple(warnings))

    def _select(self, kind: str, where: str) -> str:
        merged = ["MasterRecordId"] if OBJECTS[kind] != OBJECTS[DEAL] else []
        names = ["Id", self._key, "SystemModstamp", "LastModifiedById", "IsDeleted", *merged]
        listed = ", ".join([*names, *self._columns[kind].all_theirs()])
        return f"SELECT {listed} FROM {OBJECTS[kind]} WHERE {where}"  # noqa: S608  # SOQL, escaped

    def _records(self, kind: str, where: str, deadline: datetime, *, also_deleted: bool = False) -> list[Remote]:
        found = self._query(self._select(kind, where), deadline, also_deleted=also_deleted)
        return [self._remote(kind, one) for one in found]

    def _query(self, soql: str, deadline: datetime, *, also_deleted: bool = False) -> list[dict[str, Any]]:
        door = "queryAll" if also_deleted else "query"
        told = self._wire.read(self._path(door), deadline, params={"q": soql})
        found: list[dict[str, Any]] = told["records"]
        while next_url := told.get("nextRecordsUrl"):
            told = self._wire.read(next_url, deadline)
            found += told["records"]
        return found

    def _remote(self, kind: str, record: Mapping[str, Any]) -> Remote:
        flat = {**record, OWNER: (record.get("Owner") or {}).get("Email")}
        remote = Remote(
            kind=kind,
            remote_id=record["Id"],
            external_key=record.get(self._key),
            values=self._columns[kind].incoming(flat),
            version=record["SystemModstamp"],
            modified_at=moment_of(record["SystemModstamp"]),
            modified_by=record.get("LastModifiedById") or "",
            deleted=bool(record.get("IsDeleted")),
            merged_into=record.get("MasterRecordId"),
        )
        return accounts.told(remote, self._config)

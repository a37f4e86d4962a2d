"""HubSpot: batch upsert by a unique property of ours, search polling, associations v4, webhooks v3.

Shape-tested against a stand-in. ``config``: ``address``, ``portal`` (its id), ``flow`` (``key`` or
``refresh_token``), ``pipeline``, ``key_field``, ``fields``. ``secret``: JSON with ``key`` (a private app's token), or
``client_id``, ``client_secret`` and ``refresh_token``.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from crmsync.adapters import accounts, hs_hooks, hs_replies, hs_words
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
from crmsync.adapters.columns import Columns, moment_of, plain
from crmsync.adapters.errors import Gone, Moved, SchemaDrift, Unsupported
from crmsync.adapters.hs_words import COLUMNS, LONG_TEXTS, MODIFIED, OBJECTS, OPTED_OUT, OURS, UNSUBSCRIBED
from crmsync.adapters.tokens import FixedKey, Grant, Tokens
from crmsync.adapters.wire import Wire
from leadmgmt.core.kept_words import worded
from leadmgmt.core.now import now

ADDRESS = "https://api.hubapi.com"
KEY_FIELD = "lms_key"
CAPABILITIES = Capabilities(
    create_idempotency="unique_key",
    compare_and_set=False,
    version_kind="timestamp",
    timestamp_precision=timedelta(milliseconds=1),
    # The search index follows the records with a delay.
    max_commit_lag=timedelta(minutes=2),
    max_in_flight=timedelta(minutes=1),
    deletes="absent",
    merges="redirect",
    validates_picklists=True,
    webhooks=True,
    search_cap=10_000,
    batch_max=100,
    calls_per_second=10,
    searches_per_second=4,
    parents=(COMPANY, CONTACT),
    associates=(COMPANY, CONTACT),
    tells=(ACCOUNT, ANY_DEAL, OPT_OUT),
    opts_out=("email", "call"),
)


class HubspotAdapter:
    """One HubSpot account."""

    contract = 1

    def __init__(self, config: Mapping[str, Any], secret: str = "") -> None:
        self._config = config
        self._kept: Mapping[str, str] = json.loads(secret or "{}")
        self._key = config.get("key_field", KEY_FIELD)
        self._pipeline = config.get("pipeline", "default")
        self._columns = {kind: Columns(own, config, kind) for kind, own in COLUMNS.items()}
        self._owner_ids: dict[str, str | None] = {}
        self._owner_emails: dict[str, str | None] = {}
        tokens = FixedKey(self._kept.get("key", ""))
        self._wire = Wire(config.get("address", ADDRESS), tokens, hs_replies.refusal, limits=hs_replies.limits)
        self.is_granted = config.get("flow", "key") != "key"

    def use_tokens(self, tokens: Tokens) -> None:
        """The engine keeps the tokens of all workers in one place; a private app's key needs none of it."""
        if self.is_granted:
            self._wire.tokens = tokens

    def grant(self, refresh: str, deadline: datetime) -> Grant:
        """Ask for a fresh token."""
        return hs_replies.grant(self._config.get("address", ADDRESS), self._kept, refresh, deadline)

    def exchange(self, code: str, back: str, deadline: datetime) -> Grant:
        """The first token after a person has signed in."""
        return hs_replies.exchange(self._config.get("address", ADDRESS), self._kept, code, back, deadline)

    def capabilities(self) -> Capabilities:
        """A unique key, no compare-and-set, deletions only by webhook."""
        return CAPABILITIES

    def fields(self, kind: str) -> Mapping[str, str]:
        """What is mapped."""
        return self._columns[kind].as_map()

    def page_of(self, kind: str, remote_id: str) -> str:
        """The record's page; its address holds the account's number."""
        portal = self._config.get("portal")
        types = {DEAL: "0-3", COMPANY: "0-2", CONTACT: "0-1"}
        return f"https://app.hubspot.com/contacts/{portal}/record/{types[kind]}/{quote(remote_id)}" if portal else ""

    def check(self, deadline: datetime) -> Health:
        """Whether the account opens, and its clock."""
        reply = self._wire.ask("GET", "/crm/v3/owners", deadline, is_write=False, params={"limit": "1"})
        left = reply.headers.get("x-hubspot-ratelimit-daily-remaining", "")
        budget = int(left) if left.isdecimal() else None
        return Health(str(self._config.get("portal", "")), "", reply.date or now(), budget)

    def describe(self, kind: str, deadline: datetime) -> RemoteSchema:
        """Properties, and the stages of the pipeline."""
        told = self._wire.read(f"/crm/v3/properties/{OBJECTS[kind]}", deadline)["results"]
        fields = tuple(
            FieldSchema(
                one["name"],
                one["type"],
                options=tuple(option["value"] for option in one.get("options") or ()),
                is_writable=not (one.get("modificationMetadata") or {}).get("readOnlyValue", False),
            )
            for one in sorted(told, key=lambda one: str(one["name"]))
        )
        stages: tuple[str, ...] = ()
        if kind == DEAL:
            pipelines = self._wire.read("/crm/v3/pipelines/deals", deadline)["results"]
            ours = [one for one in pipelines if one["id"] == self._pipeline]
            if not ours:
                raise SchemaDrift(worded("The pipeline %(pipeline)s is not there.", pipeline=self._pipeline))
            stages = tuple(one["id"] for one in sorted(ours[0]["stages"], key=lambda one: int(one["displayOrder"])))
        return RemoteSchema(kind, fields, stages, hashlib.sha256(repr((fields, stages)).encode()).hexdigest())

    def prepare(self, deadline: datetime) -> list[str]:
        """Make the properties of ours that are not there. Returns their names."""
        made = []
        for kind, things in OURS.items():
            known = {one["name"] for one in self._wire.read(f"/crm/v3/properties/{things}", deadline)["results"]}
            ours = {self._key, *self._columns[kind].all_theirs(), *(OPTED_OUT.values() if kind == CONTACT else ())}
            for name in sorted(ours - known):
                described = {
                    "name": name,
                    "label": name.replace("_", " ").capitalize(),
                    "type": "string",
                    "fieldType": "textarea" if name in LONG_TEXTS else "text",
                    "groupName": {DEAL: "dealinformation", COMPANY: "companyinformation"}.get(
                        kind, "contactinformation"
                    ),
                    "hasUniqueValue": name == self._key,
                }
                self._wire.write("POST", f"/crm/v3/properties/{things}", deadline, json=described)
                made.append(f"{things}.{name}")
        return made

    def upsert(self, cmd: Upsert, deadline: datetime) -> Written:
        """By our key where the record is not known, by its id where it is."""
        body, warnings = self._body(cmd.kind, cmd.set, deadline)
        things = OBJECTS[cmd.kind]
        if cmd.with_key:
            body[self._key] = cmd.external_key
        if cmd.remote_id is not None:
            told = self._wire.write(
                "PATCH", f"/crm/v3/objects/{things}/{quote(cmd.remote_id)}", deadline, json={"properties": body}
            )
            return self._written(cmd, told, False, warnings, deadline)
        one = {
            "id": cmd.external_key,
            "idProperty": self._key,
            "properties": body,
            "objectWriteTraceId": hashlib.sha256(cmd.external_key.encode()).hexdigest()[:32],
        }
        told = self._wire.write("POST", f"/crm/v3/objects/{things}/batch/upsert", deadline, json={"inputs": [one]})
        if told.get("errors"):
            raise hs_replies.meaning(207, told["errors"][0], is_write=True)
        result = told["results"][0]
        return self._written(cmd, result, bool(result.get("new")), warnings, deadline)

    def set_stage(self, cmd: SetStage, deadline: datetime) -> Written:
        """Stage, reason and close date in one write."""
        return self.upsert(cmd.as_upsert(), deadline)

    def associate(self, cmd: Associate, deadline: datetime) -> None:
        """The default association; doing it twice changes nothing there either."""
        pair = f"{OBJECTS[cmd.kind]}/{quote(cmd.remote_id)}", f"{OBJECTS[cmd.to_kind]}/{quote(cmd.to_id)}"
        self._wire.write("PUT", f"/crm/v4/objects/{pair[0]}/associations/default/{pair[1]}", deadline)

    def opt_out(self, email: str, purposes: Sequence[str], deadline: datetime) -> None:
        """Two properties of the contact, for lists and workflows there to go by."""
        marks = {OPTED_OUT[f"no_{purpose}"]: "true" for purpose in purposes}
        for one in self._by_property(CONTACT, "email", email, deadline):
            path = f"/crm/v3/objects/contacts/{quote(one.remote_id)}"
            self._wire.write("PATCH", path, deadline, json={"properties": marks})

    def archive(self, kind: str, remote_id: str, if_version: str | None, deadline: datetime) -> None:
        """Archived; a person can restore it for 90 days."""
        self._wire.ask("DELETE", f"/crm/v3/objects/{OBJECTS[kind]}/{quote(remote_id)}", deadline, is_write=True)

    def get(self, kind: str, remote_id: str, deadline: datetime) -> Remote:
        """One record; asked for the loser of a merge, HubSpot gives the winner."""
        told = self._wire.read(
            f"/crm/v3/objects/{OBJECTS[kind]}/{quote(remote_id)}", deadline, params=self._wanted(kind)
        )
        if told["id"] != remote_id:
            raise Moved(new_id=told["id"])
        if told.get("archived"):
            raise Gone(worded("The record is archived in HubSpot."))
        return self._remote(kind, told, deadline)

    def find_by_key(self, kind: str, external_key: str, deadline: datetime) -> list[Remote]:
        """Read by the unique property, never through search."""
        return self._by_property(kind, self._key, external_key, deadline)

    def match(self, kind: str, values: Values, deadline: datetime) -> list[Remote]:
        """The contact with this address, companies of this domain."""
        if kind == CONTACT:
            return self._by_property(kind, "email", str(values["email"]), deadline)
        if not values["domain"]:
            return []
        filters = [{"propertyName": "domain", "operator": "EQ", "value": str(values["domain"])}]
        return self._search(kind, [filters], "createdate", 10, deadline)

    def changes(self, kind: str, window: Window, token: str | None, limit: int, deadline: datetime) -> ChangePage:
        """By time. Search sorts by one property only.

        So a page begins again at the last instant of the one before; where one instant fills a whole page (a bulk
        edit), that instant is read by id, and paging never goes deeper than a first page.
        """
        how, _, rest = (token or f"from|{hs_words.ms(window.lo)}").partition("|")
        modified, limit = MODIFIED[kind], min(limit, 100)
        wanted = [[{"propertyName": self._key, "operator": "HAS_PROPERTY"}]]
        if kind in CAPABILITIES.tells:
            marks = (*OPTED_OUT.values(), UNSUBSCRIBED) if kind == OPT_OUT else ()
            wanted = [[hs_words.holds(mark, "EQ", "true")] for mark in marks] or [[]]
        if how == "at":
            at, _, last = rest.partition("|")
            here = [hs_words.holds(modified, "EQ", at), hs_words.holds("hs_object_id", "GT", last)]
            found = self._search(kind, [[*one, *here] for one in wanted], "hs_object_id", limit, deadline)
            if len(found) == limit:
                return ChangePage(found, f"at|{at}|{found[-1].remote_id}", hs_words.moment(at))
            return ChangePage(found, f"from|{int(at) + 1}", hs_words.moment(at))
        here = [hs_words.holds(modified, "GTE", rest), hs_words.holds(modified, "LTE", hs_words.ms(window.hi))]
        found = self._search(kind, [[*one, *here] for one in wanted], modified, limit, deadline)
        if len(found) < limit:
            return ChangePage(found, None, window.hi)
        first, last = hs_words.ms(found[0].modified_at), hs_words.ms(found[-1].modified_at)
        return ChangePage(found, f"at|{last}|0" if first == last else f"from|{last}", found[-1].modified_at)

    def deletions(self, kind: str, window: Window, token: str | None, deadline: datetime) -> DeletionPage:
        """Only webhooks and a sweep tell."""
        raise Unsupported("HubSpot has no feed of deletions.")

    def parse_webhook(self, raw: RawRequest, secrets: Sequence[str]) -> list[Hint]:
        """Version 3 signatures."""
        return hs_hooks.parse(raw, secrets)

    def webhook_reply(self, accepted: bool) -> RawResponse:
        """Anything but a success is sent again."""
        return RawResponse(200 if accepted else 503)

    def close(self) -> None:
        """Nothing is held open."""

    def _body(self, kind: str, values: Values, deadline: datetime) -> tuple[dict[str, Any], list[str]]:
        columns, warnings = self._columns[kind], []
        body = {
            name: hs_words.text(value)
            for name, value in columns.outgoing(values, but=("owner_email", "close_on")).items()
        }
        if "close_on" in values and "close_on" in columns:
            day = plain(values["close_on"])
            body[columns.theirs("close_on")] = f"{day}T00:00:00.000Z" if day else ""
        if kind == DEAL and "stage" in values:
            body["pipeline"] = self._pipeline
        if (email := values.get("owner_email")) and "owner_email" in columns:
            if owner := self._owner_id(str(email), deadline):
                body[columns.theirs("owner_email")] = owner
            else:
                warnings.append("owner unknown in the CRM")
        return body, warnings

    def _owner_id(self, email: str, deadline: datetime) -> str | None:
        if email not in self._owner_ids:
            found = self._wire.read("/crm/v3/owners", deadline, params={"email": email})["results"]
            self._owner_ids[email] = found[0]["id"] if len(found) == 1 else None
        return self._owner_ids[email]

    def _owner_email(self, number: str, deadline: datetime) -> str | None:
        if number not in self._owner_emails:
            try:
                found = self._wire.read(f"/crm/v3/owners/{quote(number)}", deadline)
            except Gone:
                found = {}
            self._owner_emails[number] = found.get("email")
        return self._owner_emails[number]

    def _wanted(self, kind: str) -> dict[str, str]:
        return {"properties": ",".join(self._properties(kind))}

    def _properties(self, kind: str) -> list[str]:
        return sorted({*self._columns[kind].all_theirs(), self._key, MODIFIED[kind]})

    def _by_property(self, kind: str, name: str, value: str, deadline: datetime) -> list[Remote]:
        wanted = {**self._wanted(kind), "idProperty": name}
        try:
            told = self._wire.read(f"/crm/v3/objects/{OBJECTS[kind]}/{quote(value, safe='')}", deadline, params=wanted)
        except Gone:
            return []
        return [] if told.get("archived") else [self._remote(kind, told, deadline)]

    def _search(
        self, kind: str, groups: list[list[dict[str, str]]], sort: str, limit: int, deadline: datetime
    ) -> list[Remote]:
        asked = {
            "filterGroups": [{"filters": filters} for filters in groups],
            "sorts": [sort],
            "properties": self._properties(kind),
            "limit": limit,
        }
        told = self._wire.read(f"/crm/v3/objects/{OBJECTS[kind]}/search", deadline, method="POST", json=asked)
        return [self._remote(kind, one, deadline) for one in told["results"]]

    def _written(
        self, cmd: Upsert, told: Mapping[str, Any], created: bool, warnings: list[str], deadline: datetime
    ) -> Written:
        remote = self._remote(cmd.kind, told, deadline)
        return Written(remote.remote_id, remote.version, remote.values, created, remote.modified_at, tuple(warnings))

    def _remote(self, kind: str, told: Mapping[str, Any], deadline: datetime) -> Remote:
        properties = told["properties"]
        values = self._columns[kind].incoming(properties, but=("owner_email",))
        if "owner_email" in self._columns[kind]:
            number = properties.get(self._columns[kind].theirs("owner_email"))
            values["owner_email"] = self._owner_email(number, deadline) if number else None
        modified = moment_of(properties.get(MODIFIED[kind]) or told["updatedAt"])
        remote = Remote(
            kind=kind,
            remote_id=told["id"],
            external_key=properties.get(self._key),
            values=values,
            version=modified.isoformat(),
            modified_at=modified,
            deleted=bool(told.get("archived")),
        )
        return accounts.told(remote, self._config)

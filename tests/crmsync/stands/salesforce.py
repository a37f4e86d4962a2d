"""A Salesforce organisation in memory: the vendor's shapes, limits, error bodies and quirks, and its refusals."""

import copy
import json
import re
from datetime import UTC, datetime, timedelta
from threading import RLock
from urllib.parse import parse_qs, quote, unquote, urlsplit

from crmsync.adapters.sf_messages import canonical_id
from tests.crmsync.stands.server import answer, body_of
from tests.crmsync.stands.soql import Malformed, Query, read

ORGANISATION = "00D5g0000000AbC"
PREFIX = {"Opportunity": "006", "Account": "001", "Contact": "003", "User": "005", "OpportunityContactRole": "00K"}
STAGES = ("Prospecting", "Qualification", "Proposal", "Closed Won", "Closed Lost")
REASONS = ("Price", "Competitor", "No budget", "Timing")
TEXT, LONG = ("string", 255), ("textarea", 32768)
COMMON = {
    "Id": ("id", 18),
    "OwnerId": ("reference", 18),
    "SystemModstamp": ("datetime", 0),
    "LastModifiedById": ("reference", 18),
    "IsDeleted": ("boolean", 0),
    "LMS_Key__c": TEXT,
}
FIELDS = {
    "Opportunity": {
        **COMMON,
        "Name": ("string", 120),
        "Amount": ("currency", 0),
        "CloseDate": ("date", 0),
        "StageName": ("picklist", 255),
        "IsClosed": ("boolean", 0),
        "IsWon": ("boolean", 0),
        "AccountId": ("reference", 18),
        "LMS_Loss_Reason__c": ("picklist", 255),
        "LeadSource": TEXT,
        "LMS_Campaign__c": TEXT,
        "LMS_Summary__c": LONG,
        "LMS_History__c": LONG,
        "LMS_Consent__c": LONG,
        "LMS_Link__c": TEXT,
    },
    "Account": {**COMMON, "Name": TEXT, "Website": TEXT, "Type": TEXT, "MasterRecordId": ("reference", 18)},
    "Contact": {
        **COMMON,
        "FirstName": ("string", 40),
        "LastName": ("string", 80),
        "Email": ("email", 80),
        "Phone": ("phone", 40),
        "HasOptedOutOfEmail": ("boolean", 0),
        "DoNotCall": ("boolean", 0),
        "AccountId": ("reference", 18),
        "MasterRecordId": ("reference", 18),
    },
    "User": {"Id": ("id", 18), "Email": ("email", 80), "IsActive": ("boolean", 0)},
    "OpportunityContactRole": {
        "Id": ("id", 18),
        "OpportunityId": ("reference", 18),
        "ContactId": ("reference", 18),
        "IsPrimary": ("boolean", 0),
    },
}
REQUIRED = {"Opportunity": ("Name", "StageName", "CloseDate"), "Account": ("Name",), "Contact": ("LastName",)}
PICKLISTS = {"StageName": STAGES, "LMS_Loss_Reason__c": REASONS}
READ_ONLY = ("Id", "IsClosed", "IsWon", "SystemModstamp", "LastModifiedById", "IsDeleted", "MasterRecordId")


class Refusal(Exception):
    """An error as the vendor words it."""

    def __init__(self, status, code, message, fields=(), **more):
        super().__init__(message)
        self.status = status
        self.body = [{"message": message, "errorCode": code, "fields": list(fields), **more}]


class Salesforce:
    """The far side; call it as a WSGI app."""

    def __init__(self):
        self.lock = RLock()
        self.reset()

    def reset(self):
        """An empty organisation with an integration user and two reps."""
        self.records = {kind: {} for kind in FIELDS}
        self.read_only = set()
        self.count, self.tokens, self.given, self.remaining, self.calls = 0, {"token-0"}, 0, 15_000, []
        self.is_revoked, self.skew = False, timedelta(0)
        self.fields = copy.deepcopy(FIELDS)
        self.picklists = dict(PICKLISTS)
        for email in ("sync@ours.example", "ada@ours.example", "eve@ours.example"):
            number = self.new_id("User")
            self.records["User"][number] = {"Id": number, "Email": email, "IsActive": True}
        self.us = next(iter(self.records["User"]))

    def new_id(self, kind):
        """18 characters, the last three a checksum."""
        self.count += 1
        return canonical_id(f"{PREFIX[kind]}5g{self.count:010d}")

    def clock(self):
        """The organisation's time, to the second."""
        return (datetime.now(UTC) + self.skew).replace(microsecond=0)

    def __call__(self, environ, start_response):
        method, path = environ["REQUEST_METHOD"], quote(environ["PATH_INFO"], safe="/%:@")
        raw = environ["PATH_INFO"].encode("latin-1").decode("utf-8")
        query = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        body = body_of(environ)
        date = ("Date", self.clock().strftime("%a, %d %b %Y %H:%M:%S GMT"))
        limit = ("Sforce-Limit-Info", f"api-usage={15_000 - self.remaining}/15000")
        with self.lock:
            self.calls.append((method, raw))
            try:
                if path == "/services/oauth2/token":
                    status, told = self.token(body)
                else:
                    self.admit(environ)
                    header = environ.get("HTTP_SFORCE_DUPLICATE_RULE_HEADER", "")
                    status, told = self.route(method, raw, query, json.loads(body or b"null"), header)
            except Refusal as refusal:
                status, told = refusal.status, refusal.body
            except json.JSONDecodeError:
                status, told = 400, [{"message": "Unexpected character", "errorCode": "JSON_PARSER_ERROR"}]
        return answer(start_response, status, told, [date, limit])

    def token(self, body):
        """Each grant is a new token; the older ones go on."""
        asked = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self.given += 1
        if self.is_revoked or not asked.get("grant_type"):
            return 400, {"error": "invalid_grant", "error_description": "expired authorization code"}
        token = f"token-{self.given}"
        self.tokens.add(token)
        told = {"access_token": token, "token_type": "Bearer", "instance_url": "", "issued_at": "0"}
        if asked["grant_type"] == "authorization_code":
            told["refresh_token"] = f"refresh-{self.given}"
        return 200, told

    def admit(self, environ):
        """A token that is in force, and calls left for the day."""
        token = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
        if token not in self.tokens:
            raise Refusal(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if self.remaining <= 0:
            raise Refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        self.remaining -= 1

    def route(self, method, path, query, body, header=""):
        """One request, or one within a composite."""
        if path == "/services/oauth2/userinfo":
            return 200, {"organization_id": canonical_id(ORGANISATION), "user_id": self.us}
        parts = path.removeprefix("/services/data/").split("/")
        match method, parts[1:]:
            case "GET", ["limits"]:
                return 200, {"DailyApiRequests": {"Max": 15_000, "Remaining": self.remaining}}
            case "GET", ["query" | "queryAll" as door]:
                return self.query(query.get("q", ""), also_deleted=door == "queryAll")
            case "POST", ["composite"]:
                return self.composite(body)
            case "GET", ["sobjects", kind, "describe"]:
                return 200, self.describe(kind)
            case "GET", ["sobjects", kind, "deleted", ""]:
                return 200, self.deleted(kind, query["start"], query["end"])
            case "POST", ["sobjects", kind]:
                return 201, {"id": self.create(kind, body, header)["Id"], "success": True, "errors": []}
            case "PATCH", ["sobjects", kind, name, key]:
                return self.upsert(kind, name, key, body, header)
            case "PATCH", ["sobjects", kind, number]:
                self.update(kind, self.find(kind, number), body)
                return 204, None
            case "DELETE", ["sobjects", kind, number]:
                self.delete(self.find(kind, number))
                return 204, None
        raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")

    def composite(self, body):
        """All or none, at most 25."""
        steps = body["compositeRequest"]
        if len(steps) > 25:
            raise Refusal(400, "LIMIT_EXCEEDED", "The request can’t contain more than 25 operations")
        # Records are replaced, never written into, so that the tables alone are enough to go back to.
        before = {kind: dict(rows) for kind, rows in self.records.items()}
        results, failed = [], False
        for step in steps:
            url = urlsplit(step["url"])
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            header = (step.get("httpHeaders") or {}).get("Sforce-Duplicate-Rule-Header", "")
            try:
                status, told = self.route(step["method"], unquote(url.path), query, step.get("body"), header)
            except Refusal as refusal:
                status, told, failed = refusal.status, refusal.body, True
            results.append(
                {"body": told, "httpHeaders": {}, "httpStatusCode": status, "referenceId": step["referenceId"]}
            )
            if failed and body.get("allOrNone"):
                break
        if failed and body.get("allOrNone"):
            self.records = before
            halted = [{"errorCode": "PROCESSING_HALTED", "message": "The transaction was rolled back"}]
            for result in results[:-1]:
                result.update(httpStatusCode=400, body=halted)
            results += [
                {"body": halted, "httpHeaders": {}, "httpStatusCode": 400, "referenceId": step["referenceId"]}
                for step in steps[len(results) :]
            ]
        return 200, {"compositeResponse": results}

    def describe(self, kind):
        """The object's fields."""
        options = [
            {
                "name": name,
                "type": type_,
                "length": length,
                "createable": name not in self.read_only,
                "updateable": name not in self.read_only,
                "nillable": name not in REQUIRED.get(kind, ()),
                "picklistValues": [{"value": one, "active": True} for one in self.picklists.get(name, ())],
            }
            for name, (type_, length) in self.fields[kind].items()
        ]
        return {"name": kind, "fields": options}

    def deleted(self, kind, start, end):
        """The feed of deletions."""
        lo, hi = (datetime.fromisoformat(one.replace("Z", "+00:00")) for one in (start, end))
        if hi - lo < timedelta(minutes=1) or lo < self.clock() - timedelta(days=15):
            raise Refusal(400, "INVALID_REPLICATION_DATE", "startDate before org replication enabled date")
        gone = [one for one in self.records[kind].values() if one["IsDeleted"]]
        return {
            "deletedRecords": [{"id": one["Id"], "deletedDate": one["SystemModstamp"]} for one in gone],
            "earliestDateAvailable": start,
            "latestDateCovered": end,
        }

    def query(self, soql, *, also_deleted):
        """Rows of one object."""
        try:
            asked = Query(soql)
        except Malformed as error:
            raise Refusal(400, "MALFORMED_QUERY", f"unexpected token: {error}") from error
        if asked.source not in self.records:
            raise Refusal(400, "INVALID_TYPE", f"sObject type '{asked.source}' is not supported.")
        for name in asked.fields:
            if name != "Owner.Email" and name not in self.fields[asked.source]:
                raise Refusal(400, "INVALID_FIELD", f"No such column '{name}' on entity '{asked.source}'.")
        rows = [
            self.view(one) for one in self.records[asked.source].values() if also_deleted or not one.get("IsDeleted")
        ]
        rows = [one for one in rows if asked.matches(one)]
        for name in reversed(asked.order):
            rows.sort(key=lambda one: read(one, name))
        wanted = {name.split(".")[0] for name in asked.fields}
        found = [{name: row.get(name) for name in wanted} for row in rows[: asked.limit]]
        return 200, {"totalSize": len(found), "done": True, "records": found}

    def candidates(self, kind, soql):
        """What an index gives: one record by its id or key, otherwise all."""
        rows = self.records[kind]
        if found := re.search(r"WHERE Id = '(\w+)'$", soql):
            return [rows[found[1]]] if found[1] in rows else []
        if found := re.search(r"WHERE LMS_Key__c = '([^'\\]+)'$", soql):
            return [one for one in rows.values() if one.get("LMS_Key__c") == found[1]]
        return list(rows.values())

    def view(self, record):
        """With the owner as a related record."""
        owner = self.records["User"].get(record.get("OwnerId"))
        stage = str(record.get("StageName"))
        marks = {"IsClosed": stage.startswith("Closed"), "IsWon": stage == "Closed Won"} if "IsWon" in record else {}
        return {**record, **marks, "Owner": {"Email": owner["Email"]} if owner else None}

    def find(self, kind, number):
        """By id of 15 or 18 characters."""
        if kind not in self.records or not re.fullmatch(r"\w{15}(\w{3})?", number):
            raise Refusal(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible")
        record = self.records[kind].get(canonical_id(number))
        if record is None:
            raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")
        if record.get("IsDeleted"):
            raise Refusal(404, "ENTITY_IS_DELETED", "entity is deleted")
        return record

    def upsert(self, kind, name, key, body, header):
        """By external id; the key must not stand in the body."""
        if name not in self.fields.get(kind, {}):
            raise Refusal(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible")
        if name in body:
            raise Refusal(
                400, "INVALID_FIELD", f"The {name} field should not be specified in the sobject data.", [name]
            )
        found = [one for one in self.records[kind].values() if one.get(name) == key and not one["IsDeleted"]]
        if len(found) > 1:
            raise_many = [f"/services/data/v62.0/sobjects/{kind}/{one['Id']}" for one in found]
            return 300, raise_many
        if found:
            self.update(kind, found[0], body)
            return 200, {"id": found[0]["Id"], "success": True, "created": False, "errors": []}
        made = self.create(kind, {**body, name: key}, header)
        return 201, {"id": made["Id"], "success": True, "created": True, "errors": []}

    def create(self, kind, body, header=""):
        """A new record."""
        values = self.checked(kind, body)
        missing = [name for name in REQUIRED.get(kind, ()) if not values.get(name)]
        if missing:
            raise Refusal(400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: {missing}", missing)
        if "allowSave=false" in header and kind == "Contact":
            self.refuse_duplicate(values)
        record = dict.fromkeys(self.fields[kind]) | {"OwnerId": self.us, "IsDeleted": False} | values
        record["Id"] = self.new_id(kind)
        self.records[kind][record["Id"]] = record
        self.touch(record, self.us)
        return record

    def refuse_duplicate(self, values):
        """The organisation's duplicate rule for contacts."""
        same = [
            one
            for one in self.records["Contact"].values()
            if values.get("Email") and one["Email"] == values["Email"] and not one["IsDeleted"]
        ]
        if same:
            matches = [{"matchRecords": [{"record": {"Id": one["Id"]}} for one in same]}]
            raise Refusal(
                400, "DUPLICATES_DETECTED", "Use one of these records?", duplicateResult={"matchResults": matches}
            )

    def update(self, kind, record, body, by=None):
        """Some fields of a record."""
        values = self.checked(kind, body)
        emptied = [name for name in REQUIRED.get(kind, ()) if name in values and not values[name]]
        if emptied:
            raise Refusal(400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: {emptied}", emptied)
        fresh = {**record, **values}
        self.touch(fresh, by or self.us)
        self.records[kind][record["Id"]] = fresh

    def touch(self, record, by):
        """Who changed it, when."""
        record["SystemModstamp"] = self.clock().strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        record["LastModifiedById"] = by

    def delete(self, record):
        """Into the recycle bin."""
        record["IsDeleted"] = True
        self.touch(record, self.us)

    def checked(self, kind, body):
        """The values as they are kept; whatever the vendor would refuse is refused."""
        if kind not in self.fields:
            raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")
        kept = {}
        for name, value in body.items():
            if name not in self.fields[kind]:
                raise Refusal(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {kind}")
            if name in READ_ONLY:
                raise Refusal(400, "INVALID_FIELD_FOR_INSERT_UPDATE", f"Unable to create/update fields: {name}", [name])
            kept[name] = self.value(kind, name, value)
        return kept

    def value(self, kind, name, value):
        """One value as it is kept."""
        type_, length = self.fields[kind][name]
        if value is None or value == "":
            return None
        if type_ == "currency":
            if isinstance(value, str):
                raise Refusal(400, "JSON_PARSER_ERROR", "Cannot deserialize instance of currency from VALUE_STRING")
            return round(float(value), 2)
        if type_ == "date" and not re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)):
            raise Refusal(400, "JSON_PARSER_ERROR", "Cannot deserialize instance of date")
        if type_ == "boolean":
            return bool(value)
        # The vendor trims texts.
        value = str(value).strip()
        if length and len(value) > length:
            raise Refusal(400, "STRING_TOO_LONG", f"{name}: data value too large (max length={length})", [name])
        if type_ == "picklist" and value not in self.picklists[name]:
            said = f"{name}: bad value for restricted picklist field: {value}"
            raise Refusal(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", said, [name])
        if type_ == "reference" and not any(canonical_id(value) in rows for rows in self.records.values()):
            raise Refusal(400, "MALFORMED_ID", f"{name}: id value of incorrect type: {value}", [name])
        return value or None

"""A smaller HubSpot in memory, for a clone that lies beside no shared mock: the same shapes for what we ask."""

import json
import re
from datetime import UTC, datetime
from threading import RLock
from urllib.parse import parse_qs, unquote

from tests.crmsync.stands.server import answer, body_of

STAGES = ("appointmentscheduled", "qualifiedtobuy", "contractsent", "closedwon", "closedlost")
STANDARD = {
    "deals": ("dealname", "amount", "dealstage", "pipeline", "closedate", "hubspot_owner_id", "deal_currency_code"),
    "companies": ("name", "domain", "phone", "hubspot_owner_id", "lifecyclestage"),
    "contacts": ("email", "firstname", "lastname", "phone", "lastmodifieddate"),
}
MODIFIED = {"contacts": "lastmodifieddate"}


class Hubspot:
    """The far side; call it as a WSGI app."""

    def __init__(self):
        self.lock = RLock()
        self.reset()

    def reset(self):
        """An empty account with two owners."""
        self.count, self.last = 20_000_000_000, 0
        self.records = {kind: {} for kind in STANDARD}
        self.known = {kind: {*names, "hs_lastmodifieddate", "createdate"} for kind, names in STANDARD.items()}
        self.ties, self.merged = set(), {}
        self.owners = [{"id": str(900 + one), "email": f"rep{one}@mock.test", "archived": False} for one in (1, 2)]

    def __call__(self, environ, start_response):
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        query = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        body = json.loads(body_of(environ) or b"null")
        date = [("Date", datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"))]
        with self.lock:
            if path.startswith("/__mock__/"):
                return answer(start_response, 200, self.behind(path.rpartition("/")[2], body), date)
            if environ.get("HTTP_AUTHORIZATION") != "Bearer mock-token":
                return answer(start_response, 401, self.error("INVALID_AUTHENTICATION", "not valid"), date)
            status, told = self.route(method, path.strip("/").split("/"), query, body)
        return answer(start_response, status, told, date)

    @staticmethod
    def error(category, message):
        """A refusal as the vendor words it."""
        return {"status": "error", "message": message, "category": category, "correlationId": "0"}

    def behind(self, what, body):
        """What a test does behind the scenes."""
        if what == "reset":
            self.reset()
        elif what == "edit":
            self.change(
                body["type"], self.records[body["type"]][body["id"]], body["properties"], body.get("seconds", 0)
            )
        elif what == "delete":
            self.records[body["type"]][body["id"]]["archived"] = True
        elif what == "crowd":
            return {"ids": [self.one_of_many(number) for number in range(body["count"])]}
        elif what == "merge":
            self.merged[body["loser"]] = body["winner"]
        elif what == "dump":
            return {kind: list(rows.values()) for kind, rows in self.records.items()}
        return {"ok": True}

    def route(self, method, parts, query, body):
        """One request."""
        match method, parts:
            case "GET", ["crm", "v3", "owners"]:
                return 200, {"results": [one for one in self.owners if query.get("email") in (None, one["email"])]}
            case "GET", ["crm", "v3", "owners", number]:
                found = [one for one in self.owners if one["id"] == number]
                return (200, found[0]) if found else (404, self.error("OBJECT_NOT_FOUND", "no owner"))
            case "GET", ["crm", "v3", "properties", kind]:
                names = sorted(self.known[kind])
                return 200, {"results": [{"name": name, "type": "string", "options": []} for name in names]}
            case "POST", ["crm", "v3", "properties", kind]:
                self.known[kind].add(body["name"])
                return 201, body
            case "GET", ["crm", "v3", "pipelines", "deals"]:
                stages = [{"id": name, "label": name, "displayOrder": place} for place, name in enumerate(STAGES)]
                return 200, {"results": [{"id": "default", "stages": stages}]}
            case "POST", ["crm", "v3", "objects", kind, "batch", "upsert"]:
                return self.upsert(kind, body["inputs"])
            case "POST", ["crm", "v3", "objects", kind]:
                return 201, self.create(kind, body["properties"])
            case "POST", ["crm", "v3", "objects", kind, "search"]:
                return self.search(kind, body)
            case "PUT", ["crm", "v4", "objects", kind, one, "associations", "default", other, two]:
                self.ties.add((kind, one, other, two))
                return 200, {"status": "COMPLETE", "results": []}
            case _, ["crm", "v3", "objects", kind, number]:
                return self.single(method, kind, unquote(number), query, body)
        return 404, self.error("OBJECT_NOT_FOUND", "no such path")

    def single(self, method, kind, number, query, body):
        """One record by id or by a unique property."""
        by = query.get("idProperty")
        found = self.find(kind, by, number) if by else self.records[kind].get(self.merged.get(number, number))
        if found is None or found["archived"]:
            return 404, self.error("OBJECT_NOT_FOUND", "resource not found")
        if method == "DELETE":
            found["archived"] = True
            return 204, None
        if method == "PATCH":
            refused = self.refused(kind, body["properties"])
            if refused:
                return 400, refused
            self.change(kind, found, body["properties"])
        return 200, found

    def find(self, kind, name, value):
        """By a property."""
        rows = (one for one in self.records[kind].values() if not one["archived"])
        return next((one for one in rows if one["properties"].get(name, "").lower() == value.lower()), None)

    def upsert(self, kind, inputs):
        """By a unique property; one bad input refuses them all."""
        results = []
        for one in inputs:
            properties = {**one["properties"], one["idProperty"]: one["id"]}
            if refused := self.refused(kind, properties):
                return 400, refused
            found = self.find(kind, one["idProperty"], one["id"])
            is_new = found is None
            if found is None:
                found = self.create(kind, properties)
            else:
                self.change(kind, found, properties)
            results.append({**found, "new": is_new})
        return 200, {"status": "COMPLETE", "results": results}

    def create(self, kind, properties):
        """A new record."""
        self.count += 1
        made = {"id": str(self.count), "properties": {}, "archived": False, "createdAt": ""}
        self.records[kind][made["id"]] = made
        self.change(kind, made, properties)
        return made

    def refused(self, kind, properties):
        """What is not valid, if anything."""
        said = [
            {"isValid": False, "error": "PROPERTY_DOESNT_EXIST", "name": name}
            for name in properties
            if name not in self.known[kind]
        ]
        if (stage := properties.get("dealstage")) and stage not in STAGES:
            said.append({"isValid": False, "error": "INVALID_OPTION", "name": "dealstage"})
        if (amount := properties.get("amount")) and not re.fullmatch(r"-?\d+(\.\d+)?", amount):
            said.append({"isValid": False, "error": "INVALID_DOUBLE", "name": "amount"})
        return self.error("VALIDATION_ERROR", f"Property values were not valid: {json.dumps(said)}") if said else None

    def one_of_many(self, number):
        """A deal that was changed together with others."""
        self.count += 1
        stamp = datetime.fromtimestamp(self.last / 1000 if number else self.later() / 1000, UTC)
        written = stamp.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        properties = {"dealname": "Deal", "lms_key": f"crowd-{number}", "hs_lastmodifieddate": written}
        record = {"id": str(self.count), "properties": properties, "archived": False, "updatedAt": written}
        self.records["deals"][record["id"]] = record
        return record["id"]

    def later(self):
        """A stamp that no other change has."""
        self.last = max(self.last + 1, int(datetime.now(UTC).timestamp() * 1000))
        return self.last

    def change(self, kind, record, properties, seconds=0):
        """Write; ``seconds`` ago."""
        at = self.later() / 1000 - seconds
        stamp = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
        record["properties"] |= {name: str(value) for name, value in properties.items()}
        if stage := record["properties"].get("dealstage"):
            marks = {"hs_is_closed": stage.startswith("closed"), "hs_is_closed_won": stage == "closedwon"}
            record["properties"] |= {name: str(mark).lower() for name, mark in marks.items()}
        record["properties"][MODIFIED.get(kind, "hs_lastmodifieddate")] = stamp.replace("+00:00", "Z")
        record["updatedAt"] = stamp.replace("+00:00", "Z")

    def search(self, kind, body):
        """Filters, one sort, first page."""
        filters = body["filterGroups"][0]["filters"]
        rows = [one for one in self.records[kind].values() if not one["archived"]]
        rows = [one for one in rows if all(self.holds(one, each) for each in filters)]
        (name,) = body["sorts"]
        rows.sort(key=lambda one: (self.number(one, name), int(one["id"])))
        return 200, {"total": len(rows), "results": rows[: body["limit"]]}

    @staticmethod
    def number(record, name):
        """A property to compare by."""
        held = record["id"] if name == "hs_object_id" else record["properties"].get(name, "")
        if re.fullmatch(r"\d+", held):
            return float(held)
        return datetime.fromisoformat(held.replace("Z", "+00:00")).timestamp() * 1000 if held else 0.0

    def holds(self, record, asked):
        """One filter."""
        name, value = asked["propertyName"], asked.get("value", "")
        if asked["operator"] == "HAS_PROPERTY":
            return bool(record["properties"].get(name))
        if not re.fullmatch(r"\d+", value):
            return record["properties"].get(name, "").lower() == value.lower()
        held, wanted = round(self.number(record, name)), int(value)
        return {"EQ": held == wanted, "GT": held > wanted, "GTE": held >= wanted, "LTE": held <= wanted}[
            asked["operator"]
        ]

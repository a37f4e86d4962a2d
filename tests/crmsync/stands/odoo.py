"""An Odoo database in memory over JSON-RPC: errors by name inside HTTP 200, times to the second, lost ones archived."""

import json
import re
from datetime import UTC, datetime, timedelta
from threading import RLock

from tests.crmsync.stands.server import answer, body_of

KEY, LOGIN, DATABASE = "api-key", "sync@ours.example", "stand"
TEXTS = ("x_lms_key", "x_lms_source", "x_lms_campaign", "x_lms_summary", "x_lms_history", "x_lms_consent", "x_lms_link")
FIELDS = {
    "id": "integer",
    "name": "char",
    "type": "selection",
    "active": "boolean",
    "probability": "float",
    "partner_name": "char",
    "contact_name": "char",
    "email_from": "char",
    "phone": "char",
    "expected_revenue": "monetary",
    "date_deadline": "date",
    "stage_id": "many2one",
    "lost_reason_id": "many2one",
    "user_id": "many2one",
    "partner_id": "many2one",
    "create_date": "datetime",
    "write_date": "datetime",
    "write_uid": "many2one",
}
RELATED = {
    "stage_id": "crm.stage",
    "lost_reason_id": "crm.lost.reason",
    "user_id": "res.users",
    "partner_id": "res.partner",
    "write_uid": "res.users",
}
PARTNER = {
    "id": "integer",
    "name": "char",
    "is_company": "boolean",
    "website": "char",
    "email": "char",
    "user_id": "many2one",
    "customer_rank": "integer",
    "active": "boolean",
    "create_date": "datetime",
    "write_date": "datetime",
}
BLACKLIST = {
    "id": "integer",
    "email": "char",
    "active": "boolean",
    "create_date": "datetime",
    "write_date": "datetime",
}
STAMPED = ("create_date", "write_date")


class OdooError(Exception):
    """An exception of the server, by its name."""

    def __init__(self, name, message):
        super().__init__(message)
        self.name = name


class Odoo:
    """The far side; call it as a WSGI app."""

    def __init__(self):
        self.lock = RLock()
        self.reset()

    def reset(self):
        """An empty pipeline with stages, reasons and two reps."""
        self.password, self.skew, self.count, self.calls = KEY, timedelta(0), 0, []
        self.fields = {"crm.lead": dict(FIELDS) | dict.fromkeys(TEXTS, "char"), "res.partner": dict(PARTNER)}
        self.fields["mail.blacklist"] = dict(BLACKLIST)
        self.records = {
            "crm.lead": {},
            "res.partner": {},
            "mail.blacklist": {},
            "ir.model": {1: {"id": 1, "model": "crm.lead"}},
            "ir.model.fields": {},
        }
        names = ("New", "Qualified", "Proposition", "Won")
        self.records["crm.stage"] = {
            number: {"id": number, "name": name, "sequence": number, "is_won": name == "Won"}
            for number, name in enumerate(names, 1)
        }
        self.records["crm.lost.reason"] = {
            number: {"id": number, "name": name} for number, name in enumerate(("Too expensive", "No need"), 1)
        }
        people = ("sync@ours.example", "ada@ours.example", "eve@ours.example", "human@ours.example")
        self.records["res.users"] = {
            number: {"id": number, "login": login, "email": login} for number, login in enumerate(people, 2)
        }

    def __call__(self, environ, start_response):
        date = ("Date", (datetime.now(UTC) + self.skew).strftime("%a, %d %b %Y %H:%M:%S GMT"))
        if environ["PATH_INFO"] != "/jsonrpc":
            return answer(start_response, 404, None, [date])
        asked = json.loads(body_of(environ))
        told = {"jsonrpc": "2.0", "id": asked.get("id")}
        try:
            with self.lock:
                told["result"] = self.dispatch(**asked["params"])
        except OdooError as error:
            data = {"name": error.name, "message": str(error), "arguments": [str(error)], "debug": "Traceback …"}
            told["error"] = {"code": 200, "message": "Odoo Server Error", "data": data}
        return answer(start_response, 200, told, [date])

    def dispatch(self, service, method, args):
        """The two services that there are."""
        if service == "common" and method == "authenticate":
            database, login, password, _ = args
            user = next((one["id"] for one in self.records["res.users"].values() if one["login"] == login), None)
            return user if (database, password) == (DATABASE, self.password) and user else False
        database, user, password, model, name, arguments, options = args
        if (database, password) != (DATABASE, self.password):
            raise OdooError("odoo.exceptions.AccessDenied", "Access Denied")
        if model not in self.records:
            raise OdooError("builtins.KeyError", f"'{model}'")
        self.calls.append((model, name))
        return getattr(self, f"do_{name}")(model, user, *arguments, **options)

    def do_fields_get(self, model, user, names=(), attributes=()):
        known = {name: {"type": type_, "required": name == "name"} for name, type_ in self.fields[model].items()}
        return {name: one for name, one in known.items() if not names or name in names}

    def do_search_read(self, model, user, domain, fields=(), order="id", limit=None, context=None):
        rows = [one for one in self.records[model].values() if self.matches(model, one, list(domain))]
        if model == "crm.lead" and (context or {}).get("active_test", True):
            rows = [one for one in rows if one["active"]]
        for name in reversed([part.split()[0] for part in order.split(",")]):
            rows.sort(key=lambda one: one[name])
        return [self.shown(model, one, fields) for one in rows[:limit]]

    def do_read(self, model, user, ids, fields=(), context=None):
        missing = [number for number in ids if number not in self.records[model]]
        if missing:
            raise OdooError("odoo.exceptions.MissingError", "Record does not exist or has been deleted.")
        return [self.shown(model, self.records[model][number], fields) for number in ids]

    def do_create(self, model, user, values, context=None):
        if model == "ir.model.fields":
            if not values["name"].startswith("x_"):
                raise OdooError("odoo.exceptions.ValidationError", "Custom fields must have a name that starts with x_")
            self.fields["crm.lead"][values["name"]] = values["ttype"]
            for lead in self.records["crm.lead"].values():
                lead[values["name"]] = False
            return len(self.fields["crm.lead"])
        kept = self.checked(values, model)
        if model == "mail.blacklist":
            # An address stands there once; saying it again brings it back.
            for one in self.records[model].values():
                if one["email"] == kept["email"]:
                    self.do_write(model, user, [one["id"]], {"active": True})
                    return one["id"]
            kept["name"] = kept["email"]
        if not kept.get("name"):
            raise OdooError("odoo.exceptions.ValidationError", "The operation cannot be completed: Name is missing")
        self.count += 1
        record = dict.fromkeys(self.fields[model], False) | {"id": self.count, "active": True} | kept
        record |= {"stage_id": record["stage_id"] or 1} if model == "crm.lead" else {}
        record["create_date"] = record["write_date"] = datetime.now(UTC) + self.skew
        record["write_uid"] = user
        self.records[model][self.count] = record
        return self.count

    def do_write(self, model, user, ids, values, context=None):
        kept = self.checked(values, model)
        for number in ids:
            if number not in self.records[model]:
                raise OdooError("odoo.exceptions.MissingError", "Record does not exist or has been deleted.")
            self.records[model][number] |= kept | {"write_date": datetime.now(UTC) + self.skew, "write_uid": user}
        return True

    def do_unlink(self, model, user, ids, context=None):
        for number in ids:
            self.records[model].pop(number, None)
        return True

    def checked(self, values, model="crm.lead"):
        """The values as they are kept; whatever the server would refuse is refused."""
        kept = {}
        for name, value in values.items():
            type_ = self.fields[model].get(name)
            if type_ is None:
                raise OdooError("builtins.ValueError", f"Invalid field '{name}' on model '{model}'")
            if type_ == "many2one" and value and value not in self.records[RELATED[name]]:
                raise OdooError(
                    "psycopg2.errors.ForeignKeyViolation", f"Key ({name})=({value}) is not present in table"
                )
            if type_ == "date" and value and not re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)):
                raise OdooError("builtins.ValueError", f"time data '{value}' does not match format '%Y-%m-%d'")
            if type_ == "monetary":
                value = round(float(value or 0), 2)
            kept[name] = value.strip() if isinstance(value, str) and type_ == "char" else value
        return kept

    def shown(self, model, record, fields):
        """As JSON has it: pairs for related records, times without their fractions."""
        told = {}
        for name in [*fields, "id"]:
            if name not in record:
                raise OdooError("builtins.ValueError", f"Invalid field '{name}' on model '{model}'")
            value = record[name]
            if name in RELATED and value:
                other = self.records[RELATED[name]][value]
                value = [value, other.get("name") or other.get("login")]
            elif name in STAMPED:
                value = value.strftime("%Y-%m-%d %H:%M:%S")
            told[name] = value
        return told

    def matches(self, model, record, domain):
        """Polish notation, “and” where nothing is said."""
        parts = [self.term(record, domain)]
        while domain:
            parts.append(self.term(record, domain))
        return all(parts)

    def term(self, record, domain):
        """Take one term off the domain."""
        if not domain:
            return True
        head = domain.pop(0)
        if head in ("|", "&"):
            left, right = self.term(record, domain), self.term(record, domain)
            return left or right if head == "|" else left and right
        name, operator, value = head
        if name not in record:
            raise OdooError("builtins.ValueError", f"Invalid field crm.lead.{name} in leaf {head}")
        held = record[name]
        if name in STAMPED:
            value = datetime.strptime(value, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        ways = {
            "=": lambda: (held or False) == (value or False),
            "!=": lambda: (held or False) != (value or False),
            ">": lambda: held > value,
            ">=": lambda: held >= value,
            "<": lambda: held < value,
            "<=": lambda: held <= value,
        }
        return ways[operator]()

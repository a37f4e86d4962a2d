"""The five CRMs of the conformance suite, each behind a network that can misbehave, seen by a person over there."""

import json
import socket
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from crmsync import board
from crmsync.adapters.columns import read_value
from crmsync.adapters.registry import adapter_for
from crmsync.models import Connection, LossReasonMap, StageMap
from crmsync.services.handoff import REFUSED_LOSS
from crmsync.services.outcome import lost_reason
from crmsync.soak.proxy import Proxy
from leadmgmt.core import secrets
from leadmgmt.core.now import now
from leads.models import Reason
from tests.crmsync.stands import hubspot
from tests.crmsync.stands import odoo as odoo_stand
from tests.crmsync.stands.odoo import Odoo
from tests.crmsync.stands.salesforce import ORGANISATION, Salesforce
from tests.crmsync.stands.server import serve

SHARED_MOCK = Path(__file__).parents[4] / "shared" / "crm" / "hubspot_mock.py"
WORDS = {"name", "amount", "stage", "lost_reason", "close_on"}


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Stand:
    """One CRM: ``open``, ``second``, ``won`` and ``lost`` are stages of it, ``reason`` a loss reason."""

    name = ""
    has_wire = True
    ae = "ada@ours.example"
    won = None
    refused = "Refused"

    def start(self):
        """Once per run."""

    def stop(self):
        """At its end."""

    def reset(self):
        """An empty CRM, and a network in order."""

    def config(self):
        """Of the connection."""
        return {}

    def secret(self):
        """Its credentials."""
        return {}

    def connect(self, **config):
        """A connection to it, with its stages and a loss reason mapped."""
        connection = Connection.objects.create(
            slug=self.name,
            name=self.name.title(),
            adapter=self.name,
            config={"poll_seconds": 0, "adopt_matches": True, **self.config(), **config},
            secret=secrets.seal(json.dumps(self.secret())),
        )
        stages = [(self.open, "open"), (self.second, "open"), (self.won, "won"), (self.lost, "lost")]
        for place, (stage, meaning) in enumerate(stages):
            if stage:
                StageMap.objects.create(
                    connection=connection, remote=stage, meaning=meaning, position=place, is_outbound_default=place == 0
                )
        reason = Reason.objects.filter(kind=Reason.Kind.LOST, is_active=True).exclude(code__in=["other"]).first()
        LossReasonMap.objects.create(connection=connection, remote=self.reason, reason=reason)
        refused = lost_reason(REFUSED_LOSS)
        LossReasonMap.objects.create(connection=connection, remote=self.refused, reason=refused)
        return connection

    def adapter(self, connection):
        """What speaks to it."""
        return adapter_for(connection)

    def deals(self):
        """Id → what a person over there sees of each deal that has our key."""
        raise NotImplementedError

    def edit(self, remote_id, **values):
        """A person over there changes a deal."""
        raise NotImplementedError

    def delete(self, remote_id):
        """A person over there deletes it."""
        raise NotImplementedError

    def backdate(self, remote_id, seconds, **values):
        """A change that becomes visible only now, stamped ``seconds`` ago: a long transaction over there."""
        raise NotImplementedError

    def crowd(self, count):
        """So many deals of ours, all changed at one instant; returns their ids."""
        raise NotImplementedError

    def only(self):
        """The one deal there is."""
        ((remote_id, deal),) = self.deals().items()
        return remote_id, deal


class Local(Stand):
    """The built-in board; no network in between."""

    name, has_wire = "local", False
    open, second, won, lost, reason = "Discovery", "Demo", "Won", "Lost", "Price"

    def connect(self, **config):
        connection = Connection.objects.get(slug="local")
        Connection.objects.filter(pk=connection.pk).update(mode="both", config={**connection.config, **config})
        self.reason = connection.loss_reasons.first().remote
        return Connection.objects.get(pk=connection.pk)

    def deals(self):
        found = board.Deal.objects.all()
        return {
            str(one.pk): {name: getattr(one, name) or None for name in WORDS} | {"key": one.external_key}
            for one in found
        }

    def edit(self, remote_id, **values):
        if "stage" in values:
            extra = {"lost_reason": values["lost_reason"]} if "lost_reason" in values else {}
            board.move_deal(remote_id, stage=values["stage"], by="human", **extra)
        plain = {name: value for name, value in values.items() if name not in ("stage", "lost_reason")}
        if plain:
            deal = board.read_deal(remote_id)
            board.upsert_deal(external_key=deal.external_key, values=plain, deal_id=remote_id, by="human")

    def delete(self, remote_id):
        board.Deal.objects.filter(pk=remote_id).delete()

    def backdate(self, remote_id, seconds, **values):
        self.edit(remote_id, **values)
        board.Deal.objects.filter(pk=remote_id).update(modified_at=now() - timedelta(seconds=seconds))

    def crowd(self, count):
        at = now() - timedelta(seconds=5)
        made = board.Deal.objects.bulk_create(
            board.Deal(external_key=f"crowd-{one}", name=f"Deal {one}", stage=self.open, modified_at=at, created_at=at)
            for one in range(count)
        )
        board.Deal.objects.update(modified_at=at)
        return {str(one.pk) for one in made}


class WireStand(Stand):
    """Over HTTP."""

    def start(self):
        self.far, self.address = serve(self.crm)
        self.proxy = Proxy(self.address, self.is_write)

    def stop(self):
        self.proxy.close()
        self.far.shutdown()

    def reset(self):
        self.crm.reset()
        self.proxy.calm()


class SalesforceStand(WireStand):
    """Our own stand-in."""

    name = "salesforce"
    open, second, won, lost, reason = "Prospecting", "Qualification", "Closed Won", "Closed Lost", "Price"
    refused = "Timing"
    COLUMNS = {
        "name": "Name",
        "amount": "Amount",
        "stage": "StageName",
        "lost_reason": "LMS_Loss_Reason__c",
        "close_on": "CloseDate",
    }

    def __init__(self):
        self.crm = Salesforce()

    @staticmethod
    def is_write(method, path, body):
        return method != "GET" and not path.startswith("/services/oauth2")

    def config(self):
        at = self.proxy.address
        return {"address": at, "login": at, "flow": "client_credentials", "organisation": ORGANISATION}

    def secret(self):
        return {"client_id": "us", "client_secret": "canary-9f2a", "hooks": ["hook-canary-1", "hook-canary-2"]}

    def deals(self):
        return {
            one["Id"]: {ours: read_value(ours, one[theirs]) for ours, theirs in self.COLUMNS.items()}
            | {"key": one["LMS_Key__c"]}
            for one in self.crm.records["Opportunity"].values()
            if one["LMS_Key__c"] and not one["IsDeleted"]
        }

    def edit(self, remote_id, **values):
        human = list(self.crm.records["User"])[1]
        plain = {
            self.COLUMNS[name]: float(value) if isinstance(value, Decimal) else value for name, value in values.items()
        }
        if "close_on" in values:
            plain["CloseDate"] = values["close_on"].isoformat()
        with self.crm.lock:
            self.crm.update("Opportunity", self.crm.records["Opportunity"][remote_id], plain, by=human)

    def delete(self, remote_id):
        with self.crm.lock:
            self.crm.delete(self.crm.records["Opportunity"][remote_id])

    def undelete(self, remote_id):
        record = self.crm.records["Opportunity"][remote_id]
        record["IsDeleted"] = False
        self.crm.touch(record, self.crm.us)

    def backdate(self, remote_id, seconds, **values):
        skew, self.crm.skew = self.crm.skew, self.crm.skew - timedelta(seconds=seconds)
        self.edit(remote_id, **values)
        self.crm.skew = skew

    def crowd(self, count):
        values = {"Name": "Deal", "StageName": self.open, "CloseDate": "2027-01-01"}
        made = [self.crm.create("Opportunity", {**values, "LMS_Key__c": f"crowd-{one}"}) for one in range(count)]
        for record in made:
            record["SystemModstamp"] = made[0]["SystemModstamp"]
        return {record["Id"] for record in made}


class OdooStand(WireStand):
    """Our own stand-in."""

    name = "odoo"
    open, second, won, lost, reason = "1", "2", "4", "lost", "Too expensive"
    refused = "No need"

    def __init__(self):
        self.crm = Odoo()

    @staticmethod
    def is_write(method, path, body):
        return any(f'"{name}"'.encode() in body for name in ("create", "write", "unlink"))

    def config(self):
        return {
            "address": self.proxy.address,
            "database": odoo_stand.DATABASE,
            "login": odoo_stand.LOGIN,
        }

    def secret(self):
        return {"key": odoo_stand.KEY, "hooks": ["hook-canary-1", "hook-canary-2"]}

    def deals(self):
        return {
            str(one["id"]): {
                "name": one["name"],
                "amount": read_value("amount", str(one["expected_revenue"]) if one["expected_revenue"] else None),
                "stage": str(one["stage_id"]) if one["active"] else "lost",
                "lost_reason": self.crm.records["crm.lost.reason"].get(one["lost_reason_id"], {}).get("name"),
                "close_on": read_value("close_on", one["date_deadline"]),
                "key": one["x_lms_key"],
            }
            for one in self.crm.records["crm.lead"].values()
            if one["x_lms_key"]
        }

    def edit(self, remote_id, **values):
        plain = {}
        for name, value in values.items():
            if name == "stage":
                plain |= {"active": False} if value == "lost" else {"active": True, "stage_id": int(value)}
            elif name == "lost_reason":
                reasons = self.crm.records["crm.lost.reason"].values()
                plain["lost_reason_id"] = next(one["id"] for one in reasons if one["name"] == value)
            else:
                theirs = {"amount": "expected_revenue", "close_on": "date_deadline"}.get(name, name)
                plain[theirs] = float(value) if isinstance(value, Decimal) else str(value)
        with self.crm.lock:
            self.crm.do_write("crm.lead", 5, [int(remote_id)], plain)

    def delete(self, remote_id):
        with self.crm.lock:
            self.crm.do_unlink("crm.lead", 5, [int(remote_id)])

    def backdate(self, remote_id, seconds, **values):
        skew, self.crm.skew = self.crm.skew, self.crm.skew - timedelta(seconds=seconds)
        self.edit(remote_id, **values)
        self.crm.skew = skew

    def crowd(self, count):
        made = [
            self.crm.do_create("crm.lead", 2, {"name": "Deal", "x_lms_key": f"crowd-{one}"}) for one in range(count)
        ]
        at = self.crm.records["crm.lead"][made[0]]["write_date"]
        for number in made:
            self.crm.records["crm.lead"][number]["write_date"] = at
        return {str(number) for number in made}


class HubspotStand(Stand):
    """The shared mock where it is there, our own smaller one elsewhere."""

    name = "hubspot"
    open, second, won, lost, reason = "qualifiedtobuy", "contractsent", "closedwon", "closedlost", "Price"
    ae = "rep1@mock.test"
    COLUMNS = {
        "name": "dealname",
        "amount": "amount",
        "stage": "dealstage",
        "lost_reason": "closed_lost_reason",
        "close_on": "closedate",
    }

    def __init__(self, is_shared=None):
        self.is_shared = SHARED_MOCK.exists() if is_shared is None else is_shared
        self.process = None

    @staticmethod
    def is_write(method, path, body):
        return method != "GET" and not path.endswith("/search") and not path.startswith("/oauth")

    def start(self):
        if self.is_shared:
            port = free_port()
            self.address = f"http://127.0.0.1:{port}"
            limits = ["--rate", "1000000", "--search-rate", "1000000"]
            self.process = subprocess.Popen(
                [sys.executable, SHARED_MOCK, "--port", str(port), *limits],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            self.wait()
        else:
            self.far, self.address = serve(hubspot.Hubspot())
        self.proxy = Proxy(self.address, self.is_write)

    def wait(self):
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with suppress(URLError, ConnectionError):
                self.mock("stats")
                return
            time.sleep(0.2)
        raise RuntimeError("The mock does not start.")

    def stop(self):
        self.proxy.close()
        if self.process:
            self.process.terminate()
            self.process.wait(10)
        else:
            self.far.shutdown()

    def mock(self, what, told=None):
        """A word behind the scenes."""
        body = None if told is None else json.dumps(told).encode()
        asked = Request(f"{self.address}/__mock__/{what}", body, {"Content-Type": "application/json"})
        try:
            with urlopen(asked, timeout=30) as reply:
                return json.loads(reply.read())
        except HTTPError as error:
            raise AssertionError(error.read().decode()) from error

    def reset(self):
        self.mock("reset", {})
        self.proxy.calm()

    def connect(self, **config):
        connection = super().connect(**config)
        adapter_for(connection).prepare(datetime.max.replace(tzinfo=UTC, year=now().year + 1))
        return connection

    def config(self):
        return {"address": self.proxy.address, "portal": "62515"}

    def secret(self):
        return {"key": "mock-token", "hooks": ["hook-canary-1", "hook-canary-2"]}

    def deals(self):
        found = self.mock("dump").get("deals", [])
        return {
            one["id"]: {ours: read_value(ours, one["properties"].get(theirs)) for ours, theirs in self.COLUMNS.items()}
            | {"key": one["properties"].get("lms_key")}
            for one in found
            if one["properties"].get("lms_key") and not one["archived"]
        }

    def edit(self, remote_id, **values):
        properties = {self.COLUMNS[name]: str(value) for name, value in values.items()}
        self.mock("edit", {"type": "deals", "id": remote_id, "properties": properties})

    def delete(self, remote_id):
        self.mock("delete", {"type": "deals", "id": remote_id})

    def backdate(self, remote_id, seconds, **values):
        properties = {self.COLUMNS[name]: str(value) for name, value in values.items()}
        self.mock("edit", {"type": "deals", "id": remote_id, "properties": properties, "seconds": seconds})

    def crowd(self, count):
        return set(self.mock("crowd", {"count": count})["ids"])


class TrytonStand(Stand):
    """The real one."""

    name = "tryton"
    open, second, lost, reason = "lead", "opportunity", "lost", "Price"
    COLUMNS = {
        "name": "description",
        "amount": "amount",
        "stage": "state",
        "lost_reason": "lost_reason",
        "close_on": "end_date",
    }

    @staticmethod
    def is_write(method, path, body):
        called = json.loads(body or b"{}").get("method", "").rpartition(".")[2]
        return called in ("create", "write", "delete", "opportunity", "lost", "lead", "cancel", "convert")

    def place(self):
        """Where it will run, read off the tests' own database."""
        from tests.crmsync.stands.tryton import TrytonServer

        self.server = TrytonServer(free_port())

    def start(self):
        self.server.start()
        self.proxy = Proxy(self.server.address, self.is_write)
        self.human = None

    def stop(self):
        self.proxy.close()
        self.server.stop()

    def reset(self):
        self.server.empty()
        self.proxy.calm()

    def config(self):
        from tests.crmsync.stands.tryton import COMPANY, CURRENCY

        return {
            "address": self.proxy.address,
            "database": self.server.name,
            "login": "crmsync",
            "company": COMPANY,
            "currency": CURRENCY,
        }

    def secret(self):
        from tests.crmsync.stands.tryton import PASSWORD

        return {"password": PASSWORD}

    def person(self, method, *params):
        """A person in Tryton's own client."""
        from crmsync.adapters.tryton import TrytonAdapter
        from tests.crmsync.stands.tryton import PASSWORD

        class Once:
            def __init__(self, adapter, deadline):
                self.token = adapter.grant("", deadline).access

            def current(self, deadline):
                return self.token

        deadline = datetime.max.replace(tzinfo=UTC, year=now().year + 1)
        if self.human is None:
            config = {**self.config(), "address": self.server.address, "login": "human"}
            self.human = TrytonAdapter(config, json.dumps({"password": PASSWORD}))
            self.human.use_tokens(Once(self.human, deadline))
        return self.human._call("deal", method, list(params), deadline, is_write=True)

    def deals(self):
        with self.server.line(self.server.name) as line:
            asked = "SELECT id, description, amount, state, lost_reason, end_date, reference FROM sale_opportunity"
            found = line.execute(asked + " WHERE reference LIKE '%%:opportunity:%%'").fetchall()
        names = ("name", "amount", "stage", "lost_reason", "close_on", "key")
        return {str(number): {n: v or None for n, v in zip(names, rest, strict=True)} for number, *rest in found}

    def edit(self, remote_id, **values):
        from crmsync.adapters import ty_words
        from crmsync.adapters.tryton import path

        number = [int(remote_id)]
        plain = {self.COLUMNS[name]: ty_words.plain(value) for name, value in values.items() if name != "stage"}
        if plain:
            self.person("write", number, plain)
        if "stage" in values:
            for action in path(self.deals()[remote_id]["stage"], values["stage"]):
                self.person(action, number)

    def backdate(self, remote_id, seconds, **values):
        self.edit(remote_id, **values)
        with self.server.line(self.server.name) as line:
            asked = "UPDATE sale_opportunity SET write_date = write_date - make_interval(secs => %s) WHERE id = %s"
            line.execute(asked, [seconds, int(remote_id)])

    def crowd(self, count):
        with self.server.line(self.server.name) as line:
            asked = (
                "INSERT INTO sale_opportunity (reference, number, description, state, company, currency, start_date,"
                " conversion_probability, create_date)"
                " SELECT 'x:opportunity:' || n, 'crowd-' || n, 'Deal', 'lead', 1, 1, current_date, 0.5,"
                " date_trunc('second', now() AT TIME ZONE 'UTC') FROM generate_series(1, %s) n RETURNING id"
            )
            return {str(number) for (number,) in line.execute(asked, [count]).fetchall()}

    def delete(self, remote_id):
        if self.deals()[remote_id]["stage"] != "cancelled":
            self.edit(remote_id, stage="cancelled")
        self.person("delete", [int(remote_id)])


def all_stands():
    """One of each."""
    return {one.name: one for one in (Local(), SalesforceStand(), HubspotStand(), OdooStand(), TrytonStand())}

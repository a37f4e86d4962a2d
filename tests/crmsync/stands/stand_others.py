"""HubSpot by its mock, Tryton for real, and all five together."""

import json
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from crmsync.adapters.columns import read_value
from crmsync.adapters.registry import adapter_for
from crmsync.soak.proxy import Proxy
from leadmgmt.core.now import now
from tests.crmsync.stands import hubspot
from tests.crmsync.stands.server import serve
from tests.crmsync.stands.stand import Local, Stand, free_port
from tests.crmsync.stands.stand_own import OdooStand, SalesforceStand

SHARED_MOCK = Path(__file__).parents[4] / "shared" / "crm" / "hubspot_mock.py"


PRIMARY = "hs_primary_associated_company"


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

    def made(self, kind, **properties):
        """A record that a person over there enters."""
        told = {"properties": {name: str(value) for name, value in properties.items()}}
        return self.ask(f"objects/{kind}", told)["id"]

    def opt_out(self, email):
        with suppress(HTTPError):
            described = {"name": "hs_email_optout", "label": "Opted out", "type": "string", "fieldType": "text"}
            self.ask("properties/contacts", {**described, "groupName": "contactinformation"})
        marks = {"hs_email_optout": "true"}
        found = [one for one in self.mock("dump").get("contacts", []) if one["properties"].get("email") == email]
        if found:
            self.mock("edit", {"type": "contacts", "id": found[0]["id"], "properties": marks})
        else:
            self.made("contacts", email=email, **marks)

    def opted_out(self, email):
        found = [one["properties"] for one in self.mock("dump").get("contacts", [])]
        return any(one.get("lms_no_email") == "true" for one in found if one.get("email") == email)

    def ask(self, path, told=None):
        """As a person's browser does."""
        headers = {"Content-Type": "application/json", "Authorization": "Bearer mock-token"}
        body = None if told is None else json.dumps(told).encode()
        with urlopen(Request(f"{self.address}/crm/v3/{path}", body, headers), timeout=30) as reply:
            return json.loads(reply.read())

    def user(self, email):
        """The number of a person over there."""
        return next((one["id"] for one in self.ask(f"owners?email={email}")["results"]), "")

    def firm(self, name, website, owner="", *, buys=False):
        stage = "customer" if buys else "lead"
        domain = website.partition("//")[2]
        owner = self.user(owner) if owner else ""
        return self.made("companies", name=name, domain=domain, hubspot_owner_id=owner, lifecyclestage=stage)

    def pursuit(self, firm, name, amount, owner="", stage=None):
        values = {"dealname": name, "amount": amount, "dealstage": stage or self.open, "pipeline": "default"}
        number = self.made("deals", **values, hubspot_owner_id=self.user(owner) if owner else "")
        # What the vendor works out from the associations, under a property that is there from the beginning.
        with suppress(HTTPError):
            described = {"name": PRIMARY, "label": PRIMARY, "type": "string", "fieldType": "text"}
            self.ask("properties/deals", {**described, "groupName": "dealinformation"})
        self.mock("edit", {"type": "deals", "id": number, "properties": {PRIMARY: firm}})
        return number


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

    def person(self, method, *params, kind="deal"):
        """A person in Tryton's own client."""
        from crmsync.adapters.tryton import TrytonAdapter
        from tests.crmsync.stands.tryton import PASSWORD

        class Once:
            def __init__(self, adapter, deadline):
                self.adapter = adapter
                self.renewed("", deadline)

            def current(self, deadline):
                return self.token

            def renewed(self, stale, deadline):
                self.token = self.adapter.grant("", deadline).access
                return self.token

        deadline = datetime.max.replace(tzinfo=UTC, year=now().year + 1)
        if self.human is None:
            config = {**self.config(), "address": self.server.address, "login": "human"}
            self.human = TrytonAdapter(config, json.dumps({"password": PASSWORD}))
            self.human.use_tokens(Once(self.human, deadline))
        return self.human._call(kind, method, list(params), deadline, is_write=True)

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
            with self.server.line(self.server.name) as line:
                asked = "SELECT state FROM sale_opportunity WHERE id = %s"
                (state,) = line.execute(asked, number).fetchone()
            for action in path(state, values["stage"]):
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

    def firm(self, name, website, owner="", *, buys=False):
        mechanisms = [["create", [{"type": "website", "value": website}]]]
        (number,) = self.person("create", [{"name": name, "contact_mechanisms": mechanisms}], kind="company")
        return str(number)

    def pursuit(self, firm, name, amount, owner="", stage=None):
        from crmsync.adapters import ty_words
        from crmsync.adapters.tryton import path
        from tests.crmsync.stands.tryton import COMPANY, CURRENCY

        values = {"party": int(firm), "description": name, "amount": ty_words.plain(Decimal(amount))}
        (number,) = self.person("create", [{**values, "company": COMPANY, "currency": CURRENCY}])
        for action in path("lead", stage or self.open):
            self.person(action, [number])
        return str(number)


def all_stands():
    """One of each."""
    return {one.name: one for one in (Local(), SalesforceStand(), HubspotStand(), OdooStand(), TrytonStand())}

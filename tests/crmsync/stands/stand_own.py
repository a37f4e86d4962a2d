"""Salesforce and Odoo as our own stand-ins."""

from datetime import timedelta
from decimal import Decimal

from crmsync.adapters.columns import read_value
from tests.crmsync.stands import odoo as odoo_stand
from tests.crmsync.stands.odoo import Odoo
from tests.crmsync.stands.salesforce import ORGANISATION, Salesforce
from tests.crmsync.stands.stand import WireStand


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

    def user(self, email):
        """The number of a person over there, ourselves where nobody is meant."""
        users = self.crm.records["User"].values()
        return next((one["Id"] for one in users if one["Email"] == email), self.crm.us)

    def firm(self, name, website, owner="", *, buys=False):
        values = {"Name": name, "Website": website, "Type": "Customer - Direct" if buys else "Prospect"}
        return self.crm.create("Account", {**values, "OwnerId": self.user(owner)})["Id"]

    def pursuit(self, firm, name, amount, owner="", stage=None):
        values = {"Name": name, "Amount": amount, "StageName": stage or self.open, "CloseDate": "2027-01-01"}
        return self.crm.create("Opportunity", {**values, "AccountId": firm, "OwnerId": self.user(owner)})["Id"]

    def opt_out(self, email):
        found = next((one for one in self.crm.records["Contact"].values() if one["Email"] == email), None)
        if found is None:
            self.crm.create("Contact", {"LastName": "Somebody", "Email": email, "HasOptedOutOfEmail": True})
        else:
            self.crm.update("Contact", found, {"HasOptedOutOfEmail": True})

    def opted_out(self, email):
        return any(one["HasOptedOutOfEmail"] for one in self.crm.records["Contact"].values() if one["Email"] == email)


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

    def user(self, email):
        """The number of a person over there."""
        users = self.crm.records["res.users"].values()
        return next((one["id"] for one in users if one["login"] == email), False)

    def firm(self, name, website, owner="", *, buys=False):
        values = {"name": name, "website": website, "is_company": True, "customer_rank": 3 if buys else 0}
        return str(self.crm.do_create("res.partner", 5, {**values, "user_id": self.user(owner)}))

    def pursuit(self, firm, name, amount, owner="", stage=None):
        won, lost = stage == self.won, stage == self.lost
        values = {"name": name, "partner_id": int(firm), "expected_revenue": amount, "type": "opportunity"}
        values |= {"user_id": self.user(owner), "active": not lost, "probability": 100 if won else 10}
        return str(self.crm.do_create("crm.lead", 5, values))

    def opt_out(self, email):
        self.crm.do_create("mail.blacklist", 5, {"email": email})

    def opted_out(self, email):
        return any(one["email"] == email for one in self.crm.records["mail.blacklist"].values())

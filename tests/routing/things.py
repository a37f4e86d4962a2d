"""Rule sets and shifts for the tests of routing."""

import re
from datetime import time
from typing import Any

from django.test import Client
from django.urls import reverse

from leads.models import Lead, LeadEvent, Reason, User
from routing.models import Certificate, Pool, Rep, Rule, RuleSet, Shift
from routing.services.route import route_lead
from tests.factories import make_contact, make_lead, make_policy, make_pool, make_rep, make_team, make_user

ALWAYS: dict[str, Any] = {}


def is_in(fact: str, *values: str) -> dict[str, Any]:
    """A condition on one fact."""
    return {"fact": fact, "op": "in", "value": list(values)}


def make_rules(*rules: tuple[str, dict[str, Any], Any], version: int = 1, status: str = "published") -> RuleSet:
    """A rule set of (name, condition, destination); a destination is a pool, a rep, a reason, ("account_owner", pool)
    or None for the waiting room."""
    rule_set = RuleSet.objects.create(version=version, status=status)
    for position, (name, condition, target) in enumerate(rules, 1):
        Rule.objects.create(rule_set=rule_set, position=position, name=name, condition=condition, **destination(target))
    return rule_set


def destination(target: Any) -> dict[str, Any]:
    """The columns of a destination."""
    if isinstance(target, Pool):
        return {"destination": "pool", "pool": target}
    if isinstance(target, Rep):
        return {"destination": "rep", "rep": target}
    if isinstance(target, Reason):
        return {"destination": "disqualify", "reason": target}
    if isinstance(target, tuple):
        return {"destination": target[0], "pool": target[1]}
    return {"destination": "waiting"}


def shift(rep: Rep, weekday: int, starts_at: str, ends_at: str) -> Shift:
    """Working hours on one weekday (0 is Monday)."""
    start, end = time.fromisoformat(starts_at), time.fromisoformat(ends_at)
    return Shift.objects.create(rep=rep, weekday=weekday, starts_at=start, ends_at=end)


def route(lead: Lead) -> None:
    """The pipeline's step, with the lead as it stands."""
    lead.refresh_from_db()
    route_lead(lead, LeadEvent(lead=lead, kind="lead.scored"))
    lead.refresh_from_db()


def decided() -> Certificate:
    """A decision by draw between Ann and Ben; the third had switched off."""
    team = make_team("dach")
    ann = make_rep(make_user("sdr", first_name="Ann", last_name="Able", team=team))
    ben = make_rep(make_user("sdr", first_name="Ben", last_name="Bold", team=team), max_open_leads=25)
    off = make_rep(make_user("sdr", first_name="Out", last_name="Off", team=team), is_accepting=False)
    make_policy(15, is_default=True)
    pool = make_pool(ann, ben, off, name="SDR DACH", team=team)
    make_rules(("France", is_in("contact.country", "FR"), None), ("DACH", ALWAYS, pool), ("Rest", ALWAYS, None))
    lead = make_lead(contact=make_contact(first_name="Nele", last_name="Bachmann"))
    route(lead)
    return Certificate.objects.get(lead=lead)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, name: str, *args: Any, **params: str) -> str:
    """The page's text, spaces made plain."""
    response = client.get(reverse(name, args=args), params)
    assert response.status_code == 200, response.status_code
    return text_of(response.content.decode())


def text_of(html: str) -> str:
    body = re.sub(r"<svg.*?</svg>|<script.*?</script>|<template.*?</template>", " ", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).replace("\xa0", " ").split())

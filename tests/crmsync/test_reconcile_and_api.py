"""Reconcile finds every kind of difference; the API converts."""

import json
from contextlib import suppress
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from crmsync.models import BoardDeal, Link
from leads.services.channels import create_api_key
from tests.crmsync.things import deal_of, make_crm, make_deal, make_sql, read
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def reconciled():
    out = StringIO()
    with suppress(SystemExit):
        call_command("reconcile", "local", "--json", stdout=out)
    return json.loads(out.getvalue())


def test_two_sides_that_agree_have_no_differences():
    make_crm()
    make_deal()

    said = reconciled()

    assert (said["remote"], said["links"], said["differences"]) == (1, 1, {})


def test_each_kind_of_difference_is_found_and_nothing_is_changed():
    make_crm()
    deals = [make_deal()[1] for _ in range(4)]
    edited, unmapped, deleted, forgotten = (deal_of(deal) for deal in deals)
    BoardDeal.objects.filter(pk=edited.pk).update(amount=1)
    BoardDeal.objects.filter(pk=unmapped.pk).update(stage="Paperwork")
    deleted.delete()
    Link.objects.filter(remote_id=str(forgotten.pk)).delete()

    said = reconciled()

    assert said["differences"] == {"field_diff": 2, "stage_unmapped": 1, "missing_remote": 1, "missing_local": 1}
    assert BoardDeal.objects.get(pk=edited.pk).amount == 1


def test_an_unknown_connection_is_named():
    make_crm()

    with pytest.raises(CommandError, match="There is no connection “nowhere”"):
        call_command("reconcile", "nowhere")


def test_the_api_converts_once_and_refuses_what_is_no_sql():
    make_crm()
    make_user("ae", email="ada@ours.example")
    lead = make_sql()
    _, token = create_api_key("test", user=lead.owner)
    client = Client(headers={"authorization": f"Bearer {token}"})

    first = client.post(f"/api/v1/leads/{lead.pk}/convert/")
    second = client.post(f"/api/v1/leads/{lead.pk}/convert/")

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert first.json()["owner"] == "ada@ours.example"
    assert read(lead).stage == "opportunity"

    other = make_sql(owner=lead.owner)
    other.__class__.objects.filter(pk=other.pk).delete()
    assert client.post(f"/api/v1/leads/{other.pk}/convert/").status_code == 404


def test_the_api_says_why_a_lead_is_not_converted():
    make_crm()
    lead = make_sql()
    _, token = create_api_key("test", user=lead.owner)

    refused = Client(headers={"authorization": f"Bearer {token}"}).post(f"/api/v1/leads/{lead.pk}/convert/")

    assert refused.status_code == 409
    assert refused["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "no_ae"
    assert read(lead).stage == "sql"

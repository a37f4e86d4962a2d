"""Fields of ours that a CRM lacks are made there by a button; those that it does not let us write, and what we need."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from django.urls import reverse

from crmsync.adapters.base import FieldSchema, RemoteSchema
from crmsync.adapters.hubspot import HubspotAdapter
from crmsync.adapters.registry import adapter_for, adapter_names, setup_of
from crmsync.models import Connection
from crmsync.services.schema import read_schema
from crmsync.services.setup import save_fields
from crmsync.tasks import push_connection
from leadmgmt.core.now import now
from tests.crmsync.stands.stand_others import HubspotStand
from tests.crmsync.stands.stand_own import SalesforceStand
from tests.crmsync.test_setup import connected, post, switched_on
from tests.crmsync.things import converted, make_crm
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def test_hubspot_gets_the_properties_that_are_missing(client, settings):
    client.force_login(make_user("admin"))
    admin = client
    settings.OUTBOUND_ALLOW_PRIVATE = ["127.0.0.1"]
    far = HubspotStand(is_shared=False)
    far.start()
    try:
        make_crm()
        admin.post("/setup/crm/new/", {"adapter": "hubspot"})
        one = Connection.objects.get(adapter="hubspot")
        post(admin, "connection_access", one.slug, name="H", **{**one.config, **far.config(), "key": "mock-token"})
        post(admin, "connection_try", one.slug)
        one.refresh_from_db()
        assert "summary" in one.paused_fields

        post(admin, "connection_prepare", one.slug)

        one.refresh_from_db()
        assert one.paused_fields == {}
    finally:
        far.stop()


def test_s01_a_field_that_changed_its_type_rests_until_somebody_maps_it_anew(crm, linked):
    """A text holds a number as well, so only the change itself speaks against it, at every look."""
    adapter = adapter_for(linked)
    told = [FieldSchema(name, "number" if name == "amount" else "text") for name in adapter.fields("deal")]
    adapter.describe = lambda kind, deadline: RemoteSchema(kind, tuple(told), (), "")
    assert read_schema(linked, adapter) == {}
    told[:] = [replace(one, type="text") for one in told]

    assert list(read_schema(linked, adapter)) == ["amount"]
    assert list(read_schema(linked, adapter)) == ["amount"]
    save_fields(linked, {name: name for name in adapter.fields("deal")})
    assert read_schema(linked, adapter) == {}


@pytest.fixture
def rita(client):
    """An admin at the screen."""
    client.force_login(make_user("admin"))
    return client


@pytest.fixture
def organisation(settings):
    """A Salesforce organisation that nobody has connected yet."""
    settings.OUTBOUND_ALLOW_PRIVATE = ["127.0.0.1"]
    make_crm()
    Connection.objects.update(mode="off")
    found = SalesforceStand()
    found.start()
    make_user("ae", first_name="Ada", email=found.ae)
    yield found
    found.stop()


def test_a_field_that_our_account_may_only_read_is_not_written(rita, organisation):
    one = connected(rita, organisation)
    organisation.crm.read_only = {"LMS_Summary__c", "Amount"}
    post(rita, "connection_try", one.slug)
    one.refresh_from_db()
    # The amount is theirs: it is read as before.
    assert one.paused_fields == {"summary": "Our account may only read this field there."}

    current = rita.get(reverse("crmsync:connection", args=[one.slug])).context["page"].fields.initial
    answer = post(
        rita, "connection_fields", one.slug, **{**current, "campaign": "", "source": "LMS_Summary__c", "summary": ""}
    )
    assert answer.status_code == 422
    assert "may only read" in answer.context["page"].fields.errors["source"][0]
    switched_on(rita, one)
    _, opportunity = converted()
    push_connection(one.pk)
    assert organisation.only()[1]["name"] == opportunity.name


def test_each_vendor_says_what_our_account_needs(rita):
    for name in adapter_names():
        setup = setup_of(name)
        assert bool(setup.needs) is bool(setup.settings), name
    rita.post("/setup/crm/new/", {"adapter": "hubspot"})
    page = rita.get("/setup/crm/hubspot/").content.decode()
    assert "What our account there needs, and no more" in page
    assert "crm.objects.owners.read" in page


def test_hubspot_says_which_properties_are_read_only():
    adapter = HubspotAdapter({}, json.dumps({"key": "k"}))
    told = [
        {"name": "hs_closed", "type": "number", "modificationMetadata": {"readOnlyValue": True}},
        {"name": "dealname", "type": "string", "modificationMetadata": {"readOnlyValue": False}},
        {"name": "old", "type": "string"},
    ]
    adapter._wire = SimpleNamespace(read=lambda path, deadline: {"results": told})
    fields = {one.name: one.is_writable for one in adapter.describe("company", now()).fields}
    assert fields == {"dealname": True, "hs_closed": False, "old": True}

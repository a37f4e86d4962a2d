"""Fields of ours that a CRM lacks are made there by a button."""

from dataclasses import replace

import pytest

from crmsync.adapters.base import FieldSchema, RemoteSchema
from crmsync.adapters.registry import adapter_for
from crmsync.models import Connection
from crmsync.services.schema import read_schema
from crmsync.services.setup import save_fields
from tests.crmsync.stands.stand_others import HubspotStand
from tests.crmsync.test_setup import post
from tests.crmsync.things import make_crm
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

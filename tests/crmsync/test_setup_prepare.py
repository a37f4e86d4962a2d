"""Fields of ours that a CRM lacks are made there by a button."""

import pytest

from crmsync.models import Connection
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

"""X01: what opens a CRM is in no log, no text of the database and no page."""

import logging

import pytest
from django.db import connection as database

from crmsync.models import OutboxEntry
from leadmgmt.core import secrets
from tests.crmsync.conformance.conftest import wired
from tests.crmsync.conformance.steps import poll, push, rename, there
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@wired
def test_x01_secrets_are_nowhere_to_be_read(stand, crm, caplog, client):
    caplog.set_level(logging.DEBUG)
    _, opportunity, _ = there(stand, crm)
    for mode, how in (("status", {"status": 401, "times": 5, "on": "any"}), ("lost", {}), ("status", {"status": 500})):
        stand.proxy.add(mode, **how)
        rename(opportunity, f"After {mode}")
        push(crm)
        poll(crm)
    canaries = [value for value in _plain(stand.secret()) if len(value) > 6]
    assert canaries
    assert all(value in secrets.unseal(crm.secret) for value in canaries)

    told = [caplog.text, *_texts(), *_pages(client, crm)]

    assert len(told) > 50
    for canary in canaries:
        assert not [text[:200] for text in told if canary in text]


def _plain(kept):
    for value in kept.values():
        yield from value if isinstance(value, list) else [value]


def _texts():
    """Every text column of every table."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND data_type IN ('text', 'character varying', 'jsonb')"
        )
        for table, column in cursor.fetchall():
            cursor.execute(f'SELECT DISTINCT "{column}"::text FROM "{table}" WHERE "{column}" IS NOT NULL')
            yield " ".join(str(value) for (value,) in cursor.fetchall())


def _pages(client, crm):
    admin = make_user("admin", is_staff=True, is_superuser=True)
    client.force_login(admin)
    entry = OutboxEntry.objects.latest("pk")
    for address in (
        "/setup/crm/",
        f"/admin/crmsync/connection/{crm.pk}/change/",
        "/admin/crmsync/connection/",
        f"/admin/crmsync/outboxentry/{entry.pk}/change/",
    ):
        answer = client.get(address)
        assert answer.status_code == 200
        yield answer.content.decode()

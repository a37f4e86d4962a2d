"""What one lead costs the database (docs/decisions/0008-cost-of-a-lead.md)."""

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leadmgmt.core.prepared import statements_prepared
from leads import tasks
from leads.models import Lead
from leads.services.capture import take_in
from routing.models import Notification
from routing.tasks import deliver_notification
from tests.world import World, build_world

pytestmark = pytest.mark.django_db(transaction=True)
MOST = 60


def travel(world: World, name: str) -> int:
    """Take in a stranger, run the jobs up to both notices; returns how many statements that took."""
    payload = {"email": f"{name}@{name}.example", "name": f"Ada {name}", "phone": "+49 30 123456", "subject": "demo"}
    payload |= {"company": f"{name} GmbH", "job_title": "Head of Service", "utm_source": "ads", "utm_campaign": "one"}
    sent = len(mail.outbox)
    with CaptureQueriesContext(connection) as queries:
        receipt = take_in(world.channel, payload)
        tasks.process_capture(str(receipt.capture.pk))
        lead = Lead.objects.get(contact__email=payload["email"])
        deliver_notification(Notification.objects.get(lead=lead, way=Notification.Way.EMAIL).pk)
    assert lead.notified_at is not None
    assert len(mail.outbox) == sent + 1
    # The two looks of this test's own are not the product's.
    return len(queries) - 2


def test_a_lead_from_capture_to_both_notices_costs_no_more_statements_than_it_did() -> None:
    world = build_world()
    first, second, third = (travel(world, name) for name in ("nord", "sued", "west"))

    assert second == third
    assert second < first
    assert second <= MOST, second


def test_statements_are_prepared_within_the_block_only_and_do_the_same() -> None:
    world = build_world()
    with statements_prepared():
        for name in ("nord", "sued", "west", "ost", "mitte"):
            travel(world, name)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_prepared_statements")
            assert cursor.fetchone()[0] > 20
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        assert cursor.fetchone()[0] == 0

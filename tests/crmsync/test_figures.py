"""What machines that watch the sync are told, webhooks that are refused, and what is forgotten."""

from datetime import timedelta

import pytest
from django.test import Client

from crmsync.models import AuditRow, Conflict, Connection, Cursor, Hint, HookRefusal, InboxEvent, Link, OutboxEntry
from crmsync.services.apart import set_apart
from crmsync.services.breaker import READS, rest
from crmsync.services.retention import AT_ONCE, forget_old
from crmsync.tasks import pull_connection, push_connection
from leadmgmt.core.now import now
from tests.crmsync.conformance.steps import rename
from tests.crmsync.things import converted, later
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def told():
    """Name with labels → value, of the sync's figures."""
    lines = Client().get("/metrics").content.decode().splitlines()
    return {
        name.removeprefix("leadmgmt_crm_"): float(value)
        for name, _, value in (line.rpartition(" ") for line in lines)
        if name.startswith("leadmgmt_crm_")
    }


def test_each_connection_has_its_figures(crm, linked):
    converted()
    assert told()['outbox_ready{connection="memory"}'] == 1
    push_connection(linked.pk)
    with later(minutes=1):
        pull_connection(linked.pk)
        crm.edit(crm.only().remote_id, amount="5", at=now() - timedelta(seconds=20))
        pull_connection(linked.pk)
        rename(OutboxEntry.objects.get().opportunity, "Renamed")
        OutboxEntry.objects.filter(state="ready").update(state="dead", error_class="Invalid")
        Connection.objects.filter(pk=linked.pk).update(skew_seconds=-2.5, quota_left=70, quota_most=100)
        rest(linked, READS, now() + timedelta(minutes=1))
        link = Link.objects.get()
        set_apart(link, Link.State.REMOTE_DELETED, now())
        Conflict.objects.create(link=link, field="name", rule="drift", at=now())
        HookRefusal.objects.create(connection=linked, why="Stale", count=7, last_at=now())
        found = told()

    here = 'connection="memory"'
    assert found[f"outbox_ready{{{here}}}"] == 0
    assert found[f'outbox_stopped{{{here},class="Invalid"}}'] == 1
    assert 0 <= found[f'propagation_seconds{{{here},direction="out",quantile="0.99"}}'] < 60
    assert 19 <= found[f'propagation_seconds{{{here},direction="in",quantile="0.5"}}'] < 60
    assert found[f"inbox_backlog{{{here}}}"] == 0
    assert abs(found[f"poll_lag_seconds{{{here}}}"]) < 60
    assert found[f"clock_skew_seconds{{{here}}}"] == -2.5
    assert found[f"quota_left{{{here}}}"] == 70
    assert found[f'resting{{{here},direction="reads"}}'] == 1
    assert found[f'resting{{{here},direction="writes"}}'] == 0
    assert found[f"echoes{{{here}}}"] >= 1
    assert found[f'apart{{{here},state="remote_deleted"}}'] == 1
    assert found[f'conflicts{{{here},rule="drift"}}'] == 1
    assert found[f'webhooks_refused_total{{{here},why="Stale"}}'] == 7
    assert not any('connection="local"' in name for name in found)


def test_the_text_is_what_prometheus_reads(crm, linked):
    OutboxEntry.objects.all().delete()
    converted()
    OutboxEntry.objects.update(state="dead", error_class='Odd "name"\\')
    body = Client().get("/metrics").content.decode()
    assert "\n# TYPE leadmgmt_crm_outbox_ready gauge\n" in body
    assert "\n# TYPE leadmgmt_crm_webhooks_refused_total counter\n" in body
    assert 'class="Odd \\"name\\"\\\\"' in body


def test_as_many_connections_cost_as_many_statements(crm, linked, django_assert_max_num_queries):
    for number in range(5):
        Connection.objects.create(slug=f"crm-{number}", name=f"{number}", adapter="memory")
    with django_assert_max_num_queries(30):
        Client().get("/metrics")


def test_what_was_done_with_long_ago_is_forgotten_and_seen_again_changes_nothing(crm, linked):
    _, opportunity = converted()
    push_connection(linked.pk)
    pull_connection(linked.pk)
    with later(minutes=1):
        crm.edit(crm.only().remote_id, amount="5")
        pull_connection(linked.pk)
    at = now()
    Hint.objects.create(connection=linked, dedupe_key="1", remote_id="1", received_at=at, not_before=at, done_at=at)
    Hint.objects.create(connection=linked, dedupe_key="2", remote_id="1", received_at=at, not_before=at)
    held = InboxEvent.objects.create(
        connection=linked, via="poll", dedupe_key="held", remote_id="x", received_at=at, state="waiting", body={}
    )
    states = InboxEvent.objects.filter(state="done").count()
    assert states >= 2
    assert forget_old(at + timedelta(days=29)) == 0
    assert forget_old(at + timedelta(days=31)) == 1
    with later(days=91):
        assert forget_old(now()) == states
    assert list(InboxEvent.objects.all()) == [held]
    assert list(Hint.objects.values_list("dedupe_key", flat=True)) == ["2"]

    held.delete()
    Cursor.objects.all().delete()
    before = AuditRow.objects.filter(verdict="applied").count()
    with later(minutes=2):
        pull_connection(linked.pk)
    assert InboxEvent.objects.count() == 1
    assert AuditRow.objects.filter(verdict="applied").count() == before
    opportunity.refresh_from_db()
    assert opportunity.amount == 5


def test_a_part_at_a_time(linked):
    at = now() - timedelta(days=100)
    InboxEvent.objects.bulk_create(
        InboxEvent(connection=linked, via="poll", dedupe_key=str(n), remote_id="1", received_at=at, state="done")
        for n in range(AT_ONCE + 3)
    )
    assert forget_old(now()) == AT_ONCE
    assert forget_old(now()) == 3


def test_the_page_tells_of_webhooks_that_were_refused(linked):
    HookRefusal.objects.create(connection=linked, why="BadSignature", count=1200, last_at=now())
    HookRefusal.objects.create(connection=linked, why="Stale", count=1, last_at=now() - timedelta(days=8))
    client = Client()
    client.force_login(make_user("admin"))
    page = client.get("/setup/crm/").content.decode()
    assert "1,200 webhooks refused: not signed with our secret" in page
    assert "signed too long ago" not in page

"""The admin of the sync: credentials go in and never come out, maps let go of what was held, repair uses services."""

import pytest
from django.test import Client
from django.urls import reverse

from crmsync.models import AuditRow, Connection, InboxEvent, OutboxEntry
from crmsync.tasks import pull_connection
from leadmgmt.core import secrets
from leads.models import User
from tests.crmsync.things import make_crm, make_deal, on_the_board, read
from tests.worker import drain

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin():
    client = Client()
    client.force_login(User.objects.create_superuser("root@ours.example", "correct horse battery"))
    return client


def saved(admin, crm, **changed):
    stages = list(crm.stages.all())
    data = {
        "name": crm.name,
        "slug": crm.slug,
        "adapter": crm.adapter,
        "mode": crm.mode,
        "config": "{}",
        "loss_reasons-TOTAL_FORMS": "0",
        "loss_reasons-INITIAL_FORMS": "0",
        "stages-TOTAL_FORMS": str(len(stages)),
        "stages-INITIAL_FORMS": str(len(stages)),
    }
    for place, stage in enumerate(stages):
        for name in ("id", "connection_id", "remote", "label", "meaning", "position"):
            data[f"stages-{place}-{name.removesuffix('_id')}"] = getattr(stage, name)
    return admin.post(reverse("admin:crmsync_connection_change", args=[crm.pk]), data | changed)


def test_credentials_are_neither_shown_nor_touched_here(admin):
    crm = make_crm()
    Connection.objects.update(secret=secrets.seal("tok-en-123"))
    kept = Connection.objects.get().secret

    page = admin.get(reverse("admin:crmsync_connection_change", args=[crm.pk])).content.decode()
    assert saved(admin, crm, credentials="another").status_code == 302

    assert Connection.objects.get().secret == kept
    assert "tok-en-123" not in page
    assert kept not in page


def test_mapping_a_stage_lets_go_of_what_was_held_for_it(admin):
    crm = make_crm()
    lead, _, deal = make_deal()
    on_the_board(deal, "Paperwork")
    pull_connection(crm.pk)
    assert InboxEvent.objects.filter(state="waiting").count() == 1

    count = crm.stages.count()
    new = {f"stages-{count}-remote": "Paperwork", f"stages-{count}-meaning": "won", f"stages-{count}-position": "9"}
    assert saved(admin, crm, **{"stages-TOTAL_FORMS": str(count + 1)}, **new).status_code == 302
    drain()

    assert read(lead).stage == "won"


def test_a_dead_letter_is_retried_from_the_list_and_the_audit_says_by_whom(admin):
    make_crm()
    make_deal()
    OutboxEntry.objects.update(state="dead", error="gone")
    entry = OutboxEntry.objects.get()

    admin.post(
        reverse("admin:crmsync_outboxentry_changelist"), {"action": "retry", "_selected_action": [str(entry.pk)]}
    )
    drain()

    assert OutboxEntry.objects.get().state == "done"
    assert AuditRow.objects.filter(verdict="retried", actor__startswith="user:").count() == 1


@pytest.mark.parametrize(
    "name",
    ["auditrow", "conflict", "connection", "cursor", "handoff", "inboxevent", "link", "opportunity", "outboxentry"],
)
def test_every_list_opens(admin, name):
    make_crm()
    make_deal()

    assert admin.get(reverse(f"admin:crmsync_{name}_changelist")).status_code == 200

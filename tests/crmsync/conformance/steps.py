"""What the rows of the suite do again and again."""

from contextlib import contextmanager
from datetime import timedelta

from crmsync.adapters.base import DEAL, Upsert
from crmsync.models import Link, OutboxEntry
from crmsync.services.claim import LEASE
from crmsync.services.outbox import record_change
from crmsync.tasks import pull_connection, push_connection
from leadmgmt.core.now import moment, now
from tests.crmsync.things import converted

KEY = "00000000-0000-0000-0000-000000000001:opportunity:00000000-0000-0000-0000-00000000000{}"


def soon(seconds=20):
    """A deadline."""
    return now() + timedelta(seconds=seconds)


def push(connection):
    """Send what is due."""
    return push_connection(connection.pk)


def poll(connection):
    """Read what changed over there."""
    return pull_connection(connection.pk)


@contextmanager
def after_settling(adapter):
    """Long enough after an uncertain write: backoff, lease and settle window are over."""
    with moment(now() + LEASE + adapter.capabilities().max_in_flight + timedelta(minutes=16)):
        yield


def there(stand, connection):
    """A deal that has arrived: lead, opportunity, its id over there."""
    lead, opportunity = converted()
    push(connection)
    entry = OutboxEntry.objects.filter(opportunity=opportunity, connection=connection).latest("seq")
    assert entry.state == "done", f"{entry.error_class}: {entry.error}"
    remote_id, _ = stand.only()
    return lead, opportunity, remote_id


def rename(opportunity, name):
    """A change on our side."""
    opportunity.name = name
    opportunity.save(update_fields=["name"])
    record_change(opportunity, ["name"], at=now())


def entry_of(opportunity):
    """The newest entry."""
    return OutboxEntry.objects.filter(opportunity=opportunity).order_by("-seq").first()


def link_of(opportunity):
    """Its link."""
    return Link.objects.exclude(connection__mode="off").get(opportunity=opportunity)


def make(adapter, stand, number=1, **values):
    """A deal, by the adapter alone."""
    values = {"name": f"Deal {number}", "stage": stand.open, **values}
    return adapter.upsert(Upsert(DEAL, KEY.format(number), values, mode="create"), soon())

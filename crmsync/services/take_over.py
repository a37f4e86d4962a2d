"""A deal of the CRM that becomes ours because a lead joins it: read first, and what people wrote there stays."""

from crmsync.adapters.base import DEAL, Adapter
from crmsync.adapters.errors import Gone, Moved
from crmsync.fields import OWNERS, Owner
from crmsync.models import AccountDeal, Connection, Link
from crmsync.services.claim import DEADLINE
from crmsync.services.failures import NeedsPerson
from crmsync.services.take_in import take_in
from leadmgmt.core.kept_words import worded
from leadmgmt.core.now import now


def take_over(link: Link, connection: Connection, adapter: Adapter) -> None:
    """Take in how it stands there. One that is gone meanwhile leaves the link without a record: a deal is made.

    Raises NeedsPerson for a record that carries another key, AdapterError.
    """
    try:
        remote = adapter.get(DEAL, link.remote_id or "", now() + DEADLINE)
    except (Gone, Moved):
        AccountDeal.objects.filter(connection=connection, remote_id=link.remote_id).delete()
        Link.objects.filter(pk=link.pk).update(remote_id=None, state=Link.State.PENDING, has_key=True)
        link.refresh_from_db()
        return
    if remote.external_key and remote.external_key != link.external_key:
        raise NeedsPerson(worded("The deal to be joined carries another key of Leadmgmt by now."))
    take_in(connection, remote, via="reconcile", at=now())
    link.refresh_from_db()
    said = [name for name, owner in OWNERS.items() if owner is Owner.OURS and link.shadow.get(name) is not None]
    Link.objects.filter(pk=link.pk).update(left_alone=said)
    link.left_alone = said

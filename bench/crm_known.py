"""What the bench of the sync begins with: deals that both sides know already, and changes on either side."""

import time
from decimal import Decimal
from uuid import uuid4

AT_ONCE = 5000


def known(stand, crm, number):
    """A deal that both sides know, without the way there."""
    from crmsync.models import Link, OutboxEntry
    from crmsync.services.outbox import external_key
    from crmsync.soak.cast import new_deal

    opportunity = new_deal(number)
    key = external_key(opportunity)
    values = {"Name": opportunity.name, "StageName": stand.open, "CloseDate": opportunity.close_on.isoformat()}
    record = stand.crm.create("Opportunity", {**values, "Amount": float(opportunity.amount), "LMS_Key__c": key})
    OutboxEntry.objects.filter(opportunity=opportunity).delete()
    from crmsync.adapters.registry import adapter_for
    from crmsync.canonical import canonical_all

    remote = adapter_for(crm)._remote("deal", stand.crm.view(record))
    Link.objects.filter(connection=crm, opportunity=opportunity).update(
        remote_id=record["Id"],
        state="linked",
        is_associated=True,
        shadow=canonical_all(remote.values),
        remote_version=remote.version,
        remote_modified_at=remote.modified_at,
    )
    return opportunity


def known_alike(stand, crm, model, count):
    """Many more that both sides know: copies of one, each with its own person and lead, a few thousand at once."""
    from crmsync.adapters.registry import adapter_for
    from crmsync.canonical import canonical_all
    from crmsync.models import Link, Opportunity
    from leads.models import Contact, Lead, Organisation

    adapter, known = adapter_for(crm), Link.objects.get(connection=crm, opportunity=model)
    instance = Organisation.objects.get().instance
    for start in range(0, count, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, count))
        people = Contact.objects.bulk_create(
            Contact(last_name=f"Alike {one}", email=f"a{one}@x.example", email_key=f"a{one}@x.example")
            for one in numbers
        )
        leads = Lead.objects.bulk_create(_copy(model.lead, contact=person) for person in people)
        deals = Opportunity.objects.bulk_create(
            _copy(model, lead=lead, uuid=uuid4(), name=f"Alike {lead.pk}") for lead in leads
        )
        links = []
        for deal in deals:
            key = f"{instance}:opportunity:{deal.uuid}"
            values = {"Name": deal.name, "StageName": stand.open, "CloseDate": deal.close_on.isoformat()}
            record = stand.crm.create("Opportunity", {**values, "Amount": float(deal.amount), "LMS_Key__c": key})
            remote = adapter._remote("deal", stand.crm.view(record))
            links.append(
                _copy(
                    known,
                    opportunity=deal,
                    external_key=key,
                    remote_id=record["Id"],
                    shadow=canonical_all(remote.values),
                    remote_version=remote.version,
                    remote_modified_at=remote.modified_at,
                )
            )
        Link.objects.bulk_create(links)


def _copy(row, **changes):
    fields = {
        field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.primary_key
    }
    one = type(row)(**fields)
    for name, value in changes.items():
        setattr(one, name, value)
    return one


def change(opportunity):
    """A change on our side, noted for the CRM."""
    from django.db import transaction

    from crmsync.services.outbox import record_change
    from leadmgmt.core.now import now

    with transaction.atomic():
        opportunity.name = f"{opportunity.name.partition(' #')[0]} #{time.monotonic_ns()}"
        opportunity.save(update_fields=["name"])
        record_change(opportunity, ["name"], at=now())


def edited(stand, crm, remote_id, amount, *, is_told):
    """A person over there changes a deal, and perhaps the CRM tells us."""
    from crmsync.adapters.base import Hint
    from crmsync.services.hints import store_hints
    from leadmgmt.core.now import now

    stand.edit(remote_id, amount=Decimal(amount))
    at = now()
    if is_told:
        store_hints(crm, [Hint(remote_id, "deal", f"{remote_id}{amount}")])
    return at

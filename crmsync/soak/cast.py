"""The people of a soak run: each deal has a company, a person and a lead of its own."""

from datetime import timedelta
from decimal import Decimal

from django.db import transaction

from crmsync.models import Opportunity
from crmsync.services.outbox import record_change
from leadmgmt.core.now import now
from leads.models import Channel, Company, Contact, Lead, Stage, User


def new_deal(number: int) -> Opportunity:
    """A lead that has become an opportunity, on its way to the CRM. Call it with no transaction open."""
    at = now()
    with transaction.atomic():
        company = Company.objects.create(
            name=f"Soak {number}", name_key=f"soak {number}", domain=f"soak-{number}.example"
        )
        email = f"soak-{number}@soak-{number}.example"
        contact = Contact.objects.create(
            first_name="Soak", last_name=str(number), email=email, email_key=email, company=company
        )
        channel, _ = Channel.objects.get_or_create(slug="soak", defaults={"name": "Soak"})
        moments = dict.fromkeys(("stage_at", "first_seen_at", "last_touch_at", "captured_at", "sql_at"), at)
        lead = Lead.objects.create(contact=contact, channel=channel, stage=Stage.OPPORTUNITY, **moments)
        opportunity = Opportunity.objects.create(
            lead=lead,
            name=f"Soak {number}",
            amount=Decimal(number % 10**6),
            close_on=(at + timedelta(days=60)).date(),
            owner=User.objects.filter(groups__name="ae", is_active=True).order_by("pk").first(),
            created_at=at,
        )
        record_change(opportunity, at=at)
    return opportunity

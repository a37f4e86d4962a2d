"""Whether somebody who is being entered is known already."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q

from leads.models import Contact, Lead, User
from leads.normalise.email import InvalidAddress, read_address
from leads.normalise.phone import read_phone


@dataclass(frozen=True)
class Twin:
    """A contact with the same address or number; `lead` is their newest one that the reader may see."""

    contact: Contact
    lead: Lead | None
    by_email: bool


def twins(email: str, phone: str, reader: User) -> list[Twin]:
    """Known people with this address or number, at most five."""
    same = Q(pk__in=[])
    key = ""
    try:
        key = read_address(email).key if email else ""
    except InvalidAddress:
        key = ""
    if key:
        same |= Q(email_key=key)
    number = read_phone(phone, settings.DEFAULT_COUNTRY).e164 if phone else ""
    if number:
        same |= Q(phone=number)
    found = []
    for contact in Contact.objects.filter(same).select_related("company").order_by("pk")[:5] if key or number else []:
        lead = Lead.objects.visible_to(reader).filter(contact=contact).order_by("-last_touch_at").first()
        found.append(Twin(contact, lead, bool(key) and contact.email_key == key))
    return found

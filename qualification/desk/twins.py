"""Whether somebody who is being entered is known already."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q

from leads.likeness import compare
from leads.models import Company, Contact, Lead, User
from leads.normalise.company import name_key as company_key
from leads.normalise.email import InvalidAddress, read_address
from leads.normalise.naming import name_key
from leads.normalise.phone import read_phone
from leads.services.duplicates import candidates, traits_of

MOST = 5
ASKED = ("email", "phone", "first_name", "last_name", "company")


@dataclass(frozen=True)
class Twin:
    """A contact who may be meant; `lead` is their newest one that the reader may see.

    `why` is email, phone or alike (name and company).
    """

    contact: Contact
    lead: Lead | None
    why: str


def twins(entered: Mapping[str, str], reader: User) -> list[Twin]:
    """Known people with this address or number, then those whose name and company are alike; at most five."""
    said = {name: entered.get(name, "").strip()[:254] for name in ASKED}
    found: dict[int, tuple[Contact, str]] = {}
    for contact, why in (*_same(said["email"], said["phone"]), *_alike(said)):
        found.setdefault(contact.pk, (contact, why))
    rows = list(found.values())[:MOST]
    newest = Lead.objects.visible_to(reader).filter(contact__in=[contact for contact, _why in rows])
    leads = {lead.contact_id: lead for lead in newest.order_by("last_touch_at")}
    return [Twin(contact, leads.get(contact.pk), why) for contact, why in rows]


def _same(email: str, phone: str) -> list[tuple[Contact, str]]:
    try:
        key = read_address(email).key if email else ""
    except InvalidAddress:
        key = ""
    number = read_phone(phone, settings.DEFAULT_COUNTRY).e164 if phone else ""
    same = Q(pk__in=[])
    if key:
        same |= Q(email_key=key) | Q(aliases__key=key)
    if number:
        same |= Q(phone=number)
    if not (key or number):
        return []
    known = Contact.objects.filter(same, merged_into__isnull=True).select_related("company").distinct().order_by("pk")
    addressed = set(known.filter(Q(email_key=key) | Q(aliases__key=key)).values_list("pk", flat=True)) if key else set()
    return [(contact, "email" if contact.pk in addressed else "phone") for contact in known[:MOST]]


def _alike(said: Mapping[str, str]) -> list[tuple[Contact, str]]:
    """People of this name at this company, typing errors and nicknames aside."""
    if not said["company"] or not name_key(said["first_name"], said["last_name"]):
        return []
    key = company_key(said["company"])
    entered = Contact(first_name=said["first_name"], last_name=said["last_name"])
    # The same name leads to companies that are known by their domain, too.
    ids = [*Company.objects.filter(name_key=key).values_list("pk", flat=True)[:3], None] if key else [None]
    matches: dict[int, float] = {}
    for pk in ids:
        entered.company = Company(pk=pk, name=said["company"], name_key=key)
        mine = traits_of(entered)
        for number, traits, _key in candidates(entered):
            if likeness := compare(mine, traits):
                matches[number] = max(matches.get(number, 0.0), likeness.confidence)
    best = sorted(matches, key=lambda number: (-matches[number], number))[:MOST]
    known = Contact.objects.select_related("company").in_bulk(best)
    return [(known[number], "alike") for number in best if number in known]

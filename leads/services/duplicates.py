"""Who may be one person: candidates by index, likeness by rapidfuzz, pairs for somebody to decide."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError
from leadmgmt.core.now import now
from leads.likeness import LEAST, Traits, compare
from leads.models import Contact, Duplicate, Lead, LeadEvent, User
from leads.normalise.naming import name_key

# More people of one number or name than these are no clue to anybody.
# So many letters of a company's name must be right for another spelling to be found.
SAME_START = 2
MOST_OF_A_NUMBER, MOST_OF_A_NAME, MOST_OF_FIRMS = 20, 12, 40
RARE = 3

CANDIDATES = """
    WITH near AS (
        (SELECT id FROM leads_contact WHERE %(phone)s <> '' AND phone = %(phone)s LIMIT %(most_of_a_number)s)
        UNION
        (SELECT id FROM leads_contact WHERE %(name)s <> '' AND name_key = %(name)s LIMIT %(most_of_a_name)s)
        UNION
        (SELECT contact.id FROM leads_contact AS contact WHERE %(name)s <> '' AND contact.company_id IN (
            SELECT %(company)s::bigint UNION ALL
            (SELECT id FROM leads_company
             WHERE %(firm)s <> '' AND name_key LIKE %(prefix)s AND name_key %% %(firm)s LIMIT 10)
        ) AND contact.name_key %% %(name)s LIMIT %(most_of_firms)s)
    )
    SELECT contact.id, contact.first_name, contact.last_name, contact.email, contact.phone, contact.company_id,
        coalesce(company.name_key, ''), contact.country, contact.city, contact.name_key
    FROM leads_contact AS contact JOIN near ON near.id = contact.id
    LEFT JOIN leads_company AS company ON company.id = contact.company_id
    WHERE contact.id IS DISTINCT FROM %(me)s AND contact.merged_into_id IS NULL
"""


class AlreadyDecided(DomainError):
    """Somebody has decided on this pair."""

    code = "already_decided"


def traits_of(contact: Contact) -> Traits:
    """What a contact is compared by."""
    company = contact.company
    return Traits(
        first=contact.first_name,
        last=contact.last_name,
        email=contact.email,
        phone=contact.phone,
        company=company.name_key if company else "",
        company_id=contact.company_id,
        country=contact.country,
        city=contact.city,
    )


def candidates(contact: Contact) -> list[tuple[int, Traits, str]]:
    """The contacts that may be the same person, with their traits and the key of their name: one query."""
    company = contact.company
    key = contact.name_key or name_key(contact.first_name, contact.last_name)
    # A company that is known by its domain is that one; one that was only named may have been misspelt.
    firm = company.name_key if company and not company.domain else ""
    told: dict[str, str | int | None] = {
        "me": contact.pk,
        "phone": contact.phone,
        "name": key,
        "company": contact.company_id,
        "firm": firm,
        # Letters and blanks alone: a key holds nothing that LIKE would read as a sign.
        "prefix": f"{firm[:SAME_START].replace('_', '')}%",
        "most_of_a_number": MOST_OF_A_NUMBER + 1,
        "most_of_a_name": MOST_OF_A_NAME + 1,
        "most_of_firms": MOST_OF_FIRMS,
    }
    if not (told["phone"] or key):
        return []
    with connection.cursor() as cursor:
        cursor.execute(CANDIDATES, told)
        rows = cursor.fetchall()
    return [
        (pk, Traits(first, last, email, phone, firm, company_id, country, city), their_key)
        for pk, first, last, email, phone, company_id, firm, country, city, their_key in rows
    ]


def find_duplicates(contact: Contact, at: datetime) -> list[Duplicate]:
    """Look for people who may be this one, and put each pair up for decision, once. Safe to run twice."""
    found = candidates(contact)
    if not found:
        return []
    mine, key = traits_of(contact), contact.name_key
    crowd = sum(traits.phone == mine.phone for _pk, traits, _key in found) if mine.phone else 0
    is_rare = sum(their_key == key for _pk, _traits, their_key in found) < RARE
    if crowd > MOST_OF_A_NUMBER:
        mine = replace(mine, phone="")
    pairs = []
    for pk, traits, _key in found:
        likeness = compare(mine, traits, is_rare=is_rare)
        if likeness and likeness.confidence >= LEAST:
            first, second = sorted((contact.pk, pk))
            pairs.append(
                Duplicate(
                    first_id=first,
                    second_id=second,
                    reason=likeness.reason,
                    confidence=likeness.confidence,
                    found_at=at,
                )
            )
    if pairs:
        Duplicate.objects.bulk_create(pairs, ignore_conflicts=True)
    return pairs


def look_for_duplicates(lead: Lead, event: LeadEvent) -> None:
    """Pipeline step: a stranger may be somebody we know."""
    find_duplicates(lead.contact, now())


def find_all(contact_ids: Iterable[int], at: datetime) -> int:
    """Look at many, for a file that was brought in. Returns how many pairs were found."""
    rows = Contact.objects.select_related("company").filter(pk__in=list(contact_ids), merged_into__isnull=True)
    return sum(len(find_duplicates(contact, at)) for contact in rows.order_by("pk"))


def decide_different(pair_id: int, *, by: User) -> Duplicate:
    """These are two people, and nobody is asked again. Raises AlreadyDecided."""
    return _decide(pair_id, Duplicate.State.OPEN, Duplicate.State.DIFFERENT, by)


def ask_again(pair_id: int, *, by: User) -> Duplicate:
    """Take "different people" back. Raises AlreadyDecided."""
    return _decide(pair_id, Duplicate.State.DIFFERENT, Duplicate.State.OPEN, by)


def _decide(pair_id: int, before: str, after: str, by: User) -> Duplicate:
    with transaction.atomic():
        pair = Duplicate.objects.select_for_update().get(pk=pair_id)
        if pair.state == after:
            return pair
        if pair.state != before:
            raise AlreadyDecided(_("Somebody has decided on these two already."))
        pair.state = after
        is_open = after == Duplicate.State.OPEN
        pair.decided_at, pair.decided_by = (None, None) if is_open else (now(), by)
        pair.save(update_fields=["state", "decided_at", "decided_by"])
        return pair


def open_pairs(user: User) -> Any:
    """The pairs that this person may decide on: both must have a lead that they may see, or none at all."""
    visible = Lead.objects.visible_to(user).values("contact")
    pairs = Duplicate.objects.filter(state=Duplicate.State.OPEN)
    pairs = pairs.select_related("first__company", "second__company")
    return pairs.filter(first__in=visible, second__in=visible)

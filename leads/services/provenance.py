"""Values with their origin: keep what everybody says, show what the best source says.

Order of belief: a person of ours, then what the lead gave (form, API, import, by hand), then the CRM, then providers
by their position; within that the surer value, then the newer one. A provider may come first for single fields, and
one that is only guessing gives way to all that are sure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q

from leads.models import Channel, Company, Contact, FieldValue, Provider
from leads.normalise.company import name_key
from leads.services.fields import COMPANY_FIELDS, CONTACT_FIELDS, Field
from leads.services.identity import KEYS, MATCHED_BY, rekey_one
from leads.services.storing import update_one, upsert_many

PERSON = "person"
GIVEN = frozenset(Channel.Kind.values)
# Behind every configured provider, before nothing at all: what we worked out ourselves.
LOCAL_POSITION = 1000
# A provider's value below this is a guess: precedence does not help it.
SURE = 0.5
# Ahead of every position there may be.
FIRST = 100_000


class Precedence:
    """Which provider is believed first, for each field: by position, ahead of it those that come first for it."""

    def __init__(self, providers: Iterable[Provider]) -> None:
        self._position: dict[str, int] = {}
        self._first: set[tuple[str, str]] = set()
        for provider in providers:
            self._position[provider.slug] = provider.position
            self._first |= {(provider.slug, field) for field in first_for(provider)}

    def of(self, row: FieldValue) -> int:
        """The place of a value's origin for its field; the lowest comes first."""
        place = self._position.get(row.origin, LOCAL_POSITION)
        subject = "contact" if row.contact_id else "company"
        return place - FIRST if (row.origin, f"{subject}.{row.field}") in self._first else place


def first_for(provider: Provider) -> list[str]:
    """The fields (`company.staff`) for which a provider comes before all others."""
    told = provider.config.get("first_for") if isinstance(provider.config, dict) else None
    return [str(field) for field in told] if isinstance(told, list) else []


@dataclass(frozen=True)
class Offer:
    """One value that somebody has for one field; `confidence` from 0 to 1."""

    field: str
    value: Any
    origin: str
    confidence: float = 1.0


def offer(
    subject: Contact | Company, field: str, value: Any, origin: str, confidence: float = 1.0, *, at: datetime
) -> bool:
    """Keep one value and show the winning one; returns whether the shown value changed. Raises ValueError."""
    return bool(offer_all(subject, [Offer(field, value, origin, confidence)], at=at))


def offer_all(
    subject: Contact | Company,
    offers: Iterable[Offer],
    *,
    at: datetime,
    precedence: "Precedence | None" = None,
    known: Iterable[FieldValue] | None = None,
) -> set[str]:
    """Keep several values and write each field's winning one to the row; returns the fields whose value changed.

    Locks the row and brings the caller's instance up to date. Raises ValueError for a value that a field cannot hold.
    ``precedence`` is the providers'. ``known`` comes from `known_values` and says that the caller has
    locked and read contact and company. Both are read where the caller does not have them.
    """
    fields = fields_of(subject)
    clean = [(one, fields[one.field].read(one.value)) for one in offers]
    if not clean:
        return set()
    with transaction.atomic(savepoint=False):
        if known is None:
            _lock(subject, [one.field for one, _ in clean])
        rows = _rows(subject, known)
        explained = {row.field for row in rows.values() if _same(row.value, getattr(subject, row.field, None))}
        written = []
        for one, value in clean:
            row = rows.setdefault((one.field, one.origin), _empty(subject, one, at))
            if _fill(row, one, value, at):
                written.append(row)
        if written:
            _save(subject, written)
        if precedence is None:
            precedence = Precedence(Provider.objects.all())
        best = _best({one.field for one, _ in clean}, list(rows.values()), precedence)
        # What stands there without an origin came from the lead, and gives way to nothing less.
        return _show(
            subject,
            {
                field: row
                for field, row in best.items()
                if field in explained
                or getattr(subject, field) in (None, "")
                or _belief(row, precedence)[0] >= _RANK_GIVEN
            },
        )


def fields_of(subject: Contact | Company) -> Mapping[str, Field]:
    """The fields that may be offered."""
    return CONTACT_FIELDS if isinstance(subject, Contact) else COMPANY_FIELDS


def _lock(subject: Contact | Company, fields: list[str]) -> None:
    """Hold the row and take over what it shows by now in these fields."""
    model = type(subject)
    fresh = model._default_manager.select_for_update(of=("self",)).values(*fields).get(pk=subject.pk)
    for name, value in fresh.items():
        setattr(subject, name, value)


def known_values(contact: Contact) -> list[FieldValue]:
    """What everybody says about a locked person and their locked company, in one query."""
    about = Q(contact=contact.pk) | Q(company=contact.company_id) if contact.company_id else Q(contact=contact.pk)
    return list(FieldValue.objects.filter(about))


def _rows(subject: Contact | Company, known: Iterable[FieldValue] | None) -> dict[tuple[str, str], FieldValue]:
    (name,) = _owner(subject)
    column = f"{name}_id"
    if known is None:
        known = FieldValue.objects.filter(**{name: subject.pk})
    return {(row.field, row.origin): row for row in known if getattr(row, column) == subject.pk}


def _owner(subject: Contact | Company) -> dict[str, Contact | Company]:
    return {"contact" if isinstance(subject, Contact) else "company": subject}


def _empty(subject: Contact | Company, one: Offer, at: datetime) -> FieldValue:
    return FieldValue(**_owner(subject), field=one.field, origin=one.origin, confidence=one.confidence, at=at)


def _fill(row: FieldValue, one: Offer, value: Any, at: datetime) -> bool:
    """Put a value into its row; returns whether that changes anything."""
    stored = float(value) if isinstance(value, Decimal) else value
    is_known = not row._state.adding
    if is_known and (row.value, row.confidence) == (stored, one.confidence):
        return False
    if is_known and row.value != stored:
        row.replaced = {"value": row.value, "at": row.at.isoformat()}
        row.at = at
    row.value, row.confidence = stored, one.confidence
    return True


def _save(subject: Contact | Company, rows: list[FieldValue]) -> None:
    upsert_many(rows, (*_owner(subject), "field", "origin"), ("value", "confidence", "at", "replaced"))


def _best(fields: set[str], rows: list[FieldValue], precedence: Precedence) -> dict[str, FieldValue]:
    return {
        field: max((row for row in rows if row.field == field), key=lambda row: _belief(row, precedence))
        for field in fields
    }


def _show(subject: Contact | Company, winners: dict[str, FieldValue]) -> set[str]:
    """Write the winning values that are not shown yet."""
    changed = set()
    for field, row in winners.items():
        value = fields_of(subject)[field].read(row.value)
        if getattr(subject, field) != value:
            setattr(subject, field, value)
            changed.add(field)
    if changed:
        written = [*changed, "updated_at"]
        if isinstance(subject, Contact) and MATCHED_BY & changed and rekey_one(subject):
            written += KEYS
        if isinstance(subject, Company) and "name" in changed:
            subject.name_key = name_key(subject.name)
            written.append("name_key")
        update_one(subject, sorted(written))
    return changed


_RANK_GIVEN = 3


def _belief(row: FieldValue, precedence: Precedence) -> tuple[int, int, float, datetime]:
    if row.origin == PERSON or row.origin.startswith(f"{PERSON}:"):
        return (4, 0, row.confidence, row.at)
    if row.origin in GIVEN:
        return (_RANK_GIVEN, 0, row.confidence, row.at)
    if row.origin.startswith("crm:"):
        return (2, 0, row.confidence, row.at)
    if row.confidence < SURE:
        return (0, 0, row.confidence, row.at)
    return (1, -precedence.of(row), row.confidence, row.at)


def _same(stored: Any, shown: Any) -> bool:
    return bool(stored == (float(shown) if isinstance(shown, Decimal) else shown))

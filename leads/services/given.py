"""What a person told us about themselves: onto the contact, with its origin, the newest word counting."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from leads.matching import Known, Person
from leads.models import FieldValue
from leads.normalise import Submission
from leads.services.provenance import GIVEN, PERSON
from leads.services.storing import insert_values, update_many

# Fields of a contact that a submission may fill.
FIELDS = (
    "email",
    "phone",
    "first_name",
    "last_name",
    "name_title",
    "job_title",
    "country",
    "region",
    "postal_code",
    "city",
    "language",
)
COLUMNS = (
    *FIELDS,
    "email_key",
    "name_key",
    "person_key",
    "phone_raw",
    "company",
    "attributes",
    "updated_at",
)
MOST_ATTRIBUTES = 120


def load_values(people: Iterable[Person]) -> None:
    """Read the origins of what is known about people in the database."""
    known = {person.contact.pk: person for person in people if person.contact.pk}
    if not known:
        return
    rows = FieldValue.objects.filter(contact__pk__among=known, field__in=FIELDS)
    for contact_id, pk, field, origin, value, at in rows.values_list(
        "contact_id", "pk", "field", "origin", "value", "at"
    ):
        known[contact_id or 0].values[field, origin] = Known(value, at, pk)


class Given:
    """Values to write once the batch is through."""

    def __init__(self) -> None:
        self._noted: dict[tuple[int, str, str], tuple[Person, Known]] = {}

    def take(self, person: Person, found: Submission, *, origin: str, at: datetime) -> None:
        """Put what the submission says onto the contact, where no newer or better word stands there."""
        for name in FIELDS:
            value = getattr(found, name)
            if value and self._note(person, name, value, origin, at):
                self._set(person, name, value)
        if (found.phone or found.phone_raw) and person.contact.phone == found.phone:
            self._set(person, "phone_raw", found.phone_raw)
        answers = found.attributes | ({"email": found.email_raw} if found.email_raw else {})
        known = person.contact.attributes
        if any(known.get(key) != value for key, value in answers.items()):
            merged = known | answers
            self._set(person, "attributes", dict(list(merged.items())[:MOST_ATTRIBUTES]))

    def _note(self, person: Person, name: str, value: str, origin: str, at: datetime) -> bool:
        """Keep the value under its origin; returns whether it is the one to show."""
        known = person.values.get((name, origin))
        if known is None:
            known = Known(value, at)
        elif at < known.at or known.value == value:
            return False
        else:
            known.replaced = {"value": known.value, "at": known.at.isoformat()}
            known.value, known.at = value, at
        person.values[name, origin] = known
        self._noted[id(person), name, origin] = (person, known)
        return all(
            _yields(by, other, at) for (about, by), other in person.values.items() if about == name and by != origin
        )

    def _set(self, person: Person, name: str, value: Any) -> None:
        if getattr(person.contact, name) != value:
            setattr(person.contact, name, value)
            person.is_changed = True

    def flush(self, people: Iterable[Person]) -> None:
        """Write changed contacts and all values; new contacts have to be in the database by now."""
        changed = [person.contact for person in people if person.is_changed and not person.is_new]
        update_many(changed, COLUMNS)
        new, old = [], []
        for (_id, name, origin), (person, known) in self._noted.items():
            row = {"value": known.value, "at": known.at, "replaced": known.replaced}
            if known.pk is None:
                new.append(row | {"contact_id": person.contact.pk, "field": name, "origin": origin})
            else:
                old.append(FieldValue(pk=known.pk, **row))
        insert_values(FieldValue, new)
        update_many(old, ("value", "at", "replaced"))


def _yields(origin: str, rival: Known, at: datetime) -> bool:
    """Whether another origin's value gives way to what was given at ``at``: never a colleague's, nor a newer one."""
    if origin == PERSON or origin.startswith(f"{PERSON}:"):
        return False
    return origin not in GIVEN or rival.at <= at

"""Whether we know this person for certain: by address, by the source's own id, by number and name, by number alone.

Who may be known is looked at afterwards (leads/services/duplicates.py) and left to people.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, QuerySet

from leads.models import Contact, ContactAlias, ContactIdentity, Lead
from leads.normalise import Submission
from leads.normalise.naming import name_key, person_key

Key = tuple[int, Submission]


@dataclass(slots=True)
class Known:
    """One value of one field from one origin (see leads.models.FieldValue)."""

    value: Any
    at: datetime
    pk: int | None = None
    replaced: dict[str, Any] | None = None


@dataclass(eq=False)
class Person:
    """A contact with its interest while captures are attached; ``is_new``: not in the database yet."""

    contact: Contact
    is_new: bool = False
    is_changed: bool = False
    lead: Lead | None = None
    has_company: bool = False
    values: dict[tuple[str, str], Known] = field(default_factory=dict)


@dataclass(frozen=True)
class NewIdentity:
    """A source's own id of a person that is to be remembered."""

    person: Person
    channel_id: int
    external_id: str


@dataclass(frozen=True)
class NewAlias:
    """A further address of a person that is to be remembered."""

    person: Person
    email: str
    key: str


def pair_of(found: Submission) -> str:
    """Number and name of a submission as a contact is matched by them, empty where one is missing."""
    return person_key(found.phone, name_key(found.first_name, found.last_name)) or ""


def _parts(emails: set[str], numbers: set[str], pairs: set[str]) -> list["QuerySet[Any, Any]"]:
    """Numbers of the contacts who may be meant: one query per index, to be put together."""
    contacts = Contact.objects.order_by().values("pk")
    parts: list[QuerySet[Any, Any]] = []
    if emails:
        parts += [
            contacts.filter(email_key__among=emails),
            ContactAlias.objects.order_by().filter(key__among=emails).values("contact"),
        ]
    if pairs:
        parts.append(contacts.filter(person_key__among=pairs))
    if numbers:
        by_number = Q(phone__among=numbers) | Q(phone="", phone_raw__among=numbers)
        parts.append(contacts.filter(by_number, email_key__isnull=True))
    return parts


def _known(contact: Contact) -> Person:
    return Person(contact, has_company=contact.company_id is not None)


def is_phone_only(found: Submission) -> bool:
    """Whether nothing but a number says who this is."""
    return bool((found.phone or found.phone_raw) and not found.email_key and not found.external_id)


def phone_key(found: Submission) -> str:
    """What a person is matched by where there is nothing but a number."""
    return found.phone or found.phone_raw


class People:
    """The people whom a batch of submissions may be about; grows, so that later rows find who came before."""

    def __init__(self) -> None:
        self._by_email: dict[str, Person] = {}
        self._by_external_id: dict[tuple[int, str], Person] = {}
        self._by_phone: dict[str, Person] = {}
        self._by_person_key: dict[str, Person] = {}
        self.new_aliases: list[NewAlias] = []
        self.all: list[Person] = []
        self.new_identities: list[NewIdentity] = []

    def load(self, keys: Iterable[Key]) -> None:
        """Read the contacts that these submissions, each with its channel's id, can match."""
        keys = list(keys)
        emails = {found.email_key for _, found in keys if found.email_key}
        external = {(channel, found.external_id) for channel, found in keys if found.external_id}
        numbers = {phone_key(found) for _, found in keys if is_phone_only(found)}
        pairs = {key for _, found in keys if (key := pair_of(found))}
        people: dict[int, Person] = {}
        if external:
            self._load_identities(external, people)
        parts = _parts(emails, numbers, pairs)
        if not parts:
            return
        first, *others = parts
        known = Contact.objects.filter(pk__in=first.union(*others, all=True) if others else first)
        if emails:
            known = known.annotate(
                also=ArraySubquery(ContactAlias.objects.filter(contact=OuterRef("pk")).values("key"))
            )
        for contact in known.filter(merged_into__isnull=True).order_by("pk"):
            person = people.setdefault(contact.pk, _known(contact))
            for address in (contact.email_key, *getattr(contact, "also", ())):
                if address:
                    self._by_email.setdefault(address, person)
            if contact.person_key:
                self._by_person_key[contact.person_key] = person
            if contact.email_key is None and (number := contact.phone or contact.phone_raw) in numbers:
                self._by_phone.setdefault(number, person)
        self.all = list(people.values())

    def _load_identities(self, external: set[tuple[int, str]], people: dict[int, Person]) -> None:
        rows = ContactIdentity.objects.select_related("contact").filter(
            channel__in={channel for channel, _ in external}, external_id__among={name for _, name in external}
        )
        for row in rows:
            person = people.setdefault(row.contact_id, _known(row.contact))
            self._by_external_id[row.channel_id, row.external_id] = person
        self.all = list(people.values())

    def lock(self) -> None:
        """Hold the contacts and read them afresh. Their leads have to be locked before."""
        known = {person.contact.pk: person for person in self.all}
        if known:
            for contact in Contact.objects.select_for_update(of=("self",)).filter(pk__among=known).order_by("pk"):
                person = known[contact.pk]
                person.contact, person.has_company = contact, contact.company_id is not None

    def find(self, channel_id: int, found: Submission) -> tuple[Person | None, str]:
        """The person and why it is this one.

        An address decides. Where it is unknown, the source's id leads to a contact only if that one has no address
        yet: another address is another person.
        """
        if found.email_key and (person := self._by_email.get(found.email_key)):
            return person, "email"
        if found.external_id and (person := self._by_external_id.get((channel_id, found.external_id))):
            if not found.email_key or person.contact.email_key is None:
                return person, "external_id"
            return None, "new"
        if (pair := pair_of(found)) and (person := self._by_person_key.get(pair)):
            return person, "phone_name"
        if is_phone_only(found) and (person := self._by_phone.get(phone_key(found))):
            return person, "phone"
        return None, "new"

    def add(self, channel_id: int, found: Submission) -> Person:
        """A person nobody has met."""
        person = Person(Contact(), is_new=True)
        self.all.append(person)
        if is_phone_only(found):
            self._by_phone.setdefault(phone_key(found), person)
        if pair := pair_of(found):
            self._by_person_key.setdefault(pair, person)
        return person

    def rekey(self) -> None:
        """Set what people are matched by after their names and numbers changed; a key that is another's stays theirs.

        Such a pair is certainly to be looked at: the search for duplicates finds it.
        """
        rekeyed = []
        for person in self.all:
            if (person.is_new or person.is_changed) and person.contact.rekey():
                person.is_changed = True
                rekeyed.append(person)
        unseen = {
            key: person
            for person in rekeyed
            if not person.is_new and (key := person.contact.person_key) and key not in self._by_person_key
        }
        taken = set(
            Contact.objects.filter(person_key__among=unseen).values_list("person_key", flat=True) if unseen else ()
        )
        for person in rekeyed:
            key = person.contact.person_key
            if key and (key in taken or self._by_person_key.setdefault(key, person) is not person):
                person.contact.person_key = None

    def identify(self, person: Person, channel_id: int, found: Submission) -> bool:
        """Note address and source's id as this person's; False if the id is another person's already."""
        if found.email_key and person.contact.email_key is None:
            person.contact.email_key = found.email_key
            person.is_changed = True
            self._by_email[found.email_key] = person
        elif found.email_key and found.email_key not in self._by_email:
            # The same person at another address: it leads here from now on.
            self._by_email[found.email_key] = person
            self.new_aliases.append(NewAlias(person, found.email, found.email_key))
        if not found.external_id:
            return True
        key = (channel_id, found.external_id)
        if key not in self._by_external_id:
            self._by_external_id[key] = person
            self.new_identities.append(NewIdentity(person, *key))
        return self._by_external_id[key] is person

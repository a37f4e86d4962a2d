"""Correcting a fact about a person or their company: what a person of ours says wins over every other origin."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError, InvalidInput
from leadmgmt.core.now import now
from leads.events import record_event
from leads.models import Contact, FieldValue, Lead, User
from leads.normalise.email import Address, InvalidAddress, read_address
from leads.normalise.phone import read_phone
from leads.services.provenance import PERSON, offer
from qualification.desk.facts import COMPANY_FIELDS, PERSON_FIELDS


class AddressTaken(DomainError):
    """Another contact has this address already."""

    code = "address_taken"


def correct_fact(lead_id: int, subject: str, field: str, value: str, *, by: User, at: datetime | None = None) -> Lead:
    """Write ``field`` of the ``subject`` (person or company). Raises InvalidInput for what the field cannot hold."""
    at = at or now()
    fields = {"person": PERSON_FIELDS, "company": COMPANY_FIELDS}.get(subject, {})
    if field not in fields:
        raise InvalidInput(_("This fact cannot be corrected here."), fields={"field": _("Unknown fact.")})
    if not value.strip():
        raise InvalidInput(_("Say what it is instead."), fields={"value": _("It is empty.")})
    with transaction.atomic():
        lead = Lead.objects.lock().select_related("contact__company").get(pk=lead_id)
        about = lead.contact if subject == "person" else lead.contact.company
        if about is None:
            raise InvalidInput(_("No company is known for this lead."))
        before = getattr(about, field)
        _write(about, field, value.strip(), at)
        after = getattr(about, field)
        if before != after:
            data = {"subject": subject, "field": field, "label": str(fields[field])}
            record_event(lead, "lead.corrected", at=at, actor=by, data=data)
    return lead


def _write(about: Any, field: str, value: str, at: datetime) -> None:
    if field == "email":
        _write_address(about, value, at)
        return
    if field == "phone":
        number = read_phone(value, about.country or settings.DEFAULT_COUNTRY)
        if not number.e164:
            told = _("This is no phone number that can be called. Write it like +49 721 5550 1840.")
            raise InvalidInput(told, fields={"value": told})
        value = number.e164
    try:
        offer(about, field, value, PERSON, at=at)
    except ValueError as error:
        told = _("This does not fit: %(what)s.") % {"what": error}
        raise InvalidInput(told, fields={"value": str(error)}) from None


def _write_address(contact: Contact, value: str, at: datetime) -> None:
    """An address is also what a contact is found by, so it must be nobody else's."""
    try:
        address = read_address(value)
    except InvalidAddress as error:
        raise InvalidInput(str(error), fields={"value": str(error)}) from None
    try:
        with transaction.atomic():
            _keep_address(contact, address, at)
    except IntegrityError:
        raise AddressTaken(
            _("Another contact has this address already. Search for it to find their lead."), fields={"value": "taken"}
        ) from None


def _keep_address(contact: Contact, address: Address, at: datetime) -> None:
    contact.email, contact.email_key = address.written, address.key
    contact.save(update_fields=["email", "email_key", "updated_at"])
    FieldValue.objects.update_or_create(
        contact=contact, field="email", origin=PERSON, defaults={"value": address.written, "at": at, "confidence": 1.0}
    )

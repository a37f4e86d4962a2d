"""A person changes what is known about a lead's contact and company."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError, InvalidInput
from leads.events import record_event
from leads.models import Company, Contact, FieldValue, Lead, LeadEvent, User
from leads.normalise.email import InvalidAddress, read_address
from leads.normalise.phone import read_phone
from leads.services.provenance import PERSON, Offer, offer_all


class AddressTaken(DomainError):
    """Another contact has this address already."""

    code = "address_taken"


class Overtaken(DomainError):
    """A colleague has changed the same thing since it was looked at."""

    code = "overtaken"


class Erased(DomainError):
    """Nobody knows who this was."""

    code = "erased"


def edit_lead(
    lead_id: int,
    *,
    contact: Mapping[str, Any],
    company: Mapping[str, Any],
    subject: str | None,
    by: User,
    at: datetime,
    seen: Mapping[str, str] | None = None,
) -> Lead:
    """Write what a person says; it wins over every other origin.

    ``seen``: by name (`contact.phone`) what stood there when they looked; what does not stand there any more is not
    written over. Raises InvalidInput naming the field, AddressTaken, Overtaken, Erased.
    """
    with transaction.atomic():
        lead = Lead.objects.lock().select_related("contact__company").get(pk=lead_id)
        if lead.contact.erased_at is not None:
            raise Erased(_("This person was erased on request. Nothing is written about them any more."))
        _check_seen(lead, seen or {})
        changed = [("person", name) for name in _write(lead.contact, "contact", contact, at)]
        if company:
            changed += [("company", name) for name in _write(_company(lead), "company", company, at)]
        if subject is not None and subject != lead.subject:
            lead.subject = subject
            lead.save(update_fields=["subject"])
            changed.append(("lead", "subject"))
        for about, name in changed:
            record_event(lead, "lead.corrected", at=at, actor=by, data={"subject": about, "field": name})
    return lead


def _check_seen(lead: Lead, seen: Mapping[str, str]) -> None:
    if not seen:
        return
    # Two leads can be of one person or company: their rows are what two corrections meet at.
    contact = Contact.objects.select_for_update().get(pk=lead.contact_id)
    company = None
    if contact.company_id is not None:
        company = Company.objects.select_for_update().get(pk=contact.company_id)
    for name, before in seen.items():
        about, _dot, field = name.partition(".")
        row = contact if about == "contact" else company
        value = None if row is None else getattr(row, field)
        now_there = "" if value is None else str(value)
        if now_there != before:
            who = _who_changed(lead, "person" if about == "contact" else about, field)
            words = {"who": who, "value": now_there or _("empty")}
            told = _("%(who)s has made this “%(value)s” meanwhile. Save once more to replace it.") % words
            raise Overtaken(told, fields={name: told})


def _who_changed(lead: Lead, about: str, field: str) -> str:
    events = LeadEvent.objects.filter(lead=lead, kind="lead.corrected", data__subject=about, data__field=field)
    latest = events.select_related("actor").order_by("-at", "-pk").first()
    return str(latest.actor) if latest and latest.actor else _("Somebody")


def _company(lead: Lead) -> Company:
    if lead.contact.company is None:
        message = _("No company is known for this lead.")
        raise InvalidInput(message, fields={"company": message})
    return lead.contact.company


def _write(about: Contact | Company, prefix: str, values: Mapping[str, Any], at: datetime) -> list[str]:
    changed = []
    for name, value in values.items():
        try:
            if name == "email" and isinstance(about, Contact):
                changed += [name] if _write_address(about, value, at) else []
            else:
                changed += offer_all(about, [Offer(name, _readable(about, name, value), PERSON)], at=at)
        except ValueError as error:
            told = _("This does not fit: %(what)s.") % {"what": error}
            raise InvalidInput(_("Some fields need mending."), fields={f"{prefix}.{name}": told}) from None
    return changed


def _readable(about: Contact | Company, name: str, value: Any) -> Any:
    if name != "phone" or not isinstance(value, str):
        return value
    return read_phone(value, about.country or settings.DEFAULT_COUNTRY).e164


def _write_address(contact: Contact, value: str, at: datetime) -> bool:
    """An address is also what a contact is found by, so it must be nobody else's."""
    try:
        address = read_address(value)
    except InvalidAddress as error:
        raise InvalidInput(_("Some fields need mending."), fields={"contact.email": str(error)}) from None
    if address.written == contact.email:
        return False
    contact.email, contact.email_key = address.written, address.key
    try:
        with transaction.atomic():
            contact.save(update_fields=["email", "email_key", "updated_at"])
    except IntegrityError:
        message = _("Another contact has this address already.")
        raise AddressTaken(message, fields={"contact.email": message}) from None
    FieldValue.objects.update_or_create(
        contact=contact, field="email", origin=PERSON, defaults={"value": address.written, "at": at}
    )
    return True

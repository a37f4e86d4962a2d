"""What the leads app keeps of a person, emptied."""

from typing import Any

from django.db.models import Q

from leads.erasure import Sweep, bare_address, without_person
from leads.models import (
    Capture,
    ConsentRequest,
    Contact,
    ContactAlias,
    ContactIdentity,
    Duplicate,
    EnrichmentRequest,
    FieldValue,
    Lead,
    LeadEvent,
    Listed,
    Merge,
    NamedListEntry,
    Touchpoint,
)

BLANK = (
    "email phone phone_raw first_name last_name name_title name_key job_title seniority department region postal_code "
    "city time_zone email_class deliverability"
).split()


def erase_rows(sweep: Sweep) -> None:
    """The contact and what they sent, said and were found by."""
    mine = Q(contact__in=sweep.subject.contacts)
    contacts = Contact.objects.filter(pk__in=sweep.subject.contacts)
    blank: dict[str, Any] = dict.fromkeys(BLANK, "") | {"email_key": None, "person_key": None, "attributes": {}}
    sweep.note("contacts", contacts.update(**blank, erased_at=sweep.at))
    for model in (ContactAlias, ContactIdentity):
        model.objects.filter(mine).delete()
    Duplicate.objects.filter(Q(first__in=sweep.subject.contacts) | Q(second__in=sweep.subject.contacts)).delete()
    Merge.objects.filter(Q(kept__in=sweep.subject.contacts) | Q(gone__in=sweep.subject.contacts)).delete()
    sweep.note("values", FieldValue.objects.filter(mine).delete()[0])
    asked = ConsentRequest.objects.filter(mine | Q(email__in=sweep.subject.emails))
    sweep.note("consents", asked.update(email="", statements=[], error=""))
    Listed.objects.filter(kind=Listed.Kind.EMAIL, value__in=sweep.subject.emails).delete()
    Listed.objects.filter(kind=Listed.Kind.PHONE, value__in=sweep.subject.phones).delete()
    NamedListEntry.objects.filter(key__in=[*sweep.subject.emails, *sweep.subject.phones]).delete()
    _submissions(sweep)
    _leads(sweep)


def _submissions(sweep: Sweep) -> None:
    """Whatever came in about them, also what never became a lead."""
    mine = Q(contact__in=sweep.subject.contacts) | Q(lead__in=sweep.subject.leads)
    strangers = Capture.objects.filter(contact=None).extra(  # the words are values, not SQL
        where=["lower(payload::text || coalesce(fetched::text, '')) LIKE ANY(%s)"],
        params=[[f"%{_literal(one)}%" for one in sweep.subject.emails]],
    )
    keys = set(Capture.objects.filter(mine).values_list("pk", flat=True)) | set(strangers.values_list("pk", flat=True))
    empty: dict[str, Any] = {"payload": {}, "payload_hash": "", "context": {}, "fetched": None, "problems": []}
    empty |= dict.fromkeys(("error", "idempotency_key", "external_id"), "")
    sweep.note("submissions", Capture.objects.filter(pk__in=keys).update(**empty))


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _leads(sweep: Sweep) -> None:
    leads = list(Lead.objects.filter(pk__in=sweep.subject.leads))
    for lead in leads:
        lead.subject, lead.reason_note = str(without_person(lead.subject)), ""
    Lead.objects.bulk_update(leads, ["subject", "reason_note"])
    EnrichmentRequest.objects.filter(lead__in=leads, status__in=("waiting", "running")).delete()
    EnrichmentRequest.objects.filter(lead__in=leads).update(answer={}, error="")
    events = list(LeadEvent.objects.filter(lead__in=leads))
    for event in events:
        event.data, event.error = without_person(event.data), ""
    LeadEvent.objects.bulk_update(events, ["data", "error"], batch_size=500)
    sweep.note("history", len(events))
    touches = list(Touchpoint.objects.filter(Q(lead__in=leads) | Q(contact__in=sweep.subject.contacts)))
    for touch in touches:
        touch.subject, touch.message = "", ""
        touch.referrer, touch.landing_page = bare_address(touch.referrer), bare_address(touch.landing_page)
    Touchpoint.objects.bulk_update(touches, ["subject", "message", "referrer", "landing_page"], batch_size=500)
    sweep.note("touchpoints", len(touches))

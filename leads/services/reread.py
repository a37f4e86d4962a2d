"""Accepted submissions read once more after their channel's mapping was mended: what it says now is given anew."""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from django.db import IntegrityError, transaction

from leadmgmt.core.now import now
from leads.channels.base import SetAside
from leads.events import record_event
from leads.matching import Person
from leads.models import Capture, Channel, Contact, FieldValue, Lead, Touchpoint
from leads.normalise import Submission
from leads.normalise.refusal import Refused
from leads.normalise.submission import UTM
from leads.services.capture import read_kept
from leads.services.enrich import tell_late
from leads.services.given import COLUMNS, FIELDS, Given, load_values
from leads.services.identity import rekey_one

BY = "reread"
TOUCH = ("subject", "message", "referrer", "landing_page")
# More would hold a page up; the rest is read with another click.
KEYS = ("email_key", "name_key", "person_key")
MOST = 200


@dataclass
class Outcome:
    """What came of it: ``changed`` and ``same`` submissions, those that would make no lead today, changes by field."""

    changed: int = 0
    same: int = 0
    unreadable: int = 0
    fields: Counter[str] = field(default_factory=Counter)

    @property
    def looked_at(self) -> int:
        """All of them."""
        return self.changed + self.same + self.unreadable


class _OnlyLooking(Exception):
    """Takes a preview back."""


def reread_channel(channel: Channel, *, dry_run: bool = False) -> Outcome:
    """Read the newest accepted submissions of a channel again, oldest first. A dry run changes nothing."""
    keys = Capture.objects.filter(channel=channel, status=Capture.Status.ACCEPTED).order_by("-received_at")
    outcome = Outcome()
    for key in reversed(list(keys.values_list("pk", flat=True)[:MOST])):
        try:
            changed = reread(key, dry_run=dry_run)
        except (Refused, SetAside):
            outcome.unreadable += 1
            continue
        outcome.changed += bool(changed)
        outcome.same += not changed
        outcome.fields.update(changed)
    return outcome


def reread(capture_id: UUID | str, *, dry_run: bool = False) -> list[str]:
    """Read one again and correct contact and touchpoint; returns the fields that changed. Safe to run twice.

    What the submission gave counts from when it was given: a newer word stays. An address is taken over only by a
    contact without one, and only if it is nobody else's. Raises Refused, SetAside where it would make no lead today.
    """
    changed: list[str] = []
    try:
        with transaction.atomic():
            changed = _reread(capture_id)
            if dry_run:
                raise _OnlyLooking
    except _OnlyLooking:
        pass
    except IntegrityError:
        # Somebody made a contact with this address at this instant: the next reading finds it.
        return []
    return changed


def _reread(capture_id: UUID | str) -> list[str]:
    capture = Capture.objects.select_related("channel", "touchpoint").get(pk=capture_id)
    if capture.status != Capture.Status.ACCEPTED or capture.lead_id is None:
        return []
    found = read_kept(capture)
    lead = Lead.objects.lock().get(pk=capture.lead_id)
    contact = Contact.objects.select_for_update(of=("self",)).get(pk=lead.contact_id)
    before = {name: getattr(contact, name) for name in COLUMNS if name != "updated_at"}
    _give(contact, capture, found)
    changed = [name for name, value in before.items() if getattr(contact, name) != value and name not in KEYS]
    changed += _correct(capture.touchpoint, found)
    if changed:
        at = now()
        record_event(lead, "capture.reread", at=at, by=BY, data={"capture": str(capture.pk), "fields": changed})
        tell_late(lead.pk, BY, changed, at)
    return changed


def _give(contact: Contact, capture: Capture, found: Submission) -> None:
    person = Person(contact)
    load_values([person])
    if found.email_key and found.email_key != contact.email_key:
        known = Contact.objects.filter(email_key=found.email_key).exists()
        if contact.email_key is None and not known:
            contact.email_key, person.is_changed = found.email_key, True
        else:
            found.email = ""
    given = Given()
    take_back(person, capture, found)
    given.take(person, found, origin=capture.channel.kind, at=found.occurred_at)
    if person.is_changed:
        rekey_one(contact)
    given.flush([person])


def take_back(person: Person, capture: Capture, found: Submission | None = None) -> None:
    """Take back what this channel gave at this instant and ``found`` does not say: read wrongly, or not meant."""
    origin = capture.channel.kind
    for name in FIELDS:
        known = person.values.get((name, origin))
        if known is None or known.at != capture.occurred_at or name == "email":
            continue
        if found is not None and getattr(found, name):
            continue
        FieldValue.objects.filter(pk=known.pk or 0).delete()
        del person.values[name, origin]
        others = [value for (about, _by), value in person.values.items() if about == name]
        if getattr(person.contact, name) == known.value and not others:
            setattr(person.contact, name, "")
            person.is_changed = True
        elif getattr(person.contact, name) == known.value:
            setattr(person.contact, name, max(others, key=lambda one: one.at).value)
            person.is_changed = True


def _correct(touch: Touchpoint, found: Submission) -> list[str]:
    told = {name: getattr(found, name) for name in TOUCH} | {name: found.utm.get(name, "") for name in UTM}
    changed = [name for name, value in told.items() if getattr(touch, name) != value]
    if changed:
        Touchpoint.objects.filter(pk=touch.pk).update(**{name: told[name] for name in changed})
    return changed

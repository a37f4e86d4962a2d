"""Captures become contacts, leads, touchpoints and events: one engine, for one submission as for a file of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from leads.channels import touch_kind
from leads.events import record_events
from leads.matching import People, is_phone_only, phone_key
from leads.models import Capture, Consent, Contact, ContactAlias, ContactIdentity, Touchpoint
from leads.normalise import Submission
from leads.services.companies import Companies, company_domain
from leads.services.confirmation import ask_all
from leads.services.given import Given, load_values
from leads.services.interest import Interest, Touch
from leads.services.sources import Sources
from leads.services.storing import insert_many, insert_values, update_many

# "lead" and "phon": a number alone is under no constraint, so people known by nothing else queue up behind a lock.
PHONE_LOCK = (0x6C656164, 0x70686F6E)
SETTLED = (
    "status",
    "occurred_at",
    "lead",
    "contact",
    "match_reason",
    "problems",
    "error",
    "processed_at",
    "next_try_at",
)


@dataclass(frozen=True)
class Item:
    """A kept capture and what was read from it. ``history``: brought in with past dates, sets nothing off."""

    capture: Capture
    found: Submission
    history: bool = False


def attach(items: Sequence[Item], *, at: datetime) -> list[Touch]:
    """Attach captures in this order, in one transaction; the captures become accepted.

    Each row sees what the rows before it made. Somebody else who makes the same contact, company or source at the
    same instant costs an IntegrityError: nothing is written, and the caller tries again and finds theirs.
    """
    with transaction.atomic(savepoint=False):
        _queue_up(items)
        batch = _Batch()
        batch.load(items)
        touches = [batch.take(item) for item in items]
        batch.flush(touches, at)
        return touches


class _Batch:
    def __init__(self) -> None:
        self.sources, self.companies, self.people = Sources(), Companies(), People()
        self.interest, self.given = Interest(), Given()

    def load(self, items: Sequence[Item]) -> None:
        self.sources.load(source_name(item.found) for item in items)
        self.companies.load(item.found for item in items)
        self.people.load((item.capture.channel_id, item.found) for item in items)
        self.interest.load(self.people.all)
        self.people.lock()
        load_values(self.people.all)

    def take(self, item: Item) -> Touch:
        capture, found = item.capture, item.found
        channel = capture.channel
        name = source_name(found)
        source = self.sources.source(name) if name else channel.source
        campaign = self.sources.campaign(source, found.utm.get("utm_campaign") or found.campaign)
        company = self.companies.company(found, origin=channel.kind, at=found.occurred_at)
        person, reason = self.people.find(channel.pk, found)
        person = person or self.people.add(channel.pk, found)
        if not self.people.identify(person, channel.pk, found):
            found.note("external_id", _("This id is known as another contact."))
        if reason == "phone_name" and not takes_over(person.contact, found):
            # A private address beside a business one: it leads here, but it is not the one to write to.
            found.email = ""
        self.given.take(person, found, origin=channel.kind, at=found.occurred_at)
        if company and not person.has_company:
            person.contact.company = company
            person.has_company = person.is_changed = True
        touch = Touch(capture, found, person, reason, source, campaign, item.history)
        capture.lead = self.interest.touch(touch)
        return touch

    def flush(self, touches: Sequence[Touch], at: datetime) -> None:
        self.companies.flush()
        self.people.rekey()
        new = [person.contact for person in self.people.all if person.is_new]
        insert_many(new)
        identities = [
            {"contact_id": one.person.contact.pk, "channel_id": one.channel_id, "external_id": one.external_id}
            for one in self.people.new_identities
        ]
        insert_values(ContactIdentity, identities)
        aliases = [
            {"contact_id": one.person.contact.pk, "email": one.email, "key": one.key, "at": at}
            for one in self.people.new_aliases
        ]
        insert_values(ContactAlias, aliases)
        self.given.flush(self.people.all)
        self.interest.flush()
        settle(touches, at)
        insert_values(Touchpoint, [_touchpoint(touch) for touch in touches])
        insert_values(Consent, [consent for touch in touches for consent in _consents(touch)])
        ask_all(touches, at)
        record_events(self.interest.lines)


def takes_over(contact: Contact, found: Submission) -> bool:
    """Whether a further address becomes the contact's: a business one does, a private one only where none is known."""
    return not contact.email or bool(found.email and company_domain(found))


def source_name(found: Submission) -> str:
    """Where it came from in its own words: utm_source, else the named source; empty means that nobody said."""
    return (found.utm.get("utm_source") or found.source)[:120]


def settle(touches: Sequence[Touch], at: datetime) -> None:
    """Write on each capture what became of it; captures that are not kept yet (rows of a file) are kept now."""
    for touch in touches:
        capture = touch.capture
        capture.status, capture.error, capture.processed_at = Capture.Status.ACCEPTED, "", at
        capture.contact, capture.match_reason = touch.person.contact, touch.reason
        capture.occurred_at, capture.next_try_at = touch.found.occurred_at, None
        capture.problems = [problem.as_json() for problem in touch.found.problems]
    update_many([touch.capture for touch in touches if not touch.capture._state.adding], SETTLED)
    insert_many([touch.capture for touch in touches if touch.capture._state.adding])


def _touchpoint(touch: Touch) -> dict[str, Any]:
    found = touch.found
    return {
        "lead_id": touch.lead_id,
        "contact_id": touch.person.contact.pk,
        "capture_id": touch.capture.pk,
        "kind": touch_kind(touch.capture.channel.kind),
        "at": found.occurred_at,
        "source_id": touch.source.pk if touch.source else None,
        "campaign_id": touch.campaign.pk if touch.campaign else None,
        "referrer": found.referrer,
        "landing_page": found.landing_page,
        "subject": found.subject,
        "message": found.message,
        **found.utm,
    }


def _consents(touch: Touch) -> list[dict[str, Any]]:
    return [
        {
            "contact_id": touch.person.contact.pk,
            "purpose": said.purpose,
            "granted": said.granted,
            "text": said.text,
            "version": said.version,
            "capture_id": touch.capture.pk,
            "at": touch.found.occurred_at,
        }
        for said in touch.found.statements
        if not said.to_confirm
    ]


def _queue_up(items: Sequence[Item]) -> None:
    """Wait for others who attach the same bare number; a file waits for all of them."""
    numbers = [phone_key(item.found) for item in items if is_phone_only(item.found)]
    if not numbers:
        return
    with connection.cursor() as cursor:
        if len(items) > 1:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", PHONE_LOCK)
        else:
            cursor.execute(
                "SELECT pg_advisory_xact_lock_shared(%s, %s), pg_advisory_xact_lock(hashtextextended(%s, %s))",
                [*PHONE_LOCK, numbers[0], PHONE_LOCK[1]],
            )

"""Who wants no more e-mails or calls: the stricter statement wins, whichever side heard it (CRM_CONTRACT 8.3).

Only a no crosses. A yes stays where it was given: no side may loosen what the other was told.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from crmsync.adapters.base import Adapter, Remote
from crmsync.adapters.registry import adapter_for
from crmsync.models import AuditRow, Connection, Joined, Link, Opportunity, OutboxEntry
from crmsync.services.claim import DEADLINE, OPEN
from crmsync.services.outbox import record_change
from crmsync.services.people import people_of
from leadmgmt.core.errors import ConfigurationError
from leadmgmt.core.now import now
from leads.models import Consent, Contact
from leads.normalise.email import InvalidAddress, read_address
from qualification.services.mail_rules import note_refusal, refused_purposes

CROSSING = {"no_email": Consent.Purpose.EMAIL.value, "no_call": Consent.Purpose.CALL.value}
# A no that came with a deal goes with it; this far back the clock looks for those that came later.
LATELY = timedelta(days=30)
AT_ONCE = 500


def keep_opt_outs(connection: Connection, remotes: Sequence[Remote]) -> None:
    """People of the CRM who want no more: whoever of them we know has said so to us as well."""
    said: dict[str, set[str]] = {}
    for one in remotes:
        key = _key(str(one.values.get("email") or ""))
        if key and not one.deleted:
            said.setdefault(key, set()).update(purpose for name, purpose in CROSSING.items() if one.values.get(name))
    for contact in Contact.objects.filter(email_key__in=said, merged_into=None).order_by("pk"):
        purposes, version = said[contact.email_key or ""], f"crm:{connection.slug}"
        note_refusal(contact, purposes, at=now(), wording=connection.name, version=version, by=version)


def _key(email: str) -> str:
    try:
        return read_address(email).key
    except InvalidAddress:
        return ""


def tell_opt_outs(link: Link, connection: Connection, adapter: Adapter) -> None:
    """Tell the CRM what the people of a deal have said no to since it was told last. Raises AdapterError."""
    for contact, purposes in untold(link, adapter):
        adapter.opt_out(contact.email, purposes, now() + DEADLINE)
        link.opt_outs = sorted({*link.opt_outs, *(mark_of(contact, purpose) for purpose in purposes)})
        Link.objects.filter(pk=link.pk).update(opt_outs=link.opt_outs)
        AuditRow.objects.create(
            connection=connection,
            link=link,
            at=now(),
            direction="push",
            verdict="applied",
            rule="the stricter consent wins",
            changes={"contact": contact.pk, "no": purposes},
            actor="leadmgmt",
        )


def untold(link: Link, adapter: Adapter) -> list[tuple[Contact, list[str]]]:
    """Who of a deal's people has said no to what, and the CRM has not heard it yet."""
    can = adapter.capabilities().opts_out
    people = [one for one in people_of(link.opportunity) if one.email] if can else []
    return _untold(link.opt_outs, people, refused_purposes(one.pk for one in people), can) if people else []


def _untold(
    told: Sequence[str], people: Iterable[Contact], refused: Mapping[int, set[str]], can: Sequence[str]
) -> list[tuple[Contact, list[str]]]:
    found = []
    for contact in people:
        purposes = [one for one in can if one in refused.get(contact.pk, ()) and mark_of(contact, one) not in told]
        if purposes:
            found.append((contact, purposes))
    return found


def mark_of(contact: Contact, purpose: str) -> str:
    """How a link remembers that its CRM was told."""
    return f"{contact.pk}:{purpose}"


def tell_late(at: datetime) -> int:
    """Clock: a no that came after its deal had gone to a CRM becomes a change of that deal. Returns how many."""
    said_no = Consent.objects.filter(granted=False, purpose__in=CROSSING.values(), at__gte=at - LATELY)
    joined = Joined.objects.filter(
        opportunity=OuterRef("opportunity"), left_at=None, lead__contact__in=said_no.values("contact")
    )
    waiting = OutboxEntry.objects.filter(
        connection=OuterRef("connection"), opportunity=OuterRef("opportunity"), state__in=[*OPEN, "dead"]
    )
    links = Link.objects.filter(
        Q(opportunity__lead__contact__in=said_no.values("contact")) | Q(Exists(joined)),
        ~Exists(waiting),
        state=Link.State.LINKED,
        connection__mode__in=[Connection.Mode.BOTH, Connection.Mode.PUSH_ONLY],
    )
    can = {one.pk: _purposes(one) for one in Connection.objects.exclude(mode=Connection.Mode.OFF)}
    late: set[int] = set()
    rows = links.select_related("opportunity__lead__contact").order_by("pk")
    # All of them, a part at a time: those that were told long ago must not stand before those that were not.
    part = list(rows[:AT_ONCE])
    while part:
        late |= _late(part, can)
        part = list(rows.filter(pk__gt=part[-1].pk)[:AT_ONCE])
    for pk in sorted(late):
        with transaction.atomic():
            record_change(Opportunity.objects.select_for_update().get(pk=pk), ["consent"], at=at)
    return len(late)


def _late(links: Sequence[Link], can: Mapping[int, Sequence[str]]) -> set[int]:
    """The opportunities of these links whose CRM has not heard every no."""
    people = _people(links)
    refused = refused_purposes({one.pk for found in people.values() for one in found})
    return {
        link.opportunity_id
        for link in links
        if _untold(link.opt_outs, people[link.opportunity_id], refused, can.get(link.connection_id, ()))
    }


def _people(links: Iterable[Link]) -> dict[int, list[Contact]]:
    """Whose deals these are, by opportunity."""
    found = {link.opportunity_id: [link.opportunity.lead.contact] for link in links}
    joined = Joined.objects.filter(opportunity__in=found, left_at=None).select_related("lead__contact")
    for one in joined:
        found[one.opportunity_id].append(one.lead.contact)
    return {key: [one for one in people if one.email] for key, people in found.items()}


def _purposes(connection: Connection) -> tuple[str, ...]:
    """What this CRM can note; nothing where it is not configured."""
    try:
        adapter = adapter_for(connection)
    except ConfigurationError:
        return ()
    adapter.close()
    return adapter.capabilities().opts_out

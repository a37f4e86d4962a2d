"""Some thousand rows become opportunities, stages, assignments and outcomes of the past, in one transaction."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from crmsync.deals.mapping import LOST, WON, Deal, DealMap, WrongRow, read_deal
from crmsync.deals.people import people_named
from crmsync.deals.story import Story, tell
from crmsync.models import LossReasonMap, Opportunity
from crmsync.services.outcome import OTHER, UNKNOWN, lost_reason
from leadmgmt.core.permissions import AE, SDR
from leads.facts import NOW, facts_of
from leads.imports.table import Row
from leads.lifecycle import StageConflict, save_past
from leads.models import Channel, Company, Contact, ContactIdentity, ImportRow, ImportRun, Lead, Organisation, Reason
from leads.services.storing import insert_many, update_many
from qualification.models import Outcome
from routing.models import Assignment

# "lead" and "deal": one batch at a time, whatever file it comes from.
FILE_LOCK = (0x6C656164, 0x6465616C)
AGE = "lead.age_days"


@dataclass
class Counts:
    """What became of rows."""

    created: int = 0
    unchanged: int = 0
    people: int = 0
    refused: list[ImportRow] = field(default_factory=list)


def bring_in(run: ImportRun, mapping: DealMap, rows: Sequence[Row], at: datetime) -> Counts:
    """Bring rows in; one that cannot be used is kept as an ImportRow with its line and reason, the others go on."""
    counts = Counts()
    deals: list[Deal] = []
    for row in rows:
        try:
            deals.append(read_deal(mapping, row))
        except WrongRow as error:
            counts.refused.append(_refused(run, row, error.field, str(error)))
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", FILE_LOCK)
        fresh = _fresh(run.channel, deals, counts)
        stories = _stories(run, fresh, counts)
        _write(stories, at)
        ImportRow.objects.bulk_create(counts.refused)
    counts.created += len(stories)
    return counts


def import_key(channel: Channel, deal: Deal) -> str:
    """What a deal is known by when the file comes again: its own id, else the lead, the outcome and its time."""
    own = deal.deal_id or f"{deal.outcome}:{deal.closed_at.isoformat()}"
    return hashlib.sha256(f"{channel.slug}\n{deal.external_id}\n{own}".encode()).hexdigest()


def _fresh(channel: Channel, deals: Iterable[Deal], counts: Counts) -> dict[str, Deal]:
    """Deals that nobody has brought in yet, each once."""
    keyed = [(import_key(channel, deal), deal) for deal in deals]
    known = set(
        Opportunity.objects.filter(import_key__in=[key for key, _deal in keyed]).values_list("import_key", flat=True)
    )
    fresh: dict[str, Deal] = {}
    for key, deal in keyed:
        if key in known or key in fresh:
            counts.unchanged += 1
        else:
            fresh[key] = deal
    return fresh


def _stories(run: ImportRun, fresh: dict[str, Deal], counts: Counts) -> list[Story]:
    """Each deal with its lead, its people and what it did to the lead, oldest first."""
    leads = _leads(run.channel, [deal.external_id for deal in fresh.values()])
    sdrs, new_sdrs = people_named((deal.sdr for deal in fresh.values()), SDR)
    reps, new_reps = people_named((deal.rep for deal in fresh.values()), AE)
    counts.people += new_sdrs + new_reps
    reasons = _reasons(fresh.values())
    organisation = Organisation.objects.first()
    currency = organisation.currency if organisation else "EUR"
    stories = []
    for key, deal in sorted(fresh.items(), key=lambda pair: (pair[1].closed_at, pair[0])):
        try:
            lead = _lead_of(deal, leads.get(deal.external_id, []))
            reason = reasons.get(deal.loss_reason.casefold()) if deal.outcome == LOST else None
            story = Story(key, deal, lead, sdrs.get(deal.sdr), reps.get(deal.rep), reason, deal.currency or currency)
            tell(story)
        except WrongRow as error:
            counts.refused.append(_refused(run, deal.row, error.field, str(error)))
        except StageConflict as error:
            counts.refused.append(_refused(run, deal.row, "external_id", str(error)))
        else:
            stories.append(story)
    return stories


def _leads(channel: Channel, external_ids: list[str]) -> dict[str, list[Lead]]:
    """The leads behind these ids, locked, each person's oldest first."""
    people = dict(
        ContactIdentity.objects.filter(channel=channel, external_id__in=external_ids).values_list(
            "contact", "external_id"
        )
    )
    found: dict[str, list[Lead]] = {}
    leads = Lead.objects.lock().filter(contact__in=people).select_related("contact")
    for lead in sorted(leads, key=lambda one: one.first_seen_at):
        found.setdefault(people[lead.contact_id], []).append(lead)
    return found


def _lead_of(deal: Deal, leads: list[Lead]) -> Lead:
    """The lead that the deal grew out of: the person's last one begun before it was closed."""
    if not leads:
        raise WrongRow("external_id", _("No lead of this channel has the id “%(id)s”.") % {"id": deal.external_id[:60]})
    before = [lead for lead in leads if lead.first_seen_at <= deal.closed_at]
    lead = before[-1] if before else leads[0]
    if not lead.is_history:
        raise WrongRow("external_id", _("This lead is worked here; what becomes of it comes from the CRM."))
    return lead


def _reasons(deals: Iterable[Deal]) -> dict[str, Reason]:
    """Loss reasons by the file's words: as a CRM's map knows them, by code or label, else `other`."""
    texts = {deal.loss_reason.casefold() for deal in deals if deal.outcome == LOST}
    if not texts:
        return {}
    known: dict[str, Reason] = {}
    for reason in Reason.objects.filter(kind=Reason.Kind.LOST):
        known |= {
            reason.code.casefold(): reason,
            reason.label_en.casefold(): reason,
            reason.label_de.casefold(): reason,
        }
    for row in LossReasonMap.objects.select_related("reason"):
        known.setdefault(row.remote.casefold(), row.reason)
    known[""] = lost_reason(UNKNOWN)
    return {text: known.get(text) or lost_reason(OTHER) for text in texts}


def _write(stories: Sequence[Story], at: datetime) -> None:
    """Everything at once. The facts are read before anything is changed: they are what was known beforehand."""
    leads = list({story.lead.pk: story.lead for story in stories}.values())
    facts = facts_of([lead.pk for lead in leads], at)
    insert_many([story.opportunity for story in stories])
    held = set(Assignment.objects.filter(lead__in=leads).values_list("lead", flat=True))
    assignments = [story.assignment for story in stories if story.assignment and story.lead.pk not in held]
    once = {assignment.lead_id: assignment for assignment in assignments}
    insert_many(list(once.values()))
    events = [event for story in stories for event in story.events_with(once.get(story.lead.pk))]
    save_past(leads, events)
    update_many(leads, ["owner", "owned_at", "team", "ae"])
    insert_many([_outcome(story, facts[story.lead.pk]) for story in stories if story.end])
    _keep_attributes(stories)
    won = [story.lead.contact_id for story in stories if story.deal.outcome == WON]
    Company.objects.filter(contacts__in=won).update(is_customer=True)


def _outcome(story: Story, facts: dict[str, Any]) -> Outcome:
    deal = story.deal
    age = (deal.closed_at - story.lead.first_seen_at).days
    return Outcome(
        lead=story.lead,
        event=story.end,
        kind=Outcome.Kind.WON if deal.outcome == WON else Outcome.Kind.LOST,
        reason=story.reason.code if story.reason else "",
        at=deal.closed_at,
        amount=deal.amount,
        facts=facts | {NOW: deal.closed_at.isoformat(), AGE: age},
        facts_at=story.lead.first_seen_at,
    )


def _keep_attributes(stories: Sequence[Story]) -> None:
    contacts: dict[int, Contact] = {}
    for story in stories:
        contact = contacts.get(story.lead.contact_id, story.lead.contact)
        new = {name: value for name, value in story.deal.attributes.items() if contact.attributes.get(name) != value}
        if new:
            contact.attributes = contact.attributes | new
            contacts[contact.pk] = contact
    update_many(list(contacts.values()), ["attributes"])


def _refused(run: ImportRun, row: Row, name: str, reason: str) -> ImportRow:
    cells = {key[:200].replace("\0", ""): cell[:2000].replace("\0", "") for key, cell in row.cells.items()}
    return ImportRow(run=run, line=row.line, cells=cells, field=name, reason=reason)

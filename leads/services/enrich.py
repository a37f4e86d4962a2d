"""Enrichment: work out what follows from what is known, ask providers, and go on when all have answered or time is up.

A round begins with an event of the lead and ends with exactly one ``lead.enriched``: at once where nobody is asked,
when the last provider has answered, or at `Lead.enrich_by`. A touch during a round joins it. What is learned after the
round is told by another ``lead.enriched`` with ``late``, which scores the lead again.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from leadmgmt.core.kept_words import worded
from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue
from leads.configuration import Kept
from leads.enrichers import LOCAL, Known, ip_place
from leads.enrichers.base import Subject
from leads.enrichers.company_domain import company_domain, name_from_domain
from leads.enrichers.homepage import Homepage
from leads.enrichers.http_json import HttpJson
from leads.enrichers.mail_exchange import MailExchange
from leads.events import record_event
from leads.facts import newest_touches
from leads.models import Capture, Company, Contact, EnrichmentRequest, Lead, LeadEvent, Provider, Touchpoint
from leads.normalise.company import name_key
from leads.services.provenance import Offer, Precedence, known_values, offer_all
from leads.services.storing import update_one

ASK = "leads.tasks.ask_providers"
NETWORK: dict[str, type[HttpJson] | type[Homepage] | type[MailExchange]] = {
    "http_json": HttpJson,
    "homepage": Homepage,
    "mail_exchange": MailExchange,
}
OPEN = (EnrichmentRequest.Status.WAITING, EnrichmentRequest.Status.RUNNING)
# Who answered lately is not asked again, unless the provider's config says otherwise (`fresh_days`).
FRESH_DAYS = 30
# At a firm with more open leads than these, the others learn of it when they stir.
MOST_COLLEAGUES = 200
BY = "enrichment"

_providers = Kept(lambda: list(Provider.objects.all()), "leads_provider")


def begin_enrichment(lead: Lead, event: LeadEvent) -> None:
    """Pipeline step: begin a round for this lead, or join the one that runs."""
    at = now()
    providers = _providers()
    with transaction.atomic(savepoint=False):
        work_out(lead, providers, at)
    asked = [provider for provider in providers if provider.kind in NETWORK and _ask(lead, provider, at)]
    if asked and settings.ENRICHMENT_WAIT_SECONDS:
        if lead.enrich_by is None:
            lead.enrich_by = at + timedelta(seconds=settings.ENRICHMENT_WAIT_SECONDS)
            update_one(lead, ("enrich_by",))
    elif lead.enrich_by is None and not _was_finished(lead, event):
        _finish(lead, at, **{"for": event.pk})
    if asked:
        enqueue(ASK)


def _was_finished(lead: Lead, event: LeadEvent) -> bool:
    """Whether the round of this event is over: a step may run twice. The first round of a lead has none before it."""
    return lead.enriched_at is not None and lead.events.filter(kind="lead.enriched", data__for=event.pk).exists()


def work_out(lead: Lead, providers: list[Provider], at: datetime) -> set[str]:
    """Run the enrichers that need no network; returns the fields that changed. Locks contact and company."""
    contact = lead.contact = Contact.objects.select_for_update().get(pk=lead.contact_id)
    configured = {provider.kind: provider for provider in providers if provider.kind in LOCAL}
    if contact.company_id is None:
        _join_company(contact, configured.get("company_domain"))
    if contact.company_id is not None:
        contact.company = Company.objects.select_for_update().get(pk=contact.company_id)
    touches = newest_touches(lead)
    message = touches[0].message if touches else ""
    # Asked for only where somebody has a file for it.
    address = _ip_address(touches[0]) if touches and ip_place.KIND in configured else ""
    offers = _conclusions(contact, message, configured, address)
    precedence = Precedence(providers)
    values = known_values(contact)
    changed = offer_all(contact, offers["contact"], at=at, precedence=precedence, known=values)
    if contact.company is not None:
        more = offer_all(contact.company, offers["company"], at=at, precedence=precedence, known=values)
        changed |= {f"company.{name}" for name in more}
    return changed


def _ip_address(touch: Touchpoint) -> str:
    if touch.capture_id is None:
        return ""
    found = Capture.objects.filter(pk=touch.capture_id).values_list("context__ip", flat=True).first()
    return found if isinstance(found, str) else ""


def _conclusions(
    contact: Contact, message: str, configured: dict[str, Provider], address: str = ""
) -> dict[Subject, list[Offer]]:
    """What the enrichers offer. Twice, as what one finds first (a country) lets another say more (a time zone)."""
    found: dict[tuple[Subject, str, str], Offer] = {}
    supposed: list[tuple[Contact | Company, str, Any]] = []
    for _ in range(2):
        for kind, enricher in LOCAL.items():
            provider = configured.get(kind)
            if provider is not None and not provider.is_active:
                continue
            origin = provider.slug if provider else kind
            for one in enricher(Known(contact, message, provider.config if provider else {}, address)):
                found[one.subject, one.field, origin] = Offer(one.field, one.value, origin, one.confidence)
                subject = contact if one.subject == "contact" else contact.company
                if subject is not None and not (stands := getattr(subject, one.field)):
                    # Only supposed, for the next enricher: offering it decides what is shown.
                    supposed.append((subject, one.field, stands))
                    setattr(subject, one.field, one.value)
    for subject, name, stands in supposed:
        setattr(subject, name, stands)
    return {
        "contact": [offer for (subject, _field, _origin), offer in found.items() if subject == "contact"],
        "company": [offer for (subject, _field, _origin), offer in found.items() if subject == "company"],
    }


def _join_company(contact: Contact, provider: Provider | None) -> None:
    """Put the person into the company of their mail domain, which may be new."""
    if provider is not None and not provider.is_active:
        return
    domain = company_domain(Known(contact, config=provider.config if provider else {}))
    if not domain:
        return
    name = name_from_domain(domain)
    # Two people of one new company at once: the constraint keeps one row, both find it.
    Company.objects.bulk_create([Company(domain=domain, name=name, name_key=name_key(name))], ignore_conflicts=True)
    contact.company = Company.objects.get(domain=domain)
    contact.save(update_fields=["company", "updated_at"])


def _ask(lead: Lead, provider: Provider, at: datetime) -> bool:
    """Put a question to a provider; False where it needs none, has answered lately or would not be heard now."""
    speaker = NETWORK[provider.kind](provider)
    if not provider.is_active or not speaker.applies_to(lead.contact) or not _lacks(speaker.fields(), lead.contact):
        return False
    fresh = at - timedelta(days=_number(provider.config.get("fresh_days"), FRESH_DAYS))
    # What a provider tells of a company alone it is asked once for all its people.
    is_about_company = lead.contact.company_id and _tells_company_alone(speaker.fields())
    about = (
        {"lead__contact__company": lead.contact.company_id} if is_about_company else {"lead__contact": lead.contact_id}
    )
    known = EnrichmentRequest.objects.filter(
        Q(status__in=OPEN) | Q(status__in=["done", "empty"], finished_at__gte=fresh), provider=provider, **about
    ).first()
    if known is not None:
        return known.status in OPEN and known.lead_id == lead.pk
    paused = provider.paused_until is not None and provider.paused_until > at
    EnrichmentRequest.objects.create(
        lead=lead,
        provider=provider,
        asked_at=at,
        next_try_at=provider.paused_until if paused else None,
        error=worded("Put off: the provider has failed several times in a row.") if paused else "",
    )
    return not paused


def _tells_company_alone(fields: frozenset[str]) -> bool:
    return bool(fields) and all(name.startswith("company.") for name in fields)


def _lacks(fields: frozenset[str], contact: Contact) -> bool:
    """Whether anything that a provider may tell is not known yet: what is known is not paid for again."""
    for name in fields:
        subject, _dot, field = name.partition(".")
        about = contact if subject == "contact" else contact.company
        if about is None or getattr(about, field, None) in (None, ""):
            return True
    return not fields


def _number(value: Any, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 3650 else default


def _finish(lead: Lead, at: datetime, **data: Any) -> None:
    """End the round of a locked lead: what is known now counts. `enriched_at` is that of the interest's first round."""
    lead.enrich_by = None
    if lead.enriched_at is None or lead.enriched_at < lead.captured_at:
        lead.enriched_at = at
    update_one(lead, ("enrich_by", "enriched_at"))
    record_event(lead, "lead.enriched", at=at, by=BY, data=data)


def close_round(lead_id: int, at: datetime) -> bool:
    """End the lead's round if it runs and nobody is left to answer or the time is up; returns whether it did."""
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=lead_id)
        if lead.enrich_by is None:
            return False
        open_ones = list(
            lead.enrichments.filter(Q(next_try_at__isnull=True) | Q(next_try_at__lt=lead.enrich_by), status__in=OPEN)
            .order_by("pk")
            .values_list("provider__slug", flat=True)
        )
        if open_ones and at < lead.enrich_by:
            return False
        _finish(lead, at, **({"not_waited_for": open_ones} if open_ones else {}))
        return True


def close_due_rounds(at: datetime) -> int:
    """Clock: end the rounds whose time is up. Returns how many."""
    due = Lead.objects.filter(enrich_by__lte=at).order_by("enrich_by").values_list("pk", flat=True)[:500]
    return sum(close_round(lead_id, at) for lead_id in due)


def tell_late(lead_id: int, provider: str, fields: list[str], at: datetime, **more: Any) -> None:
    """Something new came in after the round: have the lead scored again. Inside the caller's transaction."""
    lead = Lead.objects.lock().get(pk=lead_id)
    if lead.enrich_by is None and lead.is_open:
        data = {"late": True, "provider": provider, "fields": sorted(fields), **more}
        record_event(lead, "lead.enriched", at=at, by=BY, data=data)


def tell_colleagues(request_id: int) -> int:
    """Have the open leads of a company scored again after something new about it came in (a job); returns how many."""
    request = EnrichmentRequest.objects.select_related("provider", "lead__contact").get(pk=request_id)
    company, at = request.lead.contact.company_id, now()
    if company is None:
        return 0
    others = Lead.objects.open().filter(contact__company=company, enrich_by__isnull=True).exclude(pk=request.lead_id)
    # Safe to run twice: who has heard of this answer is not told again.
    told = LeadEvent.objects.filter(lead=OuterRef("pk"), kind="lead.enriched", data__request=request_id)
    fields = sorted(name for name in request.answer if name.startswith("company."))
    pks = list(others.filter(~Exists(told)).order_by("pk").values_list("pk", flat=True)[:MOST_COLLEAGUES])
    for pk in pks:
        with transaction.atomic():
            tell_late(pk, request.provider.slug, fields, at, request=request_id)
    return len(pks)


def waiting_requests(at: datetime) -> Q:
    """Questions that may be asked now."""
    return Q(status=EnrichmentRequest.Status.WAITING) & (Q(next_try_at__isnull=True) | Q(next_try_at__lte=at))

"""What each provider answered, how fast, for how much, and what came of it; counted from questions and values."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from leads.models import Provider
from leads.services.provenance import GIVEN
from leads.services.spending import spent_this_month

LOOKED_BACK = timedelta(days=30)

ACCOUNT = """
    SELECT provider_id, count(*), count(*) FILTER (WHERE status = 'done'), count(*) FILTER (WHERE status = 'empty'),
        count(*) FILTER (WHERE status = 'failed'), coalesce(sum(cost), 0),
        percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - started_at))
            FILTER (WHERE started_at IS NOT NULL AND finished_at IS NOT NULL),
        percentile_disc(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - started_at))
            FILTER (WHERE started_at IS NOT NULL AND finished_at IS NOT NULL),
        coalesce(sum((SELECT count(*) FROM jsonb_object_keys(answer))), 0)
    FROM leads_enrichmentrequest WHERE asked_at >= %(since)s GROUP BY provider_id
"""
# A provider's value counts for a lead if it is the one that is shown: the first in the order of belief.
SHOWN = """
    WITH recent AS (
        SELECT lead.id AS lead_id, lead.won_at, contact.id AS contact_id, contact.company_id
        FROM leads_lead lead JOIN leads_contact contact ON contact.id = lead.contact_id
        WHERE lead.captured_at >= %(since)s
    ), told AS (
        SELECT lead_id, won_at, 'contact' AS about, field, origin, confidence, value.at
        FROM recent JOIN leads_fieldvalue value ON value.contact_id = recent.contact_id
        UNION ALL
        SELECT lead_id, won_at, 'company', field, origin, confidence, value.at
        FROM recent JOIN leads_fieldvalue value ON value.company_id = recent.company_id
    ), ranked AS (
        SELECT told.*, row_number() OVER (
            PARTITION BY lead_id, about, field
            ORDER BY CASE WHEN origin LIKE 'person%%' THEN 0
                WHEN origin = ANY(%(given)s) THEN 1 WHEN origin LIKE 'crm:%%' THEN 2 ELSE 3 END,
                CASE WHEN confidence >= 0.5 THEN 0 ELSE 1 END,
                coalesce(provider.position, 1000)
                    - CASE WHEN provider.config -> 'first_for' ? (about || '.' || field) THEN 100000 ELSE 0 END,
                confidence DESC, at DESC) AS place
        FROM told LEFT JOIN leads_provider provider ON provider.slug = told.origin
    ), shown AS (
        SELECT DISTINCT origin, lead_id, won_at FROM ranked WHERE place = 1 AND origin = ANY(%(slugs)s)
    )
    SELECT origin, count(DISTINCT lead_id), count(DISTINCT lead_id) FILTER (WHERE won_at IS NOT NULL),
        count(DISTINCT lead_id) FILTER (WHERE EXISTS (
            SELECT FROM leads_leadevent event WHERE event.lead_id = shown.lead_id AND event.kind = 'lead.enriched'
                AND event.data ->> 'late' = 'true' AND event.data ->> 'provider' = shown.origin
                AND EXISTS (SELECT FROM leads_leadevent later WHERE later.lead_id = shown.lead_id
                    AND later.kind = 'lead.assigned' AND later.id > event.id))),
        count(DISTINCT lead_id) FILTER (WHERE EXISTS (
            SELECT FROM leads_leadevent event WHERE event.lead_id = shown.lead_id AND event.kind = 'lead.enriched'
                AND event.data ->> 'late' = 'true' AND event.data ->> 'provider' = shown.origin
                AND EXISTS (SELECT FROM leads_leadevent later WHERE later.lead_id = shown.lead_id
                    AND later.kind = 'lead.scored' AND later.id > event.id
                    AND later.data ->> 'grade' IS DISTINCT FROM (
                        SELECT earlier.data ->> 'grade' FROM leads_leadevent earlier
                        WHERE earlier.lead_id = shown.lead_id AND earlier.kind = 'lead.scored'
                            AND earlier.id < event.id ORDER BY earlier.id DESC LIMIT 1))))
    FROM shown GROUP BY origin
"""


@dataclass(frozen=True)
class Account:
    """One provider in the last thirty days; times in seconds. ``filled``: values that it offered.

    ``shown_on``: leads on which a value of it is the one that is believed, of which ``won``; ``rerouted`` and
    ``regraded``: leads that were assigned or graded anew after an answer of it that came late.
    """

    asked: int = 0
    answered: int = 0
    empty: int = 0
    failed: int = 0
    cost: Decimal = Decimal(0)
    median: float | None = None
    slowest: float | None = None
    filled: int = 0
    shown_on: int = 0
    won: int = 0
    rerouted: int = 0
    regraded: int = 0
    spent: Decimal = Decimal(0)

    @property
    def cost_per_value(self) -> Decimal | None:
        """What one filled field has cost."""
        return (self.cost / self.filled).quantize(Decimal("0.0001")) if self.filled else None


def accounts(providers: list[Provider], at: datetime) -> dict[int, Account]:
    """The account of each provider: two queries, and one more for each that has a budget."""
    told: dict[str, datetime | list[str]] = {
        "since": at - LOOKED_BACK,
        "slugs": [one.slug for one in providers],
        "given": sorted(GIVEN),
    }
    asked, shown = _rows(ACCOUNT, told), _rows(SHOWN, told)
    return {
        provider.pk: Account(
            **dict(zip(COUNTED, asked.get(provider.pk, ()), strict=False)),
            **dict(zip(EFFECTS, shown.get(provider.slug, ()), strict=False)),
            spent=spent_this_month(provider, at) if provider.budget is not None else Decimal(0),
        )
        for provider in providers
    }


COUNTED = ("asked", "answered", "empty", "failed", "cost", "median", "slowest", "filled")
EFFECTS = ("shown_on", "won", "rerouted", "regraded")


def _rows(query: str, told: dict[str, datetime | list[str]]) -> dict[Any, tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, told)
        return {row[0]: row[1:] for row in cursor.fetchall()}

"""Small histories whose answers are known, for the tests of the reports."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from crmsync.models import Handoff, Opportunity
from leads.events import record_event
from leads.models import Lead, User
from tests.factories import make_clock, make_lead, make_policy, make_reason, make_source, make_team, make_user

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def past(days: float) -> datetime:
    return NOW - timedelta(days=days)


def tell(stage: str = "new", *, seen: float = 30, after: dict[str, float] | None = None, **fields: Any) -> Lead:
    """A lead first seen so many days ago that reached stages so many days after that, and stands in ``stage``."""
    at = past(seen)
    steps = after or {}
    stamps = {f"{step}_at": at + timedelta(days=days) for step, days in steps.items() if step in STAMPED}
    lead = make_lead(stage=stage, at=at, is_history=fields.pop("is_history", True), **stamps, **fields)
    record_event(lead, "lead.captured", at=at, quiet=True)
    before = "new"
    for step, days in steps.items():
        name = step.split(":")[0]
        record_event(lead, f"stage.{name}", at=at + timedelta(days=days), data={"from": before}, quiet=True)
        before = name
    return lead


STAMPED = ("mql", "sql", "opportunity", "won")
WON = {"mql": 1, "sql": 3, "opportunity": 4, "won": 20}


def deal(
    lead: Lead, *, sdr: User | None = None, ae: User | None = None, stage: str = "won", amount: int = 1000
) -> Opportunity:
    closed = None if stage == "open" else past(1)
    return Opportunity.objects.create(
        lead=lead, name=f"Deal {lead.pk}", stage=stage, amount=Decimal(amount), qualified_by=sdr, owner=ae,
        created_at=past(5), closed_at=closed, loss_reason=make_reason("lost", "price") if stage == "lost" else None,
    )  # fmt: skip


def promised(minutes: float | None, *, due: float = 15, **fields: Any) -> Lead:
    """A lead of a day ago whose first touch came after so many minutes (None: not yet)."""
    at = fields.pop("at", past(1))
    lead = make_lead(at=at, **fields)
    record_event(lead, "lead.captured", at=at, quiet=True)
    touched = at + timedelta(minutes=minutes) if minutes is not None else None
    make_clock(
        lead, due_at=at + timedelta(minutes=due), policy=make_policy(15), touched_at=touched, stopped_at=touched,
        stop_reason="touched" if touched else "",
    )  # fmt: skip
    return lead


def told() -> dict[str, Any]:
    """Two sources and leads without one: eight leads in all, one from before the others."""
    ads, unknown = make_source("ads", name="Ads"), make_source("unknown", name="unknown")
    ann, bob = make_user("sdr", first_name="Ann"), make_user("sdr", first_name="Bob")
    aes = make_user("ae", first_name="Kim")
    team_a = make_team("a")
    won = [tell("won", after=WON, source=ads, owner=ann, team=team_a), tell("won", after=WON, source=None, owner=bob)]
    for lead, sdr in zip(won, (ann, bob), strict=True):
        opportunity = deal(lead, sdr=sdr, ae=aes, amount=1000 * lead.pk % 7919 + 100)
        Handoff.objects.create(
            opportunity=opportunity, ae=aes, sdr=sdr, status="accepted", offered_at=past(6), due_at=past(5.5),
            decided_at=past(5.75),
        )  # fmt: skip
    lost = tell("recycled", after={"mql": 2, "sql": 5, "opportunity": 6, "recycled": 15}, source=ads)
    deal(lost, sdr=ann, ae=aes, stage="lost")
    tell("disqualified", after={"disqualified": 1}, source=unknown)
    tell("recycled", after={"mql": 4, "recycled": 10}, source=unknown)
    tell("sql", after={"mql": 1, "recycled": 3, "new": 8, "sql": 9}, source=None)
    tell("new", source=None)
    tell("new", seen=300, source=ads)
    return {"ads": ads, "unknown": unknown, "ann": ann, "bob": bob, "ae": aes, "won": won}

"""From capture to notice: the steps of one interest with their spans."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from leadmgmt.core import formats
from leads.models import Lead


@dataclass(frozen=True)
class Span:
    """One step on a common scale of 100."""

    label: str
    x: str
    width: str
    words: str


@dataclass(frozen=True)
class Timing:
    """All steps, and the whole."""

    spans: list[Span]
    total: str


def timing_of(lead: Lead) -> Timing | None:
    """The steps that are done; None before the first."""
    steps = [
        (_("Enrich"), lead.enriched_at),
        (_("Score"), lead.scored_at),
        (_("Route"), lead.routed_at),
        (_("Notify"), lead.notified_at),
    ]
    start, done, previous = lead.captured_at, [], lead.captured_at
    for label, moment in steps:
        # A step of an earlier interest, or one done again later, says nothing about this way.
        if moment is None or moment < previous:
            continue
        done.append((label, previous, moment))
        previous = moment
    whole = (previous - start).total_seconds()
    if not done:
        return None
    spans = [
        Span(
            label,
            f"{(begin - start).total_seconds() / whole * 100 if whole else 0:.1f}",
            f"{max((end - begin).total_seconds() / whole * 100 if whole else 0, 1):.1f}",
            short((end - begin).total_seconds()),
        )
        for label, begin, end in done
    ]
    return Timing(spans, short(whole))


def short(seconds: float) -> str:
    """A span of a machine: 12 ms, 1.01 s, 3:20."""
    if seconds < 1:
        return f"{formats.number(seconds * 1000)}{formats.NBSP}ms"
    if seconds < formats.MINUTE:
        return f"{formats.number(seconds, 2)}{formats.NBSP}s"
    return formats.duration(seconds)

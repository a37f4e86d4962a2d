"""A replay as a card beside the draft, and as a page with the leads behind its figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from leadmgmt.core import formats
from leads.models import Lead, User
from routing.models import Rep, ReplayRun
from routing.services.seen import draft_mark


@dataclass(frozen=True)
class ReplayCard:
    """A run with its report. ``is_current``: the version still says what was replayed."""

    run: ReplayRun
    is_current: bool

    @property
    def is_busy(self) -> bool:
        """Whether it is still worked off."""
        return self.run.state in (ReplayRun.State.WAITING, ReplayRun.State.RUNNING)

    @property
    def report(self) -> Mapping[str, Any]:
        """The figures."""
        return self.run.report if isinstance(self.run.report, dict) else {}

    @property
    def places(self) -> list[str]:
        """Every destination that occurs."""
        moves: Sequence[Mapping[str, Any]] = self.report.get("moves", [])
        return sorted({place for move in moves for place in (move["before"], move["after"])})

    @property
    def matrix(self) -> list[tuple[str, list[tuple[int, bool]]]]:
        """Rows of then, columns of now; each cell with whether the lead stays where it was."""
        counts = {(move["before"], move["after"]): move["leads"] for move in self.report.get("moves", [])}
        places = self.places
        return [(old, [(counts.get((old, new), 0), old == new) for new in places]) for old in places]

    @property
    def figures(self) -> list[tuple[str, str, str]]:
        """What would be different: label, then, now."""
        told = self.report

        def span(seconds: float) -> str:
            return formats.span(seconds) if seconds >= 1 else _("nothing")

        return [
            (_("unmatched"), formats.number(told["unmatched_before"]), formats.number(told["unmatched"])),
            (_("left waiting"), formats.number(told["waiting_before"]), formats.number(told["waiting"])),
            (_("half wait less than"), span(told["wait_median_before"]), span(told["wait_median"])),
            (_("nine of ten less than"), span(told["wait_p90_before"]), span(told["wait_p90"])),
            (_("promises expected to break"), formats.number(told["late_before"], 1), formats.number(told["late"], 1)),
            (
                _("furthest from a fair share"),
                formats.number(told["furthest_before"], 2),
                formats.number(told["furthest"], 2),
            ),
        ]


@dataclass(frozen=True)
class RepLoad:
    """How many leads a rep had and would have had; widths are of the larger of all."""

    name: str
    before: int
    after: int
    most: int


@dataclass(frozen=True)
class Changed:
    """A lead that would have gone to somebody else; None where the reader may not see it."""

    lead: Lead | None
    before: str
    after: str
    place_before: str
    place_after: str
    by_rule: bool


def card_of(run: ReplayRun) -> ReplayCard:
    """The card of a run."""
    return ReplayCard(run, run.mark == draft_mark(run.rule_set))


def loads(card: ReplayCard) -> list[RepLoad]:
    """Everybody who had or would have had leads, who would have most first."""
    rows = card.report.get("reps", [])
    names = {rep.pk: str(rep) for rep in Rep.objects.filter(pk__in=[row["rep"] for row in rows]).select_related("user")}
    most = max((max(row["before"], row["after"]) for row in rows), default=1)
    found = [RepLoad(names.get(row["rep"], "–"), row["before"], row["after"], most) for row in rows]
    return sorted(found, key=lambda one: (-one.after, one.name))


def changed(card: ReplayCard, user: User) -> list[Changed]:
    """The first leads that would have gone elsewhere."""
    rows = card.report.get("changed", [])
    reps = {row[side] for row in rows for side in ("before", "after") if row[side]}
    names = {rep.pk: str(rep) for rep in Rep.objects.filter(pk__in=reps).select_related("user")}
    leads = Lead.objects.visible_to(user).with_people().in_bulk([row["lead"] for row in rows])
    return [
        Changed(
            leads.get(row["lead"]),
            names.get(row["before"], "–"),
            names.get(row["after"], "–"),
            row["place_before"],
            row["place_after"],
            row["why"] == "rule",
        )
        for row in rows
    ]

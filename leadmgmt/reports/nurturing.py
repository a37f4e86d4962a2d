"""Do programmes bring recycled leads back? Those written to beside those held out, and what became of all who slept."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q

from leadmgmt.reports.filters import Filters
from leadmgmt.reports.further_leads import ARMS, SLEEPS
from leads.models import Reason
from qualification.models import NurtureEnrolment, NurtureProgramme
from qualification.services.nurture_programmes import Worth, worth_of


@dataclass(frozen=True)
class ProgrammeLine:
    """One programme, with what its mails are worth."""

    programme: NurtureProgramme
    worth: Worth | None
    urls: dict[str, str]


@dataclass(frozen=True)
class ReasonLine:
    """Leads of the report that were recycled for one reason, and how their sleep ended."""

    reason: Reason
    slept: int
    asleep: int
    ended: int
    woken: int
    returned: int
    stopped: int
    won: int
    urls: dict[str, str]

    @property
    def back(self) -> float:
        """The share that came by themselves, of those whose sleep has ended once, though they may sleep again."""
        return self.returned / self.ended if self.ended else 0.0


@dataclass(frozen=True)
class Nurturing:
    """The answer."""

    filters: Filters
    lines: tuple[ProgrammeLine, ...]
    reasons: tuple[ReasonLine, ...]

    @property
    def asleep(self) -> int:
        """How many sleep now."""
        return sum(line.asleep for line in self.reasons)

    @property
    def most(self) -> int:
        """The longest bar."""
        return max((line.slept for line in self.reasons), default=0)


def nurturing(filters: Filters) -> Nurturing:
    """Answer for the leads of these filters; a programme's worth is over all its leads, as only together they tell."""
    programmes = list(NurtureProgramme.objects.order_by("name"))
    worth = worth_of([one.pk for one in programmes])
    slept = NurtureEnrolment.objects.filter(lead__in=filters.leads())
    ends = NurtureEnrolment.End
    counted = (
        slept.order_by()
        .values("reason")
        .annotate(
            slept=Count("lead", distinct=True),
            asleep=Count("lead", filter=Q(ended_at=None), distinct=True),
            ended=Count("lead", filter=Q(ended_at__isnull=False), distinct=True),
            woken=Count("lead", filter=Q(end=ends.WOKEN), distinct=True),
            returned=Count("lead", filter=Q(end=ends.RETURNED), distinct=True),
            stopped=Count("lead", filter=Q(end=ends.STOPPED), distinct=True),
            won=Count("lead", filter=Q(lead__stage="won"), distinct=True),
        )
    )
    reasons = Reason.objects.in_bulk([row["reason"] for row in counted])
    lines = [_line(filters, reasons[row["reason"]], dict(row)) for row in counted]
    return Nurturing(
        filters,
        tuple(ProgrammeLine(one, worth.get(one.pk), _arms(one.pk)) for one in programmes),
        tuple(sorted(lines, key=lambda line: -line.slept)),
    )


def _line(filters: Filters, reason: Reason, row: dict[str, Any]) -> ReasonLine:
    counts = {name: count for name, count in row.items() if name != "reason"}
    name = f"{reason.kind}.{reason.code}"
    urls = {part or "slept": filters.leads_url(slept=f"{name}~{part}" if part else name) for part in SLEEPS}
    return ReasonLine(reason=reason, urls=urls, **counts)


def _arms(programme: int) -> dict[str, str]:
    # Over all leads of the programme, as its worth is.
    return {arm: Filters().leads_url(nursed=f"{programme}~{arm}") for arm in ARMS}

"""The cadence part of a lead's page."""

from collections.abc import Sequence
from dataclasses import dataclass

from leads.models import Lead
from qualification.models import Cadence, CadenceEnrolment, CadenceStep
from qualification.services.cadences import active_cadences, at_the_same_company


@dataclass(frozen=True)
class Pace:
    """The cadence that a lead is in, those that may be begun, and colleagues at the same company who are in one."""

    running: CadenceEnrolment | None
    offered: Sequence[Cadence]
    colleagues: Sequence[CadenceEnrolment]

    @property
    def is_ticked(self) -> bool:
        """Whether the step is ticked off by hand, as no activity says that it was done."""
        step = self.running.step if self.running else None
        return step is not None and step.kind in (CadenceStep.Kind.SOCIAL, CadenceStep.Kind.TASK)


def pace(lead: Lead, running: CadenceEnrolment | None, *, works: bool) -> Pace:
    """What is shown of it. Where nobody uses cadences it costs nothing."""
    cadences = active_cadences()
    if not cadences and running is None:
        return Pace(None, (), ())
    colleagues = at_the_same_company(lead) if lead.is_working else []
    if running is not None:
        return Pace(running if works else None, (), colleagues)
    return Pace(None, cadences if works and lead.is_working else (), colleagues)

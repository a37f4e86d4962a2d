"""What one more person would have changed: the last days again, by the rules that decide, with them in a pool."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from leadmgmt.core.errors import InvalidInput
from routing.calendar import Calendar, Shift, windows
from routing.models import Pool, RuleSet
from routing.replay.people import Presence
from routing.replay.run import replay
from routing.replay.simulation import NOBODY_YET, Extra

DAYS = 30
WEEKDAYS = range(5)


@dataclass(frozen=True)
class WhatIf:
    """Expected broken promises and leads left waiting, without and with one more person; leads they would have had.

    Both come from the same reckoning, so that they can be compared.
    """

    leads: int
    late_before: float
    late: float
    wait_before: float
    wait: float
    taken: int

    @property
    def removed(self) -> float:
        """The share of expected broken promises that would be gone."""
        return (self.late_before - self.late) / self.late_before if self.late_before else 0.0


def one_more(pool: Pool, starts_at: str, ends_at: str, at: datetime) -> WhatIf | None:
    """One more person in a pool, Monday to Friday between these hours where the organisation is, for the last 30 days.

    None without rules. Raises InvalidInput.
    """
    try:
        start, end = time.fromisoformat(starts_at), time.fromisoformat(ends_at)
    except ValueError:
        start = end = time()
    if start >= end:
        sentence = _("Write hours such as 17:00 and 19:00.")
        raise InvalidInput(sentence, fields={"starts_at": sentence})
    rules = RuleSet.objects.filter(status=RuleSet.Status.PUBLISHED).first()
    if rules is None:
        return None
    since = at - timedelta(days=DAYS)
    shifts = tuple(Shift(day, start, end) for day in WEEKDAYS)
    stretches = list(windows([Calendar(settings.TIME_ZONE, shifts)], since, at))
    presence = Presence([one for one, _end in stretches], [one for _start, one in stretches])
    # Without them, reckoned in the same way: what waits may still find somebody.
    nobody = Extra(0, Presence([], []))
    plain = replay(rules, since, at, extra=nobody)
    more = replay(rules, since, at, extra=Extra(pool.pk, presence))
    taken = next((row["after"] for row in more.reps if row["rep"] == NOBODY_YET), 0)
    return WhatIf(more.leads, plain.late, more.late, plain.wait_p90, more.wait_p90, taken)

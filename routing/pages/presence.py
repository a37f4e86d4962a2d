"""Whether a rep takes leads now, and what keeps them from it."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from leadmgmt.core import formats
from routing.calendar import Calendar, is_on_leave, next_start, present_until
from routing.models import Rep


@dataclass(frozen=True)
class Presence:
    """``state``: here, off (switched off), away (on leave), closed (outside hours); with the words for it."""

    state: str
    words: str

    @property
    def takes_leads(self) -> bool:
        """Whether the next lead may be theirs, caps aside."""
        return self.state == "here"

    @property
    def icon(self) -> str:
        """The mark that goes with the words."""
        return {"here": "check", "off": "pause", "away": "calendar"}.get(self.state, "snooze")


def presence_of(rep: Rep, calendar: Calendar, at: datetime) -> Presence:
    """Where a rep stands at this moment, in the reader's time."""
    if away := is_on_leave(calendar, at):
        return Presence("away", _("away until %(time)s") % {"time": formats.wall_time(away, at=at)})
    until = present_until(calendar, at)
    if until is None:
        start = next_start([calendar], at)
        if start is None:
            return Presence("closed", _("no working hours"))
        return Presence("closed", _("from %(time)s") % {"time": formats.wall_time(start, at=at)})
    if not rep.is_accepting:
        return Presence("off", _("switched off"))
    return Presence("here", _("until %(time)s") % {"time": formats.wall_time(until, at=at)})

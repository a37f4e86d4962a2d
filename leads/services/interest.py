"""A touch joins the open lead, wakes a closed one, or begins a new one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leads.events import Line
from leads.lifecycle import Cause, reopen
from leads.matching import Person
from leads.models import Campaign, Capture, Lead, Source
from leads.models.lead import Stage
from leads.normalise import Submission
from leads.services.storing import insert_many, update_many

REOPENED = (Stage.RECYCLED, Stage.DISQUALIFIED)
TOUCHED = ("subject", "last_touch_at", "is_history", "captured_at")


@dataclass
class Touch:
    """One submission with all that was found out about it.

    ``history``: brought in, sets nothing off. ``begins``: a new lead came of it.
    """

    capture: Capture
    found: Submission
    person: Person
    reason: str
    source: Source | None
    campaign: Campaign | None
    history: bool
    begins: bool = False

    @property
    def lead_id(self) -> int:
        """The lead's number, once it is written."""
        assert self.capture.lead is not None  # noqa: S101  # set when the touch was attached
        return self.capture.lead.pk

    @property
    def by(self) -> str:
        """Who recorded it: the channel."""
        return f"channel:{self.capture.channel.slug}"[:80]

    @property
    def reached_us(self) -> datetime:
        """When the interest counts as being with us: on arrival, for history when it happened."""
        return self.found.occurred_at if self.history else self.capture.received_at


class Interest:
    """Leads of a batch of touches."""

    def __init__(self) -> None:
        self.new: list[Lead] = []
        self.lines: list[Line] = []
        self._changed: dict[int, Lead] = {}

    def load(self, people: Iterable[Person]) -> None:
        """Lock the leads of people in the database; the one that counts is the open one, else the newest."""
        known = {person.contact.pk: person for person in people if person.contact.pk}
        if not known:
            return
        for lead in Lead.objects.lock().filter(contact__pk__among=known):
            person = known[lead.contact_id]
            if person.lead is None or lead.is_open or not person.lead.is_open:
                person.lead = lead

    def touch(self, touch: Touch) -> Lead:
        """The lead that this touch belongs to."""
        lead = touch.person.lead
        if lead is None or (lead.stage == Stage.WON and not _belongs_to_the_past(lead, touch)):
            return self._begin(touch)
        woken = not lead.is_open and not _belongs_to_the_past(lead, touch)
        if woken:
            cause = Cause(by=touch.by, at=touch.reached_us, data={"reason": "touch"}, quiet=touch.history)
            lead = touch.person.lead = reopen(lead.pk, cause)
        elif lead.is_history and lead.is_open and not touch.history:
            # History comes alive: from now on it is worked like any other lead.
            lead.is_history, lead.captured_at = False, touch.reached_us
        lead.subject = touch.found.subject or lead.subject
        lead.last_touch_at = max(lead.last_touch_at, touch.found.occurred_at)
        if lead.pk:
            self._changed[lead.pk] = lead
        # The step of stage.new looks at everything anew, and a closed lead needs none.
        self._record(lead, "lead.touched", touch, quiet=touch.history or woken or not lead.is_open)
        return lead

    def _begin(self, touch: Touch) -> Lead:
        lead = Lead(
            contact=touch.person.contact,
            channel=touch.capture.channel,
            source=touch.source,
            campaign=touch.campaign,
            subject=touch.found.subject,
            stage_at=touch.reached_us,
            first_seen_at=touch.found.occurred_at,
            last_touch_at=touch.found.occurred_at,
            captured_at=touch.reached_us,
            is_history=touch.history,
        )
        touch.person.lead, touch.begins = lead, True
        self.new.append(lead)
        self._record(lead, "lead.captured", touch, quiet=touch.history)
        return lead

    def _record(self, lead: Lead, kind: str, touch: Touch, *, quiet: bool) -> None:
        data: dict[str, Any] = {
            "capture": str(touch.capture.pk),
            "channel": touch.capture.channel.slug,
            "source": touch.source.slug if touch.source else None,
            "subject": touch.found.subject,
            "match": touch.reason,
        }
        self.lines.append(Line(lead, kind, at=touch.found.occurred_at, by=touch.by, data=data, quiet=quiet))

    def flush(self) -> None:
        """Write new and touched leads; contacts have to be in the database by now."""
        insert_many(self.new)
        update_many(list(self._changed.values()), TOUCHED)


def _belongs_to_the_past(lead: Lead, touch: Touch) -> bool:
    """Whether the touch happened before the lead was closed, so that it opens nothing."""
    return touch.found.occurred_at < lead.stage_at

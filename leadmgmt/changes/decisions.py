"""What people decided about leads: the events that stand for a person's judgement, with the sentence for each."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.html import escape
from django.utils.translation import gettext_lazy as _

from leads.models import Lead, LeadEvent
from qualification.desk.sentences import Told, event_told, named_columns, read_words

# A judgement of a person's, by the kind of event; what a person merely did (called, wrote) is no decision.
DECISIONS = {
    "stage.mql": "MQL",
    "stage.sql": "SQL",
    "stage.opportunity": _("Opportunity"),
    "stage.recycled": _("Recycled"),
    "stage.disqualified": _("Disqualified"),
    "stage.new": _("Reopened"),
    "lead.assigned": _("Given to somebody"),
    "lead.handed_back": _("Given back"),
    "lead.snoozed": _("Put aside"),
    "lead.corrected": _("Corrected"),
    "answer.given": _("Answered"),
    "answer.withdrawn": _("Answer taken back"),
    "handoff.accepted": _("Handoff accepted"),
    "handoff.refused": _("Handoff refused"),
    "contact.merged": _("Contacts merged"),
    "contact.parted": _("Merge taken back"),
}


@dataclass(frozen=True)
class Decision:
    """One of them."""

    event: LeadEvent
    told: Told

    @property
    def by(self) -> str:
        """Whose it was, where the sentence does not say."""
        name = str(self.event.actor or "")
        return "" if escape(name) in self.told.text else name


def decisions_told(events: Iterable[LeadEvent], at: datetime) -> list[Decision]:
    """These events in words, what they name read at once."""
    found = list(events)
    if not found:
        return []
    # What the events name is the same for every lead; one is asked as it is there.
    read = Lead.objects.filter(pk=found[0].lead_id).values(**named_columns(found)).get()
    words = read_words(dict(read), at)
    return [Decision(event, event_told(event, words)) for event in found]

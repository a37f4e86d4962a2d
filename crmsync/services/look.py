"""One state of one CRM record while it is being applied."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crmsync.canonical import Canonical
from crmsync.models import Connection, InboxEvent, Link, Opportunity
from leadmgmt.core.now import now
from leads.models import Lead


@dataclass
class Look:
    """What the CRM says, what it says it about, and what has been decided so far.

    ``pulled``: field → (before, after). ``conflicts``: field, ours, theirs, rule. ``held``: why the stage has to wait.
    """

    event: InboxEvent
    connection: Connection
    link: Link
    opportunity: Opportunity
    lead: Lead
    modified_at: datetime
    theirs: dict[str, Canonical]
    pulled: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    conflicts: list[tuple[str, Any, Any, str]] = field(default_factory=list)
    held: str = ""

    @property
    def by(self) -> str:
        """Who moves the lead in its history."""
        return f"crm:{self.connection.slug}"

    @property
    def at(self) -> datetime:
        """When it happened: the CRM's time, never in the future and never before the opportunity existed."""
        return max(min(self.modified_at, now()), self.opportunity.created_at)

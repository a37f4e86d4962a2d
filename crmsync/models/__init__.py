"""The handoff, and the world behind it."""

from crmsync.models.board import BoardDeal, BoardNote
from crmsync.models.connection import Connection, LossReasonMap, StageMap
from crmsync.models.handoff import Handoff
from crmsync.models.inbox import Cursor, InboxEvent
from crmsync.models.link import AuditRow, Conflict, Link
from crmsync.models.opportunity import Opportunity
from crmsync.models.outbox import OutboxEntry

__all__ = [
    "AuditRow",
    "BoardDeal",
    "BoardNote",
    "Conflict",
    "Connection",
    "Cursor",
    "Handoff",
    "InboxEvent",
    "Link",
    "LossReasonMap",
    "Opportunity",
    "OutboxEntry",
    "StageMap",
]

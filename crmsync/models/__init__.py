"""The handoff, and the world behind it."""

from crmsync.models.account import Account, AccountDeal
from crmsync.models.alert import Alert
from crmsync.models.board import BoardDeal, BoardNote
from crmsync.models.breaker import Breaker
from crmsync.models.connection import (
    Connection,
    DryRun,
    LossReasonMap,
    RateBucket,
    ReconcileRun,
    Session,
    StageMap,
)
from crmsync.models.handoff import Handoff, HandoffRule
from crmsync.models.inbox import Cursor, Hint, InboxEvent
from crmsync.models.joined import Joined
from crmsync.models.link import AuditRow, Conflict, Link, Parent
from crmsync.models.opportunity import Opportunity
from crmsync.models.outbox import OutboxEntry
from crmsync.models.refusal import HookRefusal

__all__ = [
    "Account",
    "AccountDeal",
    "Alert",
    "AuditRow",
    "BoardDeal",
    "BoardNote",
    "Breaker",
    "Conflict",
    "Connection",
    "Cursor",
    "DryRun",
    "Handoff",
    "HandoffRule",
    "Hint",
    "HookRefusal",
    "InboxEvent",
    "Joined",
    "Link",
    "LossReasonMap",
    "Opportunity",
    "OutboxEntry",
    "Parent",
    "RateBucket",
    "ReconcileRun",
    "Session",
    "StageMap",
]

"""Who works a lead, by when, and telling them."""

from routing.models.assignment import Assignment, WaitingLead
from routing.models.certificate import Certificate
from routing.models.messenger import Messenger, NotifyPreference
from routing.models.notification import Notification
from routing.models.pool import CreditClaim, LedgerEntry, Pool, PoolMember
from routing.models.rep import Absence, CoverMove, Rep, RepCap, Shift
from routing.models.replay import ConfigHistory, ReplayRun
from routing.models.rules import Rule, RuleSet
from routing.models.sla import AttemptClock, SlaClock, SlaPolicy

__all__ = [
    "Absence",
    "Assignment",
    "AttemptClock",
    "Certificate",
    "ConfigHistory",
    "CoverMove",
    "CreditClaim",
    "LedgerEntry",
    "Messenger",
    "Notification",
    "NotifyPreference",
    "Pool",
    "PoolMember",
    "Rep",
    "RepCap",
    "ReplayRun",
    "Rule",
    "RuleSet",
    "Shift",
    "SlaClock",
    "SlaPolicy",
    "WaitingLead",
]

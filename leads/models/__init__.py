"""Who leads are, how they came, what we know, what happened."""

from leads.models.capture import Capture
from leads.models.change import Change
from leads.models.channel import ApiKey, Channel, ChannelError
from leads.models.company import Company, CompanyAlias
from leads.models.consent import Consent, ConsentRequest
from leads.models.contact import Contact, ContactAlias, ContactIdentity
from leads.models.duplicate import Duplicate, Merge
from leads.models.enrichment import EnrichmentRequest, FieldValue, Provider
from leads.models.erasure import ErasedKey, Erasure, ErasureTask
from leads.models.event import LeadEvent
from leads.models.health import ChannelHour, ChannelSilence
from leads.models.imports import ImportMapping, ImportRow, ImportRun
from leads.models.lead import Lead, Stage
from leads.models.leak_spell import LeakSpell
from leads.models.named_list import NamedList, NamedListEntry
from leads.models.organisation import Organisation
from leads.models.reason import Reason
from leads.models.screening import Listed, MailboxState
from leads.models.signin import SignInFailure
from leads.models.source import Campaign, Source, SourceAlias, SourceCost, SourceFold
from leads.models.subscription import Subscription
from leads.models.target import Target
from leads.models.territory import TerritoryArea, TerritoryTable
from leads.models.touchpoint import Touchpoint
from leads.models.user import Team, User

__all__ = [
    "ApiKey",
    "Campaign",
    "Capture",
    "Change",
    "Channel",
    "ChannelError",
    "ChannelHour",
    "ChannelSilence",
    "Company",
    "CompanyAlias",
    "Consent",
    "ConsentRequest",
    "Contact",
    "ContactAlias",
    "ContactIdentity",
    "Duplicate",
    "EnrichmentRequest",
    "ErasedKey",
    "Erasure",
    "ErasureTask",
    "FieldValue",
    "ImportMapping",
    "ImportRow",
    "ImportRun",
    "Lead",
    "LeadEvent",
    "LeakSpell",
    "Listed",
    "MailboxState",
    "Merge",
    "NamedList",
    "NamedListEntry",
    "Organisation",
    "Provider",
    "Reason",
    "SignInFailure",
    "Source",
    "SourceAlias",
    "SourceCost",
    "SourceFold",
    "Stage",
    "Subscription",
    "Target",
    "Team",
    "TerritoryArea",
    "TerritoryTable",
    "Touchpoint",
    "User",
]

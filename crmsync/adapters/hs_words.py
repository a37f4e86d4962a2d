"""HubSpot's names for records and fields, and how it writes values."""

from datetime import UTC, datetime

from crmsync.adapters.base import ACCOUNT, ANY_DEAL, COMPANY, CONTACT, DEAL, OPT_OUT, Value
from crmsync.adapters.columns import plain

OURS = {DEAL: "deals", COMPANY: "companies", CONTACT: "contacts"}
OBJECTS = {**OURS, ACCOUNT: "companies", ANY_DEAL: "deals", OPT_OUT: "contacts"}
MODIFIED = {**dict.fromkeys(OBJECTS, "hs_lastmodifieddate"), **dict.fromkeys((CONTACT, OPT_OUT), "lastmodifieddate")}
# What people say to us; beside it HubSpot has a mark of its own, which only its own pages set.
OPTED_OUT = {"no_email": "lms_no_email", "no_call": "lms_no_call"}
UNSUBSCRIBED = "hs_email_optout"
COLUMNS = {
    DEAL: {
        "name": "dealname",
        "amount": "amount",
        "currency": "deal_currency_code",
        "close_on": "closedate",
        "stage": "dealstage",
        "lost_reason": "closed_lost_reason",
        "owner_email": "hubspot_owner_id",
        "source": "lms_source",
        "campaign": "lms_campaign",
        "summary": "lms_summary",
        "history": "lms_history",
        "consent": "lms_consent",
        "link": "lms_link",
    },
    COMPANY: {"name": "name", "domain": "domain"},
    CONTACT: {"first_name": "firstname", "last_name": "lastname", "email": "email", "phone": "phone"},
    ACCOUNT: {"name": "name", "domain": "domain", "owner_email": "hubspot_owner_id", "customer": "lifecyclestage"},
    ANY_DEAL: {
        "name": "dealname",
        "amount": "amount",
        "owner_email": "hubspot_owner_id",
        "account": "hs_primary_associated_company",
        "is_closed": "hs_is_closed",
        "is_won": "hs_is_closed_won",
    },
    OPT_OUT: {"email": "email", **OPTED_OUT, "unsubscribed": UNSUBSCRIBED},
}
LONG_TEXTS = frozenset({"lms_summary", "lms_history", "lms_consent"})


def text(value: Value) -> str:
    """Every property is text; empty clears it."""
    if value is None:
        return ""
    return ";".join(value) if isinstance(value, list) else str(plain(value))


def holds(name: str, operator: str, value: str) -> dict[str, str]:
    """One filter of a search."""
    return {"propertyName": name, "operator": operator, "value": value}


def ms(when: datetime) -> str:
    """A moment as a search takes it."""
    return str(round(when.timestamp() * 1000))


def moment(ms: str) -> datetime:
    """The same, read."""
    return datetime.fromtimestamp(int(ms) / 1000, UTC)

"""Fields that the CRM owns and that move nothing: amount, close date, owner."""

from datetime import date
from decimal import Decimal, InvalidOperation

from crmsync.canonical import Canonical
from crmsync.services.look import Look
from leads.events import record_event
from leads.models import Lead, User

LARGEST = Decimal(10) ** 12
PLAIN = ("amount", "close_on", "owner_email")


def apply_plain(look: Look, values: dict[str, Canonical]) -> None:
    """Take over what the CRM says, in one event. An owner whom nobody here knows is shown as a conflict."""
    changed: dict[str, list[str | None]] = {}
    for name in PLAIN:
        if name in values:
            before = _shown(look, name)
            if _take(look, name, values[name]):
                changed[name] = [before, _shown(look, name)]
    if not changed:
        return
    look.opportunity.save(update_fields=["amount", "close_on", "owner"])
    data = {"opportunity": str(look.opportunity.uuid), "changes": changed}
    record_event(look.lead, "opportunity.changed", at=look.at, by=look.by, data=data)


def _take(look: Look, name: str, value: Canonical) -> bool:
    opportunity = look.opportunity
    if name == "owner_email":
        return _take_owner(look, str(value or ""))
    try:
        if name == "amount":
            opportunity.amount = None if value is None else _amount(str(value))
        else:
            opportunity.close_on = None if value is None else date.fromisoformat(str(value)[:10])
    except (InvalidOperation, ValueError):
        look.conflicts.append((name, _shown(look, name), value, "unreadable"))
        return False
    return True


def _amount(text: str) -> Decimal:
    amount = Decimal(text)
    if not amount.is_finite() or abs(amount) >= LARGEST:
        raise ValueError(text)
    return amount


def _take_owner(look: Look, email: str) -> bool:
    owner = User.objects.filter(email=email.lower(), is_active=True).first() if email else None
    if owner is None:
        if email:
            look.conflicts.append(("owner_email", _shown(look, "owner_email"), email, "owner unknown here"))
        return False
    look.opportunity.owner = owner
    Lead.objects.filter(pk=look.lead.pk).update(ae=owner)
    look.lead.ae = owner
    return True


def _shown(look: Look, name: str) -> str | None:
    opportunity = look.opportunity
    if name == "owner_email":
        return opportunity.owner.email if opportunity.owner else None
    value = getattr(opportunity, name)
    return None if value is None else str(value)

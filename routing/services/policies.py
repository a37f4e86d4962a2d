"""Promises as an admin writes them."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError, InvalidInput
from routing.models import SlaPolicy

MOST_MINUTES = 60 * 24 * 60
FIELDS = (
    "name",
    "first_touch_minutes",
    "in_working_time",
    "acknowledge_minutes",
    "escalate_minutes",
    "reassign_minutes",
    "attempts",
    "attempt_days",
)


class PolicyInUse(DomainError):
    """Leads or rules hold on to it."""

    code = "policy_in_use"


def save_policy(policy_id: int | None, data: Mapping[str, Any], *, is_default: bool) -> SlaPolicy:
    """Make or change a promise. Leads to which something was promised already keep that.

    Raises InvalidInput naming each field that does not fit the others.
    """
    wrong: dict[str, str] = {}
    minutes = data["first_touch_minutes"]
    if SlaPolicy.objects.filter(name__iexact=data["name"].strip()).exclude(pk=policy_id or 0).exists():
        wrong["name"] = _("There is a promise of this name already.")
    if data["acknowledge_minutes"] is not None and data["acknowledge_minutes"] >= minutes:
        wrong["acknowledge_minutes"] = _("A lead is acknowledged before its first touch: choose fewer minutes.")
    if data["escalate_minutes"] is not None and data["escalate_minutes"] >= minutes:
        wrong["escalate_minutes"] = _("That would be before the lead has come: choose fewer minutes.")
    if (data["attempts"] is None) != (data["attempt_days"] is None):
        name = "attempts" if data["attempts"] is None else "attempt_days"
        wrong[name] = _("Say both how many attempts and within how many days.")
    if wrong:
        raise InvalidInput(_("The promise cannot be kept as it is."), fields=wrong)
    with transaction.atomic():
        policy = SlaPolicy.objects.select_for_update().filter(pk=policy_id or 0).first() or SlaPolicy()
        if is_default:
            SlaPolicy.objects.filter(is_default=True).exclude(pk=policy.pk or 0).update(is_default=False)
        elif policy.is_default:
            raise InvalidInput(
                _("The promise cannot be kept as it is."),
                fields={"is_default": _("Make another one the default: leads whose rule names none need it.")},
            )
        for name in FIELDS:
            setattr(policy, name, data[name])
        policy.name, policy.is_default = policy.name.strip(), is_default
        policy.save()
        return policy


def delete_policy(policy_id: int) -> None:
    """Take a promise away that nobody was made and no rule names; PolicyInUse else."""
    policy = SlaPolicy.objects.get(pk=policy_id)
    if policy.is_default:
        raise PolicyInUse(_("Make another one the default first."))
    try:
        policy.delete()
    except ProtectedError:
        raise PolicyInUse(_("Rules name it, or leads were promised it: it stays, so that both can be read.")) from None

"""What we make of a kept submission, shown to the one who sets its channel up. Reads only."""

from dataclasses import dataclass, fields
from typing import Any

from django.utils.translation import gettext as _

from leads.channels import HOOKS
from leads.channels.base import SetAside
from leads.models import Capture
from leads.normalise import Problem
from leads.normalise.refusal import Refused
from leads.screening import screen
from leads.services.capture import read_kept
from leads.suppression import keep_erased

# Said in words of their own, or of no use to a reader.
LEFT_OUT = frozenset({"problems", "attributes", "statements", "utm", "email_key", "occurred_at"})


@dataclass(frozen=True)
class Understood:
    """``facts`` by our field names; ``verdict`` is a sentence where it would make no lead; ``notes`` are doubts."""

    facts: tuple[tuple[str, str], ...] = ()
    notes: tuple[Problem, ...] = ()
    verdict: str = ""


def understand(capture: Capture) -> Understood:
    """Read a capture as it would be read now."""
    hook = HOOKS.get(capture.channel.kind)
    if hook and capture.fetched is None and hook.needs_answer(capture):
        return Understood(verdict=_("Its answers are at the source and have not been fetched yet."))
    try:
        found = read_kept(capture)
    except Refused as refusal:
        return Understood(notes=tuple(refusal.problems), verdict=str(refusal))
    except SetAside as aside:
        return Understood(verdict=aside.detail)
    told: list[tuple[str, Any]] = [
        (one.name, getattr(found, one.name)) for one in fields(found) if one.name not in LEFT_OUT
    ]
    told += [*found.utm.items(), *found.attributes.items()]
    told += [(f"consent.{said.purpose}", _("yes") if said.granted else _("no")) for said in found.statements]
    facts = tuple((name, str(value)) for name, value in told if value not in ("", None))
    try:
        keep_erased(capture, found)
        screen(capture, found)
    except Refused as refusal:
        return Understood(facts, tuple(refusal.problems), str(refusal))
    except SetAside as aside:
        return Understood(facts, tuple(found.problems), aside.detail)
    return Understood(facts, tuple(found.problems))

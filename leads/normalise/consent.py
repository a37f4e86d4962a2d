"""Statements of consent, as `{"email": true}` or `{"email": {"granted": true, "text": "…", "version": "…"}}`.

With `"confirm": true` a statement counts only when its address has confirmed it.
"""

from typing import Any

from django.utils.translation import gettext as _

from leads.models import Consent
from leads.normalise.cells import kind_of
from leads.normalise.submission import Problem, Statement
from leads.normalise.text import block, line


def read_consent(value: Any) -> tuple[list[Statement], list[Problem]]:
    """The statements, and what could not be read. Silence is no statement: null counts as not sent."""
    if value is None:
        return [], []
    if not isinstance(value, dict):
        return [], [Problem("consent", _("Send an object by purpose; this is %(kind)s.") % {"kind": kind_of(value)})]
    statements, problems = [], []
    for purpose, said in value.items():
        if said is None:
            continue
        try:
            statements.append(_statement(purpose, said))
        except ValueError as error:
            problems.append(Problem(line(f"consent.{purpose}")[:80], str(error)))
    return statements, problems


def _statement(purpose: str, said: Any) -> Statement:
    if purpose not in Consent.Purpose.values:
        raise ValueError(_("Unknown purpose; known are %(known)s.") % {"known": ", ".join(Consent.Purpose.values)})
    details = {"granted": said} if isinstance(said, bool) else said
    if not isinstance(details, dict) or not isinstance(details.get("granted"), bool):
        raise ValueError(_("Send true, false, or an object whose “granted” is true or false."))
    text, version = details.get("text") or "", details.get("version") or ""
    if not isinstance(text, str) or not isinstance(version, str | int):
        raise ValueError(_("“text” and “version” have to be texts."))
    if not isinstance(to_confirm := details.get("confirm", False), bool):
        raise ValueError(_("“confirm” has to be true or false."))
    # A refusal counts at once.
    is_open = to_confirm and details["granted"]
    return Statement(purpose, details["granted"], block(text)[:10_000], line(str(version))[:40], is_open)

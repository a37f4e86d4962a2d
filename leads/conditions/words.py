"""A comparison in words, English and German."""

from typing import Any

from leads.conditions.ops import OPS
from leads.facts import Fact


def leaf_sentence(fact: Fact, op: str, value: Any, other: Fact | None, language: str) -> str:
    """One comparison as part of a sentence, such as “staff is at least 200”."""
    label = fact.label(language)
    german = language.startswith("de")
    if fact.kind == "bool" and op in ("is_true", "is_false", "eq", "ne"):
        yes = op == "is_true" or (op == "eq" and value is True) or (op == "ne" and value is False)
        no = "es stimmt nicht: " if german else "it is not so that "
        return label if yes else no + label
    words = OPS[op].de if german else OPS[op].en
    return f"{label} {words.replace('{value}', other.label(language) if other else _said(value, german))}"


def _said(value: Any, german: bool) -> str:
    if isinstance(value, list | tuple):
        said = [_said(one, german) for one in value]
        last = (" oder " if german else " or ") + said[-1] if len(said) > 1 else ""
        return ", ".join(said[:-1] if last else said) + last
    if isinstance(value, bool):
        return ("ja" if value else "nein") if german else ("yes" if value else "no")
    if isinstance(value, float):
        return f"{value:g}".replace(".", "," if german else ".")
    return str(value)

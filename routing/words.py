"""Rules, gates and decisions in words for a reader."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadmgmt.core import formats
from leads.conditions.tree import Condition, Group, Leaf, Node
from leads.conditions.words import leaf_sentence
from leads.facts import fact_named
from routing.editor import language
from routing.models import Rule


@dataclass(frozen=True)
class Piece:
    """A part of a rule's sentence; a chip is what was compared with. No space goes before or after a bracket."""

    text: str
    is_chip: bool = False
    is_glued: bool = False


def condition_pieces(condition: Condition) -> list[Piece]:
    """The condition as labels and chips: country [is one of DE, AT] and staff [is at least 150]."""
    return _pieces(condition.root)


def _pieces(node: Node) -> list[Piece]:
    if isinstance(node, Leaf):
        label = node.fact.label(language())
        said = leaf_sentence(node.fact, node.op, node.value, node.other, language())
        rest = said.removeprefix(label).strip()
        return [Piece(label), Piece(rest, is_chip=True)] if rest and rest != said else [Piece(said, is_chip=True)]
    if not isinstance(node, Group):
        return [Piece(_("not")), *_bracketed(_pieces(node.part))]
    found: list[Piece] = []
    for number, part in enumerate(node.parts):
        if number:
            found.append(Piece(_("and") if node.is_all else _("or")))
        inner = _pieces(part)
        is_nested = isinstance(part, Group) and len(part.parts) > 1
        found.extend(_bracketed(inner) if is_nested else inner)
    return found


def _bracketed(pieces: list[Piece]) -> list[Piece]:
    first = replace(pieces[0], is_glued=True)
    return [Piece("("), first, *pieces[1:], Piece(")", is_glued=True)]


def destination_words(rule: Rule) -> str:
    """Where the leads of a rule go, as the end of its sentence."""
    target = Rule.Destination
    words = {
        target.POOL: _("give to %(pool)s"),
        target.REP: _("give to %(rep)s"),
        target.ACCOUNT_OWNER: _("give to the owner of the account, else to %(pool)s"),
        target.WAITING: _("keep in the waiting room"),
        target.DISQUALIFY: _("disqualify: %(reason)s"),
    }
    said = words[target(rule.destination)] % {"pool": rule.pool, "rep": rule.rep, "reason": rule.reason}
    return "; ".join([said, *more_words(rule)])


def more_words(rule: Rule) -> list[str]:
    """What else the rule says of who receives its leads."""
    found = [want_words(want) for want in rule.wants]
    if rule.cover:
        found.append(_("if nobody can, to %(rep)s") % {"rep": rule.cover})
    if rule.fallback_pool:
        found.append(_("if nobody can, to %(pool)s") % {"pool": rule.fallback_pool})
    return found


def want_words(want: Mapping[str, Any]) -> str:
    """What a rule wants of a rep."""
    fact = fact_named(str(want.get("fact") or ""))
    label = fact.label(language()) if fact else str(want.get("fact"))
    asked = f"“{want['value']}”" if want.get("value") else _("the lead's (%(fact)s)") % {"fact": label}
    words = {"what": attribute_words(str(want.get("rep"))), "asked": asked}
    must, may = _("only whose %(what)s include %(asked)s"), _("rather whose %(what)s include %(asked)s")
    return (must if want.get("must") else may) % words


def gate_title(gate: str) -> str:
    """What a gate asks, as the head of a column."""
    return {
        "account": _("Account"),
        "share": _("Share"),
        "skills": _("What the rule wants"),
        "accepting": _("Takes leads"),
        "declined": _("Wants it"),
        "leave": _("Not away"),
        "shift": _("On shift"),
        "open_leads": _("Open leads"),
        "per_day": _("Leads today"),
        "cap": _("Further caps"),
    }[gate]


def gate_answer(gate: str, one: Mapping[str, Any], at: datetime) -> str:
    """What a candidate's gate showed."""
    if gate == "share":
        return formats.number(float(one["weight"]), 2)
    if gate == "leave":
        until = one["away_until"]
        return _("away until %(time)s") % {"time": _when(until, at)} if until else _("here")
    if gate == "shift":
        until = one["works_until"]
        return _("until %(time)s") % {"time": _when(until, at)} if until else _("not at work")
    if gate in ("open_leads", "per_day"):
        load, most = (
            (one["open_leads"], one["max_open_leads"])
            if gate == "open_leads"
            else (one["leads_today"], one["max_per_day"])
        )
        return _("%(load)s of %(most)s") % {"load": load or 0, "most": most} if most is not None else _("no cap")
    if gate == "skills":
        return _("lacks: %(what)s") % {"what": attribute_words(one["lacks"])} if one.get("lacks") else _("yes")
    if gate == "cap":
        full = next((cap for cap in one.get("caps") or () if cap[1] >= cap[2]), None)
        return _("%(what)s: %(load)s of %(most)s") % cap_words(full) if full else _("free")
    if gate == "declined":
        return _("gave it back") if one.get("has_declined") else _("yes")
    if gate == "accepting":
        return _("yes") if one["is_accepting"] else _("switched off")
    return _("active") if one["is_active"] else _("closed")


def _when(text: str, at: datetime) -> str:
    return formats.wall_time(datetime.fromisoformat(text), at=at)


def stopped_words(gate: str) -> str:
    """Why somebody could not take the lead, as a result."""
    return {
        "account": _("Cannot sign in any more"),
        "share": _("Takes no share of this pool"),
        "accepting": _("Had switched leads off"),
        "declined": _("Gave it back"),
        "leave": _("Away"),
        "shift": _("Not at work"),
        "open_leads": _("At the cap"),
        "per_day": _("At the day’s cap"),
        "skills": _("Is not what the rule wants"),
        "cap": _("At a cap"),
    }[gate]


def attribute_words(name: str) -> str:
    """What a rep is asked for."""
    return {"languages": _("languages"), "countries": _("countries"), "tags": _("skills")}.get(name, name)


def cap_words(cap: Any) -> dict[str, Any]:
    """A cap with its load."""
    name, load, most = cap
    return {"what": {"hour": _("an hour"), "week": _("a week")}.get(name, name), "load": load, "most": most}


def comparison_words(step: Mapping[str, Any]) -> str:
    """One comparison of a trace: what the fact was, and what the rule wanted."""
    fact = fact_named(step["fact"])
    if fact is None:
        return str(step["fact"])
    value = step["value"]
    other = fact_named(value["fact"]) if isinstance(value, dict) and "fact" in value else None
    if fact.kind == "bool" and isinstance(step["actual"], bool):
        return leaf_sentence(fact, "is_true" if step["actual"] else "is_false", None, None, language())
    wanted = leaf_sentence(fact, step["op"], None if other else value, other, language())
    if step["held"]:
        return f"{wanted} ({fact_value(step['actual'])})" if step["op"] != "eq" else wanted
    return _("%(fact)s is %(actual)s; wanted: %(wanted)s") % {
        "fact": fact.label(language()),
        "actual": fact_value(step["actual"]),
        "wanted": wanted.removeprefix(fact.label(language())).strip() or wanted,
    }


def fact_value(value: Any) -> str:
    """A fact's value as a reader expects it."""
    if value is None or value == "":
        return _("not known")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(fact_value(one) for one in value)
    if isinstance(value, int | float):
        return formats.number(value, 0 if float(value).is_integer() else 2)
    return str(value)


def count_words(count: int) -> str:
    """How many reps, in words a sentence can use."""
    return ngettext("%(count)d rep", "%(count)d reps", count) % {"count": count}


def place_of(rule: Rule) -> str:
    """Where a rule sends its leads, in a word or two that stay the same over versions."""
    target = Rule.Destination
    if rule.destination == target.ACCOUNT_OWNER:
        return _("account owner, else %(pool)s") % {"pool": rule.pool}
    if rule.destination in (target.POOL, target.REP):
        return str(rule.pool or rule.rep)
    return _("disqualified") if rule.destination == target.DISQUALIFY else _("waiting room")

"""Whether some lead meets one condition and none of others, with a lead that does.

Each fact gets a finite domain: one value for each way in which the comparisons can come out (the values named, one that
none names, numbers at and between the limits, unknown). Within these domains the search is complete: it assigns fact
by fact, and drops a branch as soon as three-valued logic decides it. So "no such lead" is a proof, unless a comparison
is by a pattern, whose values cannot be listed, or the search was given up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import inf
from typing import Any

from leads.conditions.check import ranges
from leads.conditions.tree import Condition, Group, Leaf, Node
from leads.facts import NOW, Fact
from leads.fold import fold
from leads.normalise.postal import code_key

MOST_STEPS = 40_000
AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
# Facts that every lead has.
ALWAYS_KNOWN = frozenset(
    {
        "lead.stage",
        "lead.channel",
        "lead.channel_kind",
        "lead.age_days",
        "lead.first_seen_at",
        "lead.last_touch_at",
        "touch.count",
        "time.hour",
        "time.weekday",
    }
)
# Numbers that lie between two ends.
LIMITS = {"time.hour": (0, 23)}
ELSE = ("something else", "another thing")
PATTERNS = frozenset({"matches"})
# What postal codes are made of, in the order in which they compare.
SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Proof:
    """``example``: facts of a lead that meets what was asked; None where there is none. ``is_sure``: it is a proof.

    ``told``: the facts of the example that matter; the others may be anything.
    """

    example: Mapping[str, Any] | None
    is_sure: bool
    told: Mapping[str, Any] = field(default_factory=dict)


class Prover:
    """Answers about a fixed set of conditions, over domains that fit them all."""

    def __init__(self, conditions: Sequence[Condition]) -> None:
        leaves = [leaf for condition in conditions for leaf in condition.root.leaves()]
        self.has_patterns = any(leaf.op in PATTERNS for leaf in leaves)
        self.domains = _domains(leaves)
        self._told: dict[tuple[Leaf, Any], bool] = {}

    def find(self, wanted: Condition, without: Sequence[Condition] = ()) -> Proof:
        """A lead for which ``wanted`` holds and none of ``without``."""
        search = _Search(self, [(wanted.root, True), *((one.root, False) for one in without)])
        example = search.run({})
        if example is not None:
            rest = {name: _likely(domain) for name, domain in self.domains.items() if name not in example}
            return Proof({NOW: AT.isoformat(), **example, **rest}, True, example)
        return Proof(None, not (search.gave_up or self.has_patterns))

    def value_of(self, node: Node, facts: Mapping[str, Any]) -> bool | None:
        """True, false, or not decided yet by the facts that are assigned."""
        if isinstance(node, Leaf):
            return self._leaf(node, facts)
        if not isinstance(node, Group):
            inner = self.value_of(node.part, facts)
            return None if inner is None else not inner
        is_open = False
        for part in node.parts:
            found = self.value_of(part, facts)
            if found is None:
                is_open = True
            elif found != node.is_all:
                return not node.is_all
        return None if is_open else node.is_all

    def _leaf(self, leaf: Leaf, facts: Mapping[str, Any]) -> bool | None:
        names = [leaf.fact.name] if leaf.other is None else [leaf.fact.name, leaf.other.name]
        if any(name not in facts for name in names):
            return None
        values = tuple(facts[name] for name in names)
        key = (leaf, values)
        if key not in self._told:
            self._told[key] = leaf.holds({NOW: AT.isoformat(), **dict(zip(names, values, strict=True))})
        return self._told[key]


class _Search:
    def __init__(self, prover: Prover, goals: Sequence[tuple[Node, bool]]) -> None:
        self.prover, self.goals = prover, goals
        self.steps, self.gave_up = 0, False

    def run(self, facts: dict[str, Any]) -> dict[str, Any] | None:
        """Assign facts until all goals are met; None where no way leads there."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            self.gave_up = True
            return None
        undecided: Node | None = None
        for node, wanted in self.goals:
            found = self.prover.value_of(node, facts)
            if found is None:
                undecided = undecided or node
            elif found != wanted:
                return None
        if undecided is None:
            return facts
        name = _next_fact(undecided, facts, self.prover)
        for value in self.prover.domains[name]:
            found_facts = self.run({**facts, name: value})
            if found_facts is not None:
                return found_facts
            if self.gave_up:
                return None
        return None


def _next_fact(node: Node, facts: Mapping[str, Any], prover: Prover) -> str:
    """The open fact of the undecided condition with the fewest values."""
    open_facts = {
        fact.name
        for leaf in node.leaves()
        for fact in (leaf.fact, leaf.other)
        if fact is not None and fact.name not in facts
    }
    return min(open_facts, key=lambda name: (len(prover.domains[name]), name))


def _likely(domain: Sequence[Any]) -> Any:
    """What to put where nothing was asked: unknown where that may be."""
    return None if None in domain else domain[0]


def _domains(leaves: Iterable[Leaf]) -> dict[str, list[Any]]:
    by_fact: dict[str, tuple[Fact, list[Leaf]]] = {}
    for leaf in leaves:
        for fact in (leaf.fact, leaf.other):
            if fact is not None:
                by_fact.setdefault(fact.name, (fact, []))[1].append(leaf)
    found = {name: _domain(fact, of_fact) for name, (fact, of_fact) in by_fact.items()}
    # Two facts that are compared take each other's values.
    for _fact, of_fact in by_fact.values():
        for leaf in of_fact:
            if leaf.other is not None:
                both = [*found[leaf.fact.name], *found[leaf.other.name]]
                for fact in (leaf.fact, leaf.other):
                    if not fact.options:
                        found[fact.name] = _unique([one for one in both if one is not None] + _unknown(fact))
    return found


def _domain(fact: Fact, leaves: Sequence[Leaf]) -> list[Any]:
    if fact.kind == "bool":
        return [True, False]
    if fact.kind == "time":
        return _times(leaves) + _unknown(fact)
    if fact.kind == "postal":
        return _codes(leaves) + _unknown(fact)
    named = [value for leaf in leaves for value in (leaf.value if isinstance(leaf.value, tuple) else (leaf.value,))]
    numbers = [one for one in named if isinstance(one, int | float) and not isinstance(one, bool)]
    if fact.kind == "number":
        least, most = LIMITS.get(fact.name, (-inf, inf))
        return [one for one in _numbers(numbers) if least <= one <= most] + _unknown(fact)
    if fact.options:
        return [*fact.options, *_unknown(fact)]
    texts = _texts(leaves, [str(one) for one in named if isinstance(one, str)])
    if any(leaf.op == "in_ranges" for leaf in leaves):
        texts = _unique([*texts, *_codes(leaves)])
    flags = [True, False] if fact.kind == "any" else []
    return _unique([*texts, *(_numbers(numbers) if numbers else []), *flags]) + _unknown(fact)


def _unknown(fact: Fact) -> list[Any]:
    return [] if fact.kind == "bool" or fact.name in ALWAYS_KNOWN else [None]


def _numbers(limits: Sequence[float]) -> list[float]:
    """Each limit, and a number between each two, below the first and above the last."""
    points = sorted(set(limits))
    if not points:
        return [1]
    between = [(low + high) / 2 for low, high in pairwise(points)]
    return [*points, *between, points[0] - 1, points[-1] + 1]


def _texts(leaves: Sequence[Leaf], named: Sequence[str]) -> list[str]:
    """What is named, texts around what is asked for as a part, and two that nobody names."""
    around = [
        text
        for leaf in leaves
        if leaf.op in ("contains", "starts_with", "ends_with") and isinstance(leaf.value, str)
        for text in (f"{leaf.value}…", f"…{leaf.value}", f"…{leaf.value}…")
    ]
    # Two parts at once: one text that begins, one that ends with it, and both in one.
    parts = [leaf.value for leaf in leaves if leaf.op in ("contains", "starts_with", "ends_with")]
    pairs = [f"{one}…{two}" for one in parts for two in parts if one != two][:60]
    return _unique([*named, *around, *pairs, *ELSE])


def _codes(leaves: Sequence[Leaf]) -> list[str]:
    """One code of every part into which the limits cut the order of codes: from each limit on, and below the first.

    A range begins at its low end and stops at the first code after all that begin with its high end.
    """
    found = ["0"]
    for leaf in leaves:
        named = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
        if leaf.op == "in_ranges":
            for low, high in ranges(named):
                found += [low, *_next_code(high)]
        else:
            found += [end for one in named if isinstance(one, str) for end in (code_key(one), code_key(one) + "0")]
    return _unique(sorted(filter(None, found)))


def _next_code(code: str) -> list[str]:
    """The first of the same length after it; none after ZZZ."""
    head = code.rstrip("Z")
    return [head[:-1] + SIGNS[SIGNS.index(head[-1]) + 1] + "0" * (len(code) - len(head))] if head else []


def _times(leaves: Sequence[Leaf]) -> list[str]:
    """Moments at, just before and just after each limit."""
    found = [AT + timedelta(days=1)]
    for leaf in leaves:
        if leaf.op in ("older_than_days", "within_days"):
            edge = AT - timedelta(days=leaf.value)
            found += [edge, edge - timedelta(hours=1), edge + timedelta(hours=1)]
        elif isinstance(leaf.value, str):
            moment = datetime.fromisoformat(leaf.value)
            found += [moment, moment - timedelta(seconds=1), moment + timedelta(seconds=1)]
    return [one.isoformat() for one in sorted(set(found))]


def _unique(values: Sequence[Any]) -> list[Any]:
    """Each value once; texts that compare the same count as one."""
    found: dict[Any, Any] = {}
    for one in values:
        found.setdefault((type(one).__name__, fold(one) if isinstance(one, str) else one), one)
    return list(found.values())

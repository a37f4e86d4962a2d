"""A condition as a tree that can be asked: does it hold, which leads does it hold for, what does it say, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import BooleanField, Q, Value

from leadmgmt.core.now import now
from leads.conditions.check import Check, checker
from leads.conditions.sql import Read, leaf_q
from leads.conditions.words import leaf_sentence
from leads.facts import Fact

Facts = Mapping[str, Any]
# An empty Q would vanish in an "or" and stay true under a "not".
ALWAYS = Q(Value(True, output_field=BooleanField()))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True)
class Leaf:
    """One comparison of one fact. An unknown fact makes it false, whatever the operator (but ``is_unknown``)."""

    fact: Fact
    op: str
    value: Any = None
    other: Fact | None = None
    place: str = ""
    check: Check = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "check", checker(self.fact, self.op, self.value, self.other))

    def holds(self, facts: Facts) -> bool:
        return self.check(facts)

    def q(self, at: datetime, *, is_exact: bool, read: Read | None = None) -> Q:
        return leaf_q(self.fact, self.op, self.value, self.other, at=at, is_exact=is_exact, read=read)

    def sentence(self, language: str) -> str:
        return leaf_sentence(self.fact, self.op, self.value, self.other, language)

    def leaves(self) -> list["Leaf"]:
        return [self]


@dataclass(frozen=True)
class Group:
    """All or any of several conditions; all of none is always true."""

    is_all: bool
    parts: tuple["Node", ...]

    def holds(self, facts: Facts) -> bool:
        for part in self.parts:
            if part.holds(facts) != self.is_all:
                return not self.is_all
        return self.is_all

    def q(self, at: datetime, *, is_exact: bool, read: Read | None = None) -> Q:
        if not self.parts:
            return ALWAYS
        return reduce(and_ if self.is_all else or_, [part.q(at, is_exact=is_exact, read=read) for part in self.parts])

    def sentence(self, language: str) -> str:
        german = language.startswith("de")
        word = (" und " if german else " and ") if self.is_all else (" oder " if german else " or ")
        said = [part.sentence(language) for part in self.parts]
        bracketed = [
            f"({text})" if isinstance(part, Group) and len(part.parts) > 1 else text
            for part, text in zip(self.parts, said, strict=True)
        ]
        return word.join(bracketed)

    def leaves(self) -> list[Leaf]:
        return [leaf for part in self.parts for leaf in part.leaves()]


@dataclass(frozen=True)
class Not:
    """The opposite: true where the inner condition is false, also where it is so because a fact is unknown."""

    part: "Node"

    def holds(self, facts: Facts) -> bool:
        return not self.part.holds(facts)

    def q(self, at: datetime, *, is_exact: bool, read: Read | None = None) -> Q:
        # NOT NULL is NULL in SQL: below a "not" every comparison must say false instead.
        return ~self.part.q(at, is_exact=True, read=read)

    def sentence(self, language: str) -> str:
        return f"{'nicht' if language.startswith('de') else 'not'} ({self.part.sentence(language)})"

    def leaves(self) -> list[Leaf]:
        return self.part.leaves()


Node = Leaf | Group | Not


@dataclass(frozen=True)
class Condition:
    """A parsed condition. Every way of asking it gives the same answer; a property test proves that on PostgreSQL."""

    root: Node

    @property
    def is_always(self) -> bool:
        """Whether it holds for every lead."""
        return isinstance(self.root, Group) and self.root.is_all and not self.root.parts

    def holds(self, facts: Facts) -> bool:
        """Whether it holds for these facts."""
        return self.root.holds(facts)

    def to_q(self, at: datetime | None = None, read: Read | None = None) -> Q:
        """The leads it holds for, as a filter of ``Lead.objects``; ages are measured at ``at`` (default: now).

        ``read`` says where in SQL the facts stand, if not in the columns of ``Lead.objects``.
        """
        if self.is_always:
            return Q()
        return self.root.q(at or now(), is_exact=False, read=read)

    def sentence(self, language: str = "en") -> str:
        """The condition in words, English or German."""
        if self.is_always:
            return "immer" if language.startswith("de") else "always"
        return self.root.sentence(language)

    def trace(self, facts: Facts) -> list[dict[str, Any]]:
        """Each comparison with what the fact was and whether it held, all of them, in the order written."""
        return [
            {
                "place": leaf.place,
                "fact": leaf.fact.name,
                "op": leaf.op,
                "value": {"fact": leaf.other.name} if leaf.other else _plain(leaf.value),
                "actual": facts.get(leaf.fact.name),
                "held": leaf.holds(facts),
            }
            for leaf in self.root.leaves()
        ]

    def fact_names(self) -> set[str]:
        """The facts it looks at."""
        return {fact.name for leaf in self.root.leaves() for fact in (leaf.fact, leaf.other) if fact}

"""A condition as rows of a form: fact, comparison, value; in groups of which all, any or none hold, groups in groups.

Rows and groups travel in plain form fields (``fact-0``, ``op-0``, ``value-0``, ``group-0``; ``kind-1``, ``parent-1``),
so that the editor works with and without scripts. Each keeps its number as long as it lives; where it stands is told
by the order of the fields. What rows cannot hold (two facts compared, a value with a comma) is edited as text.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from leadmgmt.core.errors import InvalidInput
from leads.conditions import OPS
from leads.facts import FACTS, Fact, fact_named, listed_facts

MOST_ROWS = 50
NUMBERED = re.compile(r"(?:fact|kind)-(?:0|[1-9][0-9]{0,5})", re.ASCII)
NUMBER = re.compile(r"[0-9]{1,6}", re.ASCII)
KINDS = ("all", "any", "none")
# Groups below groups: enough to say anything, few enough to be read.
DEEPEST = 4
FIRST_FACT, FIRST_OP = "contact.country", "in"


@dataclass(frozen=True)
class Row:
    """One comparison; ``group`` is the number of the group it stands in, 0 the outermost; ``number`` is its own."""

    fact: str = FIRST_FACT
    op: str = FIRST_OP
    value: str = ""
    group: int = 0
    number: int = 0

    @property
    def known(self) -> Fact | None:
        """The fact, if there is one of this name."""
        return fact_named(self.fact)

    @property
    def is_special(self) -> bool:
        """Whether the fact is none of the list, such as a further answer of a form."""
        return self.fact not in FACTS and self.fact not in {fact.name for fact in listed_facts()}

    @property
    def ops(self) -> list[tuple[str, str]]:
        """The comparisons that this fact knows, with their words."""
        fact = self.known
        kind = fact.kind if fact else "any"
        return [(op.name, op_words(op.name)) for op in OPS.values() if kind in op.kinds]

    @property
    def needs_value(self) -> bool:
        """Whether the comparison has a right side."""
        return self.op not in OPS or OPS[self.op].needs != "nothing"

    @property
    def is_list(self) -> bool:
        """Whether the right side is a list."""
        return self.op in OPS and OPS[self.op].needs in ("list", "ranges")

    @property
    def options(self) -> tuple[str, ...]:
        """The values that the fact can have, where they are few."""
        return self.known.options if self.known else ()


@dataclass(frozen=True)
class Group:
    """A list of rows and groups of which all, any or none are to hold."""

    kind: str = "any"
    parent: int = 0
    number: int = 1


Item = Row | Group


@dataclass(frozen=True)
class Node:
    """An item as the template draws it: with the word before it, and what stands in it."""

    item: Item
    word: str
    depth: int
    inside: "tuple[Node, ...]" = ()

    @property
    def row(self) -> Row | None:
        """The row, if it is one."""
        return self.item if isinstance(self.item, Row) else None

    @property
    def group(self) -> Group | None:
        """The group, if it is one."""
        return self.item if isinstance(self.item, Group) else None

    @property
    def may_deepen(self) -> bool:
        """Whether a group may stand in it."""
        return self.depth + 1 < DEEPEST


@dataclass(frozen=True)
class Editor:
    """Rows and groups as a person edits them. ``text`` is set instead where they cannot hold the condition."""

    is_all: bool = True
    items: tuple[Item, ...] = ()
    text: str | None = None

    @property
    def rows(self) -> list[Row]:
        """The comparisons, in order."""
        return [one for one in self.items if isinstance(one, Row)]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """What the template draws."""
        return self._nodes(0, "all" if self.is_all else "any", 1)

    def _nodes(self, group: int, kind: str, depth: int) -> tuple[Node, ...]:
        joins = _("and") if kind == "all" else _("or")
        found = []
        for place, item in enumerate(_children(self.items, group)):
            word = joins if place else _("if") if not group else ""
            inside = self._nodes(item.number, item.kind, depth + 1) if isinstance(item, Group) else ()
            found.append(Node(item, word, depth, inside))
        return tuple(found)

    def tree(self) -> dict[str, Any]:
        """The condition's JSON, empty groups left away; InvalidInput if the text is no JSON or a value no number."""
        if self.text is not None:
            return _from_text(self.text)
        parts = self._parts(0)
        return {"all" if self.is_all else "any": parts} if parts else {}

    def _parts(self, group: int) -> list[dict[str, Any]]:
        parts = []
        for item in _children(self.items, group):
            if isinstance(item, Row):
                parts.append(_leaf(item))
            elif inside := self._parts(item.number):
                parts.append(_group(item.kind, inside))
        return parts

    def changed(self, do: str) -> "Editor":
        """After a press of one of the editor's own buttons: add, add-<group>, group, group-<group>, remove-<row>,
        drop-<group>."""
        verb, _sep, said = do.partition("-")
        number = int(said) if NUMBER.fullmatch(said) else 0 if not said else -1
        if verb in ("remove", "drop") and said:
            kind = Row if verb == "remove" else Group
            gone = next((one for one in self.items if isinstance(one, kind) and one.number == number), None)
            return replace(self, items=tuple(_without(self.items, gone))) if gone else self
        is_there = number == 0 or any(isinstance(one, Group) and one.number == number for one in self.items)
        if verb not in ("add", "group") or not is_there or len(self.items) >= MOST_ROWS:
            return self
        if verb == "group" and _depth(self.items, number) + 1 >= DEEPEST:
            return self
        row = Row(group=number, number=_free(self.items, Row))
        if verb == "add":
            return replace(self, items=(*self.items, row))
        kind_in_it = "any" if _kind_of(self, number) != "any" else "all"
        group = Group(kind_in_it, number, max(1, _free(self.items, Group)))
        return replace(self, items=(*self.items, group, replace(row, group=group.number)))


def _children(items: Iterable[Item], group: int) -> list[Item]:
    """What stands directly in a group."""
    return [one for one in items if (one.group if isinstance(one, Row) else one.parent) == group]


def _depth(items: Sequence[Item], group: int) -> int:
    """How deep a group stands; the outermost stands at 0."""
    found = next((one for one in items if isinstance(one, Group) and one.number == group), None)
    return 1 + _depth(items, found.parent) if found else 0


def _without(items: Sequence[Item], gone: Item) -> list[Item]:
    """The items without one, and without what stands in it."""
    inside = _children(items, gone.number) if isinstance(gone, Group) else []
    rest: list[Item] = [one for one in items if one is not gone]
    for one in inside:
        rest = _without(rest, one)
    return rest


def _free(items: Iterable[Item], kind: type[Item]) -> int:
    return max((one.number for one in items if isinstance(one, kind)), default=-1) + 1


def _kind_of(editor: Editor, number: int) -> str:
    found = next((one for one in editor.items if isinstance(one, Group) and one.number == number), None)
    return found.kind if found else "all" if editor.is_all else "any"


def _group(kind: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {"not": {"any": parts}} if kind == "none" else {kind: parts}


@dataclass(frozen=True)
class FactGroup:
    """Facts under one heading of the select."""

    label: str
    facts: list[tuple[str, str]] = field(default_factory=list)


def editor_of(tree: Mapping[str, Any]) -> Editor:
    """The rows and groups for a stored condition."""
    if not tree:
        return Editor()
    word = next(iter(tree))
    outer, parts = (word, tree[word]) if word in ("all", "any") else ("all", [tree])
    items: list[Item] = []
    is_read = isinstance(parts, list) and all(_read(part, 0, items, 1) for part in parts)
    editor = Editor(outer == "all", tuple(items))
    # A value with a comma, say, would come back as two.
    if not is_read or len(items) > MOST_ROWS or not _is_same(editor, tree):
        return Editor(text=json.dumps(tree, indent=2, ensure_ascii=False))
    return editor


def _read(part: Any, parent: int, items: list[Item], depth: int) -> bool:
    """Add what a part says to the items; False if rows cannot hold it."""
    if not isinstance(part, dict) or depth > DEEPEST:
        return False
    if "fact" in part:
        shown = _shown(part.get("value"))
        items.append(Row(part["fact"], part.get("op", ""), shown, parent, _free(items, Row)))
        return "fact_value" not in part
    (word,) = part if len(part) == 1 else ("",)
    if word not in ("all", "any", "not") or depth == DEEPEST:
        return False
    group = Group("none" if word == "not" else word, parent, max(1, _free(items, Group)))
    items.append(group)
    inner = part[word]
    if word == "not":
        # None of several is how rows say "not any"; of anything else it is none of one.
        inner = inner["any"] if isinstance(inner, dict) and set(inner) == {"any"} else [inner]
    return isinstance(inner, list) and all(_read(one, group.number, items, depth + 1) for one in inner)


def editor_from(form: Mapping[str, str]) -> Editor:
    """The rows and groups as they came with a form."""
    if "condition_text" in form:
        return Editor(text=form["condition_text"])
    items: list[Item] = []
    for name in [name for name in form if NUMBERED.fullmatch(name)][:MOST_ROWS]:
        what, _sep, number = name.partition("-")
        if what == "kind":
            kind = form[name] if form[name] in KINDS else "any"
            items.append(Group(kind, _number(form.get(f"parent-{number}")), int(number)))
            continue
        row = Row(
            form[name],
            form.get(f"op-{number}", ""),
            form.get(f"value-{number}", ""),
            _number(form.get(f"group-{number}")),
            int(number),
        )
        items.append(_fitting(row))
    return Editor(form.get("mode") != "any", tuple(_attached(items)))


def _attached(items: Sequence[Item]) -> list[Item]:
    """The items, those of a group that came not or comes later in the outermost; so nothing is lost or in a circle."""
    known, found = {0}, list[Item]()
    for one in items:
        if isinstance(one, Row):
            found.append(one if one.group in known else replace(one, group=0))
        else:
            found.append(one if one.parent in known else replace(one, parent=0))
            known.add(one.number)
    return found


def _number(text: str | None) -> int:
    return int(text) if text and NUMBER.fullmatch(text) else 0


def fact_groups() -> list[FactGroup]:
    """All facts by the first part of their name, in the reader's language."""
    labels = {
        "lead": _("Lead"),
        "contact": _("Person"),
        "company": _("Company"),
        "touch": _("Touches"),
        "score": _("Score"),
        "territory": _("Territory"),
        "list": _("Lists"),
        "qualification": _("Qualification"),
        "time": _("Time"),
    }
    groups: dict[str, FactGroup] = {}
    for fact in listed_facts():
        prefix = fact.name.partition(".")[0]
        group = groups.setdefault(prefix, FactGroup(labels.get(prefix, prefix.title())))
        group.facts.append((fact.name, fact.label(language())))
    return list(groups.values())


def language() -> str:
    """The reader's language, for labels that conditions keep themselves."""
    return get_language() or "en"


def op_words(name: str) -> str:
    """A comparison's words without its value."""
    op = OPS[name]
    return (op.de if language().startswith("de") else op.en).replace("{value}", "…")


def _is_same(editor: Editor, tree: Mapping[str, Any]) -> bool:
    """Whether the rows say what the tree says, however a "not" is wrapped."""
    try:
        same: bool = _canonical(editor.tree()) == _canonical(tree if {"all", "any"} & set(tree) else {"all": [tree]})
    except InvalidInput:
        return False
    return same


def _canonical(tree: Any) -> Any:
    if not isinstance(tree, dict) or len(tree) != 1:
        return tree
    ((word, inner),) = tree.items()
    if word == "not":
        inner = inner if isinstance(inner, dict) and set(inner) == {"any"} else {"any": [inner]}
        return {"not": _canonical(inner)}
    return {word: [_canonical(part) for part in inner] if isinstance(inner, list) else inner}


def _fitting(row: Row) -> Row:
    """After another fact was chosen: a comparison that it knows."""
    names = [name for name, _words in row.ops]
    first = next((name for name in ("in_ranges", "in") if name in names and row.known and row.known.kind != "any"), "")
    return row if row.op in names else replace(row, op=first or ("in" if "in" in names else names[0]))


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_shown(one) for one in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _leaf(row: Row) -> dict[str, Any]:
    leaf: dict[str, Any] = {"fact": row.fact, "op": row.op}
    if row.is_list:
        leaf["value"] = [_typed(row, one) for one in _split(row.value)]
    elif row.needs_value:
        leaf["value"] = _typed(row, row.value.strip())
    return leaf


def _split(text: str) -> list[str]:
    return [one.strip() for one in text.replace(";", ",").split(",") if one.strip()]


def _typed(row: Row, text: str) -> Any:
    """The value as the fact's kind wants it."""
    kind = row.known.kind if row.known else "text"
    wants_days = row.op in OPS and OPS[row.op].needs == "days"
    if kind == "bool":
        return text.casefold() in ("true", "yes", "ja", "1")
    if kind != "number" and not wants_days:
        return text
    try:
        number = float(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
    except ValueError:
        label = row.known.label(language()) if row.known else row.fact
        sentence = _("“%(text)s” is no number; %(fact)s is compared with one.") % {"text": text, "fact": label}
        raise InvalidInput(sentence, fields={"condition": sentence}) from None
    return int(number) if number.is_integer() else number


def _from_text(text: str) -> dict[str, Any]:
    try:
        tree = json.loads(text or "{}")
    except ValueError as error:
        sentence = _("The condition is no JSON: %(why)s") % {"why": error}
        raise InvalidInput(sentence, fields={"condition": sentence}) from None
    if not isinstance(tree, dict):
        sentence = _("The condition is a JSON object.")
        raise InvalidInput(sentence, fields={"condition": sentence})
    return tree

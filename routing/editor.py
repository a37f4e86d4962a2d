"""A condition as rows of a form: fact, comparison, value; all or any of them, with one level of groups below.

The rows travel in plain form fields (``fact-0``, ``op-0``, ``value-0``, ``group-0`` …), so that the editor works with
and without scripts. A row keeps its number as long as it lives; where it stands is told by the order of the fields. A
condition that is nested deeper is edited as text.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from leadmgmt.core.errors import InvalidInput
from leads.conditions import OPS
from leads.facts import FACTS, Fact, fact_named, listed_facts

MOST_ROWS = 50
NUMBERED_FACT = re.compile(r"fact-(?:0|[1-9][0-9]{0,5})", re.ASCII)
FIRST_FACT, FIRST_OP = "contact.country", "in"


@dataclass(frozen=True)
class Row:
    """One comparison; ``group`` is 0 for the outer list, else the number of an inner group; ``number`` is its own."""

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
class Editor:
    """The rows as a person edits them. ``text`` is set instead where rows cannot hold the condition."""

    is_all: bool = True
    rows: tuple[Row, ...] = ()
    text: str | None = None

    @property
    def blocks(self) -> list[tuple[int, list[Row]]]:
        """Consecutive rows of one group: what the template draws."""
        return [(group, list(rows)) for group, rows in groupby(self.rows, key=lambda row: row.group)]

    def tree(self) -> dict[str, Any]:
        """The condition's JSON; InvalidInput if the text is no JSON or a value no number."""
        if self.text is not None:
            return _from_text(self.text)
        parts: list[dict[str, Any]] = []
        for group, rows in self.blocks:
            leaves = [_leaf(row) for row in rows]
            parts.extend(leaves if group == 0 else [{"any" if self.is_all else "all": leaves}])
        return {"all" if self.is_all else "any": parts} if parts else {}

    def changed(self, do: str) -> "Editor":
        """After a press of one of the editor's own buttons: add, group, add-<group>, remove-<row>."""
        verb, _sep, number = do.partition("-")
        rows = list(self.rows)
        free = max((row.number for row in rows), default=-1) + 1
        if verb == "remove":
            rows = [row for row in rows if str(row.number) != number]
        elif len(rows) >= MOST_ROWS:
            return self
        elif verb == "group":
            rows.append(Row(group=max((row.group for row in rows), default=0) + 1, number=free))
        elif verb == "add" and number.isdecimal():
            last = max((place for place, row in enumerate(rows) if row.group == int(number)), default=len(rows) - 1)
            rows.insert(last + 1, Row(group=int(number), number=free))
        elif verb == "add":
            outer = [place for place, row in enumerate(rows) if row.group == 0]
            rows.insert(outer[-1] + 1 if outer else 0, Row(number=free))
        return replace(self, rows=tuple(rows))


@dataclass(frozen=True)
class FactGroup:
    """Facts under one heading of the select."""

    label: str
    facts: list[tuple[str, str]] = field(default_factory=list)


def editor_of(tree: Mapping[str, Any]) -> Editor:
    """The rows for a stored condition."""
    if not tree:
        return Editor()
    if "fact" in tree:
        tree = {"all": [tree]}
    word = next(iter(tree))
    rows = _rows(tree[word], "any" if word == "all" else "all") if word in ("all", "any") else None
    editor = Editor(word == "all", tuple(rows or ()))
    # A value with a comma, say, would come back as two.
    if rows is None or not _is_same(editor, tree):
        return Editor(text=json.dumps(tree, indent=2, ensure_ascii=False))
    return editor


def editor_from(form: Mapping[str, str]) -> Editor:
    """The rows as they came with a form."""
    if "condition_text" in form:
        return Editor(text=form["condition_text"])
    rows = []
    for number in [name.removeprefix("fact-") for name in form if NUMBERED_FACT.fullmatch(name)][:MOST_ROWS]:
        group = form.get(f"group-{number}", "0")
        row = Row(
            form[f"fact-{number}"],
            form.get(f"op-{number}", ""),
            form.get(f"value-{number}", ""),
            int(group) if group.isdecimal() and len(group) < 6 else 0,
            int(number),
        )
        rows.append(_fitting(row))
    return Editor(form.get("mode") != "any", tuple(rows))


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
    try:
        return editor.tree() == tree
    except InvalidInput:
        return False


def _fitting(row: Row) -> Row:
    """After another fact was chosen: a comparison that it knows."""
    names = [name for name, _words in row.ops]
    first = next((name for name in ("in_ranges", "in") if name in names and row.known and row.known.kind != "any"), "")
    return row if row.op in names else replace(row, op=first or ("in" if "in" in names else names[0]))


def _rows(parts: Any, inner: str) -> list[Row] | None:
    """Rows of a list with groups of the other kind in it; None if it is nested deeper or compares two facts."""
    rows: list[Row] = []
    group = 0
    for part in parts if isinstance(parts, list) else [None]:
        leaves = part.get(inner) if isinstance(part, dict) and set(part) == {inner} else None
        group += leaves is not None
        for leaf in leaves if leaves is not None else [part]:
            if not isinstance(leaf, dict) or "fact" not in leaf or "fact_value" in leaf:
                return None
            shown = _shown(leaf.get("value"))
            rows.append(Row(leaf["fact"], leaf.get("op", ""), shown, group if leaves else 0, len(rows)))
    return rows


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

"""Matching a pattern, the same in Python and in PostgreSQL.

All possibilities are walked at once (Thompson, "Regular Expression Search Algorithm", CACM 1968): the time grows with
text times pattern, and nothing a stranger writes can make it run away.
"""

from dataclasses import dataclass, field
from functools import lru_cache

from leads.conditions.pattern_reader import Node, read_pattern

MOST_TEXT = 1000


@dataclass
class _State:
    node: Node | None = None
    to: list["_State"] = field(default_factory=list)


def _build(node: Node, after: _State) -> _State:
    """The states that match ``node`` and go on with ``after``."""
    if node.kind == "all":
        for part in reversed(node.parts):
            after = _build(part, after)
        return after
    if node.kind == "any":
        return _State(to=[_build(part, after) for part in node.parts])
    if node.kind != "repeat":
        return _State(node, [after])
    inner = node.parts[0]
    if node.most is None:
        loop = _State(to=[after])
        loop.to.append(_build(inner, loop))
        after = loop
    else:
        for _ in range(node.most - node.least):
            after = _State(to=[_build(inner, after), after]) if after else after
    for _ in range(node.least):
        after = _build(inner, after)
    return after


class Pattern:
    """A pattern ready to use."""

    def __init__(self, text: str) -> None:
        self.tree = read_pattern(text)
        self._end = _State()
        self._start = _build(self.tree, self._end)

    def found_in(self, folded: str) -> bool:
        """Whether the pattern occurs anywhere in text that is folded already; text beyond a limit is not looked at."""
        text = folded[:MOST_TEXT]
        active: list[_State] = []
        for place in range(len(text) + 1):
            states = self._closure([*active, self._start], place, len(text))
            if self._end in states.values():
                return True
            if place < len(text):
                active = [s.to[0] for s in states.values() if s.node and _takes(s.node, text[place])]
        return False

    def _closure(self, waiting: list[_State], place: int, length: int) -> dict[int, _State]:
        """All states that can be reached without taking a letter."""
        seen: dict[int, _State] = {}
        while waiting:
            state = waiting.pop()
            if id(state) in seen:
                continue
            seen[id(state)] = state
            kind = state.node.kind if state.node else ""
            if kind == "" or (kind == "start" and place == 0) or (kind == "end" and place == length):
                waiting.extend(state.to)
        return seen

    @property
    def sql(self) -> str:
        """The same pattern for PostgreSQL's ``~``."""
        return _sql(self.tree)


def _takes(node: Node, letter: str) -> bool:
    if node.kind == "letter":
        return letter == node.text
    if node.kind != "set":
        return False
    return _in_set(node.text, letter) != node.is_inverted


@lru_cache(maxsize=1024)
def _ranges(text: str) -> tuple[tuple[str, str], ...]:
    found, place = [], 0
    while place < len(text):
        if text[place + 1 : place + 2] == "-" and place + 2 < len(text):
            found.append((text[place], text[place + 2]))
            place += 3
        else:
            found.append((text[place], text[place]))
            place += 1
    return tuple(found)


def _in_set(text: str, letter: str) -> bool:
    return any(first <= letter <= last for first, last in _ranges(text))


def _sql(node: Node) -> str:
    if node.kind == "letter":
        return _quote(node.text)
    if node.kind == "set":
        if not node.text:
            return "(?:.|\\n)"
        inside = "".join(f"{_quote(first)}-{_quote(last)}" for first, last in _ranges(node.text))
        return f"[{'^' if node.is_inverted else ''}{inside}]"
    if node.kind in ("start", "end"):
        return "^" if node.kind == "start" else "$"
    if node.kind == "any":
        return "(?:" + "|".join(_sql(part) for part in node.parts) + ")"
    if node.kind == "all":
        return "(?:" + "".join(_sql(part) for part in node.parts) + ")"
    most = "" if node.most is None else str(node.most)
    return f"(?:{_sql(node.parts[0])}){{{node.least},{most}}}"


def _quote(letter: str) -> str:
    return (
        letter if letter.isalnum() or letter in "_ " else f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else letter
    )

"""Reading the small, safe pattern language of the operator ``matches``.

Known: letters, ``.``, ``[a-z]``, ``[^…]``, ``\\d \\w \\s``, groups, ``|``, ``* + ? {2,5}``, ``^`` and ``$``. A pattern
is found anywhere in the text.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from leads.fold import fold

MOST_LETTERS = 200
MOST_STATES = 1000
MOST_REPEATS = 50
_CLASSES = {"d": "0-9", "w": "a-z0-9_", "s": " \t\n\r\f\v"}
_SPECIAL = set(r"\.[](){}|*+?^$")


class PatternError(ValueError):
    """The pattern cannot be read; the message says what to mend."""


@dataclass(frozen=True)
class Node:
    """One part: `kind` is letter, set, start, end, all, any (with `parts`) or repeat (of one part)."""

    kind: str
    text: str = ""
    is_inverted: bool = False
    parts: tuple["Node", ...] = ()
    least: int = 0
    most: int | None = None


@dataclass
class _Reader:
    text: str
    place: int = 0

    def peek(self) -> str:
        return self.text[self.place : self.place + 1]

    def take(self) -> str:
        letter = self.peek()
        self.place += 1
        return letter

    def either(self) -> Node:
        branches = [self.sequence()]
        while self.peek() == "|":
            self.take()
            branches.append(self.sequence())
        return branches[0] if len(branches) == 1 else Node("any", parts=tuple(branches))

    def sequence(self) -> Node:
        parts = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.repeated(self.single()))
        if not parts:
            raise PatternError("a part of the pattern is empty")
        return Node("all", parts=tuple(parts))

    def single(self) -> Node:
        letter = self.take()
        if letter == "(":
            inner = self.either()
            if self.take() != ")":
                raise PatternError("a ( is not closed")
            return inner
        if letter == "[":
            return self.letters()
        if letter == "\\":
            return self.escaped()
        if letter == ".":
            return Node("set", "", is_inverted=True)
        if letter in "^$":
            return Node("start" if letter == "^" else "end")
        if letter in _SPECIAL:
            raise PatternError(f"{letter} stands where it means nothing; write \\{letter} for the sign itself")
        return Node("letter", letter)

    def escaped(self) -> Node:
        letter = self.take()
        if letter in _CLASSES:
            return Node("set", _CLASSES[letter])
        if not letter or letter.isalnum():
            raise PatternError("\\ may stand before a sign, or as \\d, \\w, \\s")
        return Node("letter", letter)

    def letters(self) -> Node:
        is_inverted = self.peek() == "^"
        self.place += is_inverted
        found = ""
        while (letter := self.take()) != "]":
            if not letter:
                raise PatternError("a [ is not closed")
            if letter == "\\":
                part = self.escaped()
                found += part.text if part.kind == "set" else f"{part.text}-{part.text}"
                continue
            last = letter
            if self.peek() == "-" and self.text[self.place + 1 : self.place + 2] not in ("]", ""):
                self.take()
                last = self.take()
            if letter == "[" or last in "[\\" or last < letter:
                raise PatternError("a range in [ ] runs backwards or holds a sign that needs a \\")
            found += f"{letter}-{last}"
        if not found:
            raise PatternError("[ ] holds no letter")
        return Node("set", found, is_inverted)

    def repeated(self, part: Node) -> Node:
        sign = self.peek()
        if sign not in ("*", "+", "?", "{"):
            return part
        if part.kind in ("start", "end"):
            raise PatternError("^ and $ cannot be repeated")
        self.take()
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(sign) or self.counts()
        if self.peek() in ("*", "+", "?", "{"):
            raise PatternError("two repeats follow each other")
        return Node("repeat", parts=(part,), least=least, most=most)

    def counts(self) -> tuple[int, int | None]:
        inside, found, rest = self.text[self.place :].partition("}")
        first, comma, second = inside.partition(",")
        numbers = (first, second or "0")
        if not found or not all(number.isascii() and number.isdigit() for number in numbers):
            raise PatternError("a repeat is written {3}, {2,5} or {2,}")
        self.place = len(self.text) - len(rest)
        least = int(first)
        most = least if not comma else int(second) if second else None
        if max(least, most or 0) > MOST_REPEATS or (most is not None and (most < least or most == 0)):
            raise PatternError(f"a repeat counts up to {MOST_REPEATS} and from small to large")
        return least, most


def read_pattern(text: str) -> Node:
    """The pattern as a tree; raises PatternError."""
    if not text or len(text) > MOST_LETTERS or "\x00" in text:
        raise PatternError(f"a pattern has 1 to {MOST_LETTERS} letters")
    if any(text[i] == "\\" and text[i + 1] in "DWSBAZ" for i in range(len(text) - 1)):
        raise PatternError("\\D, \\W and the like are not known; write [^0-9]")
    reader = _Reader(fold(text))
    tree = reader.either()
    if reader.peek():
        raise PatternError("a ) has no (")
    if sum(_size(tree)) > MOST_STATES:
        raise PatternError("the repeats add up to too much")
    return tree


def _size(node: Node) -> Iterator[int]:
    if node.kind == "repeat":
        times = node.most if node.most is not None else node.least + 1
        yield times * sum(_size(node.parts[0])) + 2
        return
    yield 1
    for part in node.parts:
        yield from _size(part)

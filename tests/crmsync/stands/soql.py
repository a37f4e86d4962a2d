"""As much of SOQL as the stand-in understands; anything else is MALFORMED_QUERY, as it would be there."""

import re
from datetime import UTC, datetime

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:\\.|[^'\\])*')|(?P<when>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d))|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<op><=|>=|!=|=|<|>|\(|\)|,)|(?P<word>[A-Za-z_][\w.]*))"
)
ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


class Malformed(Exception):
    """The query cannot be read."""


class Query:
    """A parsed query: ``fields``, ``source``, ``matches(record)``, ``order``, ``limit``."""

    def __init__(self, text):
        self.tokens, place = [], 0
        while place < len(text.rstrip()):
            found = TOKEN.match(text, place)
            if not found:
                raise Malformed(text[place : place + 20])
            self.tokens.append((found.lastgroup, found.group(found.lastgroup)))
            place = found.end()
        self.place = 0
        self.need("SELECT")
        self.fields = [self.word()]
        while self.take(","):
            self.fields.append(self.word())
        self.need("FROM")
        self.source = self.word()
        self.matches = self.either() if self.take("WHERE") else lambda record: True
        self.order, self.limit = [], None
        if self.take("ORDER"):
            self.need("BY")
            self.order.append(self.word())
            while self.take(","):
                self.order.append(self.word())
        if self.take("LIMIT"):
            self.limit = int(self.next()[1])
        if self.place < len(self.tokens):
            raise Malformed(str(self.tokens[self.place]))

    def next(self):
        if self.place >= len(self.tokens):
            raise Malformed("the end")
        self.place += 1
        return self.tokens[self.place - 1]

    def take(self, text):
        if self.place < len(self.tokens) and self.tokens[self.place][1].upper() == text:
            self.place += 1
            return True
        return False

    def need(self, text):
        if not self.take(text):
            raise Malformed(f"{text} is missing")

    def word(self):
        kind, text = self.next()
        if kind != "word":
            raise Malformed(text)
        return text

    def either(self):
        parts = [self.both()]
        while self.take("OR"):
            parts.append(self.both())
        return lambda record: any(part(record) for part in parts)

    def both(self):
        parts = [self.one()]
        while self.take("AND"):
            parts.append(self.one())
        return lambda record: all(part(record) for part in parts)

    def one(self):
        if self.take("("):
            inner = self.either()
            self.need(")")
            return inner
        name = self.word()
        operator = "LIKE" if self.take("LIKE") else self.next()[1]
        value = self.value()
        return lambda record: compare(read(record, name), operator, value)

    def value(self):
        kind, text = self.next()
        if kind == "text":
            return re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), text[1:-1])
        if kind == "when":
            return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
        if kind == "number":
            return float(text)
        words = {"null": None, "true": True, "false": False}
        if text.lower() not in words:
            raise Malformed(text)
        return words[text.lower()]


def read(record, name):
    """A field, also of a related record."""
    for part in name.split("."):
        record = (record or {}).get(part)
    return record


def compare(left, operator, right):
    """As SOQL does: texts without regard to case, nothing is like null but null."""
    if isinstance(left, str) and isinstance(right, str):
        left, right = left.lower(), right.lower()
    if isinstance(right, datetime) and isinstance(left, str):
        left = datetime.fromisoformat(left)
    if operator == "=":
        return left == right
    if operator == "!=":
        return left != right
    if left is None or right is None:
        return False
    if operator == "LIKE":
        pattern = re.sub(
            r"\\?[%_]|[^%_\\]+|\\.",
            lambda part: {"%": ".*", "_": "."}.get(part[0], re.escape(part[0].lstrip("\\"))),
            right,
        )
        return re.fullmatch(pattern, left, re.DOTALL) is not None
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator]

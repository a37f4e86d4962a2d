"""Which column of a file is which of our fields, and how its cells are written."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from django.utils.translation import gettext as _

from leads.models import Consent
from leads.normalise.moment import InvalidMoment, read_moment
from leads.normalise.read import OURS
from leads.normalise.refusal import Refused
from leads.normalise.submission import Problem
from leads.normalise.text import fold

CONSENTS = tuple(f"consent.{purpose}" for purpose in Consent.Purpose.values)
FIELDS = frozenset((OURS - {"consent"}) | set(CONSENTS))
YES = frozenset("1 true yes y ja j x wahr on oui si sí".split())
NO = frozenset("0 false no n nein falsch off non".split())


@dataclass(frozen=True)
class Mapper:
    """One mapping. ``values`` and ``formats`` are by our field; constants count where the cell is empty."""

    fields: dict[str, str] = field(default_factory=dict)
    formats: dict[str, list[str]] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    history: bool = False
    dropped: list[str] = field(default_factory=list)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """The mapping as kept on an import's run."""
        return cls(**kept)

    def as_json(self) -> dict[str, Any]:
        """As kept on an import's run."""
        return asdict(self)

    def missing(self, headers: Sequence[str]) -> list[str]:
        """Columns that the mapping names and the file does not have."""
        return [column for column in (*self.fields.values(), *self.dropped) if column not in headers]

    def payload(self, row: Mapping[str, str]) -> dict[str, Any]:
        """One row in our language; what is mapped to nothing is kept under its own name. Raises Refused."""
        found: dict[str, Any] = {name: text for name, text in self.constants.items() if name not in CONSENTS}
        taken = {*self.fields.values(), *self.dropped}
        for column, cell in row.items():
            if column not in taken and cell:
                found[f"{column} (file)" if column in OURS else column] = cell
        consent = {
            name.removeprefix("consent."): _yes_or_no(str(text))
            for name, text in self.constants.items()
            if name in CONSENTS
        }
        problems: list[Problem] = []
        for name, column in self.fields.items():
            try:
                value = self._cell(name, row.get(column, ""))
            except (InvalidMoment, ValueError) as error:
                problems.append(Problem(name, str(error)))
                continue
            if isinstance(value, bool):
                consent[name.removeprefix("consent.")] = value
            elif value:
                found[name] = value
        if problems:
            raise Refused(_("Some cells cannot be read."), problems, code="wrong_cell")
        return found | ({"consent": consent} if consent else {})

    def _cell(self, name: str, cell: str) -> str | bool:
        text = cell.strip()
        text = self.values.get(name, {}).get(text, text)
        if not text:
            return ""
        if name in CONSENTS:
            return _yes_or_no(text)
        if name == "occurred_at" and self.formats.get(name):
            return _moment(text, self.formats[name])
        return text


def _yes_or_no(text: str) -> bool:
    word = text.casefold()
    if word in YES or word in NO:
        return word in YES
    raise ValueError(_("“%(text)s” is neither yes nor no.") % {"text": text[:40]})


def _moment(text: str, patterns: list[str]) -> str:
    for pattern in patterns[:-1]:
        try:
            return read_moment(text, pattern).isoformat()
        except InvalidMoment:
            continue
    return read_moment(text, patterns[-1]).isoformat()


def folded_header(header: str) -> str:
    """What two spellings of a header have in common: `E-Mail-Adresse`, `e_mail adresse`."""
    return fold(header).replace(" ", "")

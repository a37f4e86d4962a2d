"""What a fact is: one thing known about a lead, with its name, its type, and where it stands in the database."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db.models.expressions import Combinable

from leads.models import Lead, Touchpoint

Kind = Literal["text", "number", "bool", "time", "any", "postal"]


@dataclass(frozen=True)
class Bundle:
    """A lead with its relations loaded, its touches counted, and the moment that ages are measured at."""

    lead: Lead
    at: datetime
    touches: int
    last_touch: Touchpoint | None


@dataclass(frozen=True)
class Fact:
    """One fact. `read` gives its value from a bundle (None: unknown), `column` the same value in SQL over Lead.

    `kind` decides how it compares; ``any`` is for answers of which nobody said what they are. `is_folded` promises
    that the column holds lower case already, so that an index can be used. `options` lists the values where there
    are few.
    """

    name: str
    kind: Kind
    label_en: str
    label_de: str
    read: Callable[[Bundle], Any] | None = None
    column: Callable[[datetime], Combinable] | None = None
    is_folded: bool = False
    options: tuple[str, ...] = ()

    def label(self, language: str) -> str:
        """The fact's name for a reader."""
        return self.label_de if language.startswith("de") else self.label_en


@dataclass(frozen=True)
class Family:
    """Facts whose names are not known in advance, such as the fields of a form: ``prefix.key``.

    `make` describes one of them, `load` reads all of several leads at once: lead id → {full name: value}. `listed` are
    those to choose from, where they are known.
    """

    prefix: str
    make: Callable[[str], Fact | None]
    load: Callable[[list[Bundle]], dict[int, dict[str, Any]]]
    listed: Callable[[], list[Fact]] = list

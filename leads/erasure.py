"""Erasing a person: whose rows, what may stay in them, and the apps that empty theirs.

A lead stays as a row without a person: when it came, by which source, how far it got and what it was worth. So the
figures of the past stay what they were, and nobody can tell whose they are.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

# Short words of a machine: stages, codes, slugs. Digits in a row may be a number that somebody answers.
_CODE = re.compile(r"(?=.{1,48}$)(?!.*[0-9]{6})[a-z][a-z0-9]*(?:[_.:~-][a-z0-9]+)*")
# What people say, and who they are, whatever it looks like.
_PERSONAL = frozenset(
    "name first_name last_name who email phone text note quote message value body subject city title company address "
    "ip user_agent referrer landing_page job_title region postal_code what answer question_text".split()
)
# What a deal is worth and where it stands, and our own people: nothing of theirs, however it looks.
_HARMLESS = frozenset("stage amount currency close_on owner_email ae_name crm".split())
# Facts from which somebody who knows the company can tell who it was.
IDENTIFYING = re.compile(
    r"contact\.(?:email_domain|region|postal_code|city|job_title)|company\.(?:name|domain)|lead\.subject|"
    r"touch\.(?:referrer|landing_page)|attributes\..*|answers\..*|segment\..*|list\..*"
)


@dataclass(frozen=True)
class Subject:
    """Whose data it is: the numbers of their rows, and what only they are found by, for the last look."""

    contacts: tuple[int, ...]
    leads: tuple[int, ...]
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()


@dataclass
class Sweep:
    """One erasure at work: how many rows each area has emptied, and what others have to do."""

    subject: Subject
    at: datetime
    told: dict[str, int] = field(default_factory=dict)
    tasks: list[tuple[str, str]] = field(default_factory=list)

    def note(self, area: str, count: int) -> None:
        """So many rows more."""
        if count:
            self.told[area] = self.told.get(area, 0) + count

    def ask(self, system: str, what: str) -> None:
        """Somebody else keeps a record: which, by its id there."""
        self.tasks.append((system[:120], what[:200]))


Eraser = Callable[[Sweep], None]
_erasers: list[Eraser] = []


def register_eraser(eraser: Eraser) -> None:
    """Have ``eraser`` empty its app's rows, in the transaction of the erasure, after those that came before it."""
    if eraser not in _erasers:
        _erasers.append(eraser)


def erasers() -> Iterable[Eraser]:
    """All of them, in the order in which they registered."""
    return tuple(_erasers)


def without_person(value: Any, key: str = "") -> Any:
    """What may stay of details that were kept as JSON: numbers, moments, numbers of rows, words of a machine."""
    if key in _HARMLESS:
        return value
    if isinstance(value, dict):
        return {name: without_person(one, str(name)) for name, one in value.items() if not _is_personal(str(name))}
    if isinstance(value, list):
        return [without_person(one, key) for one in value]
    if isinstance(value, str):
        return value if not _is_personal(key) and _is_of_a_machine(value) else ""
    return value


def facts_without_person(facts: Any) -> Any:
    """The facts that nobody can be told by; the others are not known any more."""
    if not isinstance(facts, dict):
        return {}
    return {name: value for name, value in facts.items() if not IDENTIFYING.fullmatch(str(name))}


def bare_address(url: str) -> str:
    """Where a page was, without what was handed over in its address."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _is_personal(key: str) -> bool:
    return key.rpartition(".")[2] in _PERSONAL


def _is_of_a_machine(text: str) -> bool:
    if _CODE.fullmatch(text):
        return True
    for read in (UUID, datetime.fromisoformat):
        try:
            read(text)
        except ValueError:
            continue
        return not text.isdigit()
    return False

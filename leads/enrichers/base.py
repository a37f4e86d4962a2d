"""What an enricher that needs no network looks like: it reads what is known and offers what follows from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from leads.models import Contact

Subject = Literal["contact", "company"]


@dataclass(frozen=True)
class Known:
    """What an enricher may read: the contact with its company, the newest touch's words and IP address, the config."""

    contact: Contact
    message: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    address: str = ""


@dataclass(frozen=True)
class Offered:
    """One value for one field, with how sure it is (0 to 1)."""

    subject: Subject
    field: str
    value: Any
    confidence: float


Enricher = Callable[[Known], list[Offered]]

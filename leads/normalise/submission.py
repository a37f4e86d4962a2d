"""One submission in our own words."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")


@dataclass(frozen=True)
class Problem:
    """Something about one field that was noted, or for which the submission is refused."""

    field: str
    detail: str

    def as_json(self) -> dict[str, str]:
        """As kept on the capture."""
        return {"field": self.field, "detail": self.detail}


@dataclass(frozen=True)
class Statement:
    """One statement on one purpose (see leads.models.Consent)."""

    purpose: str
    granted: bool
    text: str = ""
    version: str = ""
    # Counts only when the address has confirmed it.
    to_confirm: bool = False


@dataclass
class Submission:
    """What a person told us; every text is clean and fits its column, empty where nothing was said."""

    occurred_at: datetime
    email: str = ""
    email_key: str = ""
    email_raw: str = ""
    phone: str = ""
    phone_raw: str = ""
    external_id: str = ""
    first_name: str = ""
    last_name: str = ""
    name_title: str = ""
    job_title: str = ""
    country: str = ""
    region: str = ""
    postal_code: str = ""
    city: str = ""
    language: str = ""
    company: str = ""
    domain: str = ""
    website: str = ""
    subject: str = ""
    message: str = ""
    source: str = ""
    campaign: str = ""
    utm: dict[str, str] = field(default_factory=dict)
    referrer: str = ""
    landing_page: str = ""
    statements: list[Statement] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def note(self, name: str, detail: str) -> None:
        """Remember a doubt without refusing."""
        self.problems.append(Problem(name, detail))

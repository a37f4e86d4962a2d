"""Texts of one submission: the right type, clean, and short enough for their column."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from leads.normalise.submission import Problem
from leads.normalise.text import block, line

# Our text fields with the most characters each may hold.
LINES = {
    "first_name": 120,
    "last_name": 120,
    "name": 240,
    "company": 255,
    "website": 200,
    "domain": 255,
    "job_title": 160,
    "region": 80,
    "postal_code": 16,
    "city": 120,
    "country": 120,
    "language": 35,
    "subject": 200,
    "source": 120,
    "campaign": 200,
    "utm_source": 200,
    "utm_medium": 200,
    "utm_campaign": 200,
    "utm_term": 200,
    "utm_content": 200,
    "referrer": 500,
    "landing_page": 500,
}
BLOCKS = {"message": 20_000}
# Read by functions of their own, which judge length as well.
OWN = {"email": 1000, "phone": 250, "external_id": 10_000, "occurred_at": 250}
TEXTS = LINES | BLOCKS | OWN


class Cells:
    """The texts of a payload by our field names; what was wrong or had to give is collected."""

    def __init__(self, payload: Mapping[str, Any]) -> None:
        self.wrong: list[Problem] = []
        self.notes: list[Problem] = []
        self._texts = {
            name: self._clean(name, value) for name, value in payload.items() if name in TEXTS and value is not None
        }

    def __getitem__(self, name: str) -> str:
        return self._texts.get(name, "")

    def _clean(self, name: str, value: Any) -> str:
        if name == "external_id" and isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            self.wrong.append(Problem(name, _("Send a text; this is %(kind)s.") % {"kind": kind_of(value)}))
            return ""
        clean = block(value) if name in BLOCKS else line(value)
        most = TEXTS[name]
        if len(clean) <= most:
            return clean
        if name not in OWN:
            self.notes.append(Problem(name, _("Cut off after %(count)d characters.") % {"count": most}))
        return clean[:most]


def kind_of(value: Any) -> str:
    """What JSON calls this value, with its article."""
    if value is None:
        return _("nothing")
    if isinstance(value, bool):
        return _("true or false")
    if isinstance(value, int | float):
        return _("a number")
    if isinstance(value, list):
        return _("a list")
    return _("an object") if isinstance(value, dict) else _("a text")

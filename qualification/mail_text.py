"""Variables in mails, pure: which there are, filling them in, and what is wrong with a text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leadmgmt.core.errors import InvalidInput

VARIABLE = re.compile(r"\{\{\s*([a-z_]+)\s*(?:\|\s*([^{}|]*?)\s*)?\}\}")
ANY_BRACES = re.compile(r"\{\{|\}\}|\{%|%\}")
# Their names in a text, with what they stand for.
VARIABLES = {
    "first_name": gettext_lazy("their first name"),
    "last_name": gettext_lazy("their last name"),
    "company": gettext_lazy("their company"),
    "subject": gettext_lazy("what they asked for"),
    "job_title": gettext_lazy("their role"),
    "city": gettext_lazy("their city"),
    "my_name": gettext_lazy("your name"),
    "my_first_name": gettext_lazy("your first name"),
    "my_email": gettext_lazy("your address"),
    "my_calendar": gettext_lazy("where a time with you can be booked"),
    "organisation": gettext_lazy("our organisation"),
}


@dataclass(frozen=True)
class Filled:
    """A text with its variables filled in; ``missing`` names those that are not known and have no other word."""

    text: str
    missing: tuple[str, ...]


def gap_of(name: str) -> str:
    """What stands in a text for a variable that is not known, in the writer's language."""
    return f"[{VARIABLES.get(name, name)}]"


def gaps() -> list[str]:
    """All of them: a mail in which one is left is not finished."""
    return [gap_of(name) for name in VARIABLES]


def fill(text: str, values: Mapping[str, str]) -> Filled:
    """Put the values in. Nothing else is done with the text: a value that looks like a variable stays as it is."""
    missing: list[str] = []

    def one(found: re.Match[str]) -> str:
        name, other = found[1], found[2]
        value = " ".join(str(values.get(name) or "").split())
        if value or other is not None:
            return value or (other or "")
        if name not in missing:
            missing.append(name)
        return gap_of(name)

    return Filled(VARIABLE.sub(one, text), tuple(missing))


def check(subject: str, body: str) -> None:
    """Whether a template can be used; raises InvalidInput naming the field and what to mend."""
    fields = {}
    for name, text in (("subject", subject), ("body", body)):
        if not text.strip():
            fields[name] = _("Write something.")
            continue
        unknown = [found[1] for found in VARIABLE.finditer(text) if found[1] not in VARIABLES]
        if unknown:
            words = {"name": unknown[0], "known": ", ".join(VARIABLES)}
            fields[name] = _("There is no variable %(name)s. Known are: %(known)s.") % words
        elif ANY_BRACES.search(VARIABLE.sub("", text)):
            fields[name] = _("Braces are left over: write a variable as {{ first_name }} or {{ first_name | there }}.")
    if len(subject.splitlines()) > 1:
        fields["subject"] = _("The subject is one line.")
    if fields:
        raise InvalidInput(_("This text cannot be used."), fields=fields)

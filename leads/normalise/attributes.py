"""What a channel sends beyond our own fields, kept within bounds."""

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from leads.normalise.submission import Problem
from leads.normalise.text import line, storable_tree

MOST_KEYS = 60
LONGEST_KEY = 80
LONGEST_VALUE = 2000


def read_attributes(payload: Mapping[str, Any], ours: frozenset[str]) -> tuple[dict[str, Any], list[Problem]]:
    """The further answers of a submission; nothing said is nothing kept. Whole values are dropped, never cut."""
    kept: dict[str, Any] = {}
    notes = []
    for name, value in payload.items():
        key = line(str(name))[:LONGEST_KEY]
        if name in ours or not key or value is None or value in ("", [], {}):
            continue
        value = line(value) if isinstance(value, str) and len(value) <= LONGEST_VALUE else storable_tree(value)
        if value == "":
            continue
        if len(kept) >= MOST_KEYS and key not in kept:
            notes.append(
                Problem(key, _("Not kept as an answer: there are more than %(count)d.") % {"count": MOST_KEYS})
            )
            break
        if len(value if isinstance(value, str) else json.dumps(value)) > LONGEST_VALUE:
            notes.append(
                Problem(key, _("Not kept as an answer: longer than %(count)d characters.") % {"count": LONGEST_VALUE})
            )
            continue
        kept[key] = value
    return kept, notes

"""What a rule wants of a rep: that an attribute of theirs holds what is known of the lead, or a fixed word.

A want is `{"rep": "languages", "fact": "contact.language", "must": true}` or `{"rep": "tags", "value": "enterprise"}`.
Must: who lacks it is no candidate. Otherwise it is a wish, which pools that share by best fit count.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from leads.facts import fact_named
from leads.fold import fold
from routing.models import Rep

ATTRIBUTES = ("languages", "countries", "tags")


def meets(rep: Rep, want: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether the rep is what is wanted. A fact that nobody knows asks for nothing."""
    asked = want.get("value") or facts.get(str(want.get("fact")))
    if asked in (None, ""):
        return True
    has = getattr(rep, str(want.get("rep")), None) if want.get("rep") in ATTRIBUTES else None
    return fold(str(asked)) in {fold(str(one)) for one in has or ()}


def wrong_want(wants: Sequence[Any]) -> str:
    """What is wrong with a list of wants; empty where nothing is."""
    for want in wants:
        if not isinstance(want, Mapping) or want.get("rep") not in ATTRIBUTES:
            return _("Choose languages, countries or skills.")
        if want.get("value"):
            continue
        fact = fact_named(str(want.get("fact") or ""))
        if fact is None or fact.kind not in ("text", "any"):
            return _("Choose a fact of the lead, or write a word.")
    return ""

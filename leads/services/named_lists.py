"""Lists of companies: written as lines, checked as a whole, put in place in one step."""

import json
from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadmgmt.core.errors import DomainError, InvalidInput
from leads.facts.lists import PREFIX
from leads.fold import fold
from leads.models import NamedList, NamedListEntry
from leads.normalise.company import name_key, registered_domain
from leads.normalise.text import line

MOST_LINES = 50_000
MOST_SAID = 8


class ListInUse(DomainError):
    """A rule still asks for it."""

    code = "list_in_use"


def read_lines(text: str, kind: str) -> tuple[dict[str, str], list[tuple[int, str]]]:
    """What lines say, as key → text, and every line to mend with its number; the same company twice counts once."""
    found: dict[str, str] = {}
    wrong = []
    for number, raw in enumerate(text.splitlines(), 1):
        said = line(raw).strip(" ,;\"'")[:255]
        if not said:
            continue
        key = fold(registered_domain(said)) if kind == NamedList.Kind.DOMAIN else name_key(said)
        if key:
            found.setdefault(key, said)
        else:
            wrong.append((number, said))
    return found, wrong


def save_list(slug: str, name: str, kind: str, text: str) -> NamedList:
    """Put what the lines say in place of what the list said; raises InvalidInput naming the lines to mend."""
    fields: dict[str, str] = {}
    if not name.strip():
        fields["name"] = _("Give the list a name.")
    found, wrong = read_lines(text, kind)
    if wrong:
        remedy = (
            _("Line %(line)s: “%(text)s” is no domain.")
            if kind == NamedList.Kind.DOMAIN
            else _("Line %(line)s: “%(text)s” is no name.")
        )
        said = [remedy % {"line": number, "text": words[:60]} for number, words in wrong[:MOST_SAID]]
        if len(wrong) > MOST_SAID:
            more = len(wrong) - MOST_SAID
            said.append(ngettext("and %(count)s more line", "and %(count)s more lines", more) % {"count": more})
        fields["entries"] = "\n".join(said)
    elif not 0 < len(found) <= MOST_LINES:
        fields["entries"] = _("Write 1 to %(most)s lines.") % {"most": MOST_LINES}
    if fields:
        raise InvalidInput(_("The list cannot be read yet."), fields=fields)
    with transaction.atomic():
        one = NamedList.objects.select_for_update().filter(slug=slug).first() or NamedList(slug=slug)
        one.name, one.kind = name.strip()[:80], kind
        one.full_clean(validate_unique=False)
        one.save()
        one.entries.exclude(key__in=found).delete()
        known = set(one.entries.values_list("key", flat=True))
        fresh = [NamedListEntry(named_list=one, key=key, text=text) for key, text in found.items() if key not in known]
        NamedListEntry.objects.bulk_create(fresh, batch_size=2000)
    return one


def delete_list(slug: str, conditions: Iterable[object]) -> None:
    """Take a list away; ListInUse while one of the conditions speaks of it."""
    name = f'"{PREFIX}.{slug}"'
    if any(name in json.dumps(one) for one in conditions):
        raise ListInUse(_("A rule asks for this list: change the rule first."))
    NamedList.objects.filter(slug=slug).delete()

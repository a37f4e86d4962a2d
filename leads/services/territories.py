"""Tables of territories: written as lines, checked as a whole, put in place in one step."""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadmgmt.core.errors import DomainError, InvalidInput
from leads.facts.places import PREFIX, divisions
from leads.fold import fold
from leads.models import TerritoryArea, TerritoryTable
from leads.normalise.country import read_country
from leads.normalise.postal import InvalidRange, read_range
from leads.normalise.text import line

MOST_AREAS = 20_000
MOST_SAID = 8
HEADER = ("territory", "country", "region", "postal codes")
HEADERS = (HEADER[:2], ("gebiet", "land"))
_DASH = re.compile(r"\s+-\s+|\s*(?:–|—|\.\.+|…)\s*")


class InUse(DomainError):
    """A rule still speaks of it."""

    code = "territory_in_use"


@dataclass(frozen=True)
class Wrong:
    """What is wrong with one line of the text; the first line is 1."""

    line: int
    remedy: str


def read_areas(text: str) -> tuple[list[TerritoryArea], list[Wrong]]:
    """The areas that lines say, ``territory; country; region; postal codes``, and every line to mend.

    Separated by semicolons, tabs or commas; several ranges of postal codes with spaces or ``|`` between them. The areas
    are not stored and belong to no table yet.
    """
    said: list[tuple[int, TerritoryArea]] = []
    wrong: list[Wrong] = []
    for number, cells in _rows(text):
        try:
            said += [(number, area) for area in _areas_of(cells)]
        except InvalidRange as error:
            wrong.append(Wrong(number, str(error)))
    wrong += [*_twice(said), *_overlaps(said)]
    if len(said) > MOST_AREAS:
        wrong.append(Wrong(0, _("A table has at most %(most)s areas.") % {"most": MOST_AREAS}))
    return [area for _number, area in said], sorted(wrong, key=lambda one: one.line)


def _rows(text: str) -> Iterable[tuple[int, list[str]]]:
    first = next((row for row in text.splitlines() if row.strip()), "")
    delimiter = next((sign for sign in ";\t" if sign in first.strip()), ",")
    for number, cells in enumerate(csv.reader(io.StringIO(text), delimiter=delimiter), 1):
        clean = [line(cell) for cell in cells]
        is_header = number == 1 and tuple(cell.casefold() for cell in clean[:2]) in HEADERS
        if any(clean) and not is_header:
            yield number, [*clean, "", "", "", ""][:4]


def _areas_of(cells: Sequence[str]) -> list[TerritoryArea]:
    territory, country, region, codes = cells
    if not territory or len(territory) > 80:
        raise InvalidRange(_("name the territory in the first column, in at most 80 letters."))
    code = read_country(country)
    if not code:
        raise InvalidRange(_("write a country in the second column, such as DE or Germany."))
    if region and codes:
        raise InvalidRange(_("write a region or postal codes, not both."))
    if len(region) > 80:
        raise InvalidRange(_("a region has at most 80 letters."))
    if not codes:
        return [TerritoryArea(territory=territory, country=code, region=region, region_key=fold(region))]
    spans = [read_range(one) for one in split_ranges(codes)]
    if any(len(low) > 16 for low, _high in spans):
        raise InvalidRange(_("a postal code has at most 16 signs."))
    return [TerritoryArea(territory=territory, country=code, low=low, high=high) for low, high in spans]


def split_ranges(text: str) -> list[str]:
    """Ranges with commas, bars or spaces between them; spaces around a dash belong to it."""
    joined = _DASH.sub("–", text)
    return [one for one in re.split(r"[,|\s]+", joined) if one]


def _twice(said: Iterable[tuple[int, TerritoryArea]]) -> list[Wrong]:
    """Countries and regions that two lines speak of."""
    first: dict[tuple[str, str], tuple[int, str]] = {}
    wrong = []
    for number, area in said:
        before = first.setdefault((area.country, area.region_key), (number, area.territory)) if not area.low else None
        if before and before[0] != number:
            words = {"line": before[0], "territory": before[1]}
            wrong.append(Wrong(number, _("line %(line)s gives the same place to %(territory)s.") % words))
    return wrong


def _overlaps(said: Iterable[tuple[int, TerritoryArea]]) -> list[Wrong]:
    """Ranges of one length that say two things of a code. A longer one inside a shorter is an exception, and meant."""
    groups: dict[tuple[str, int], list[tuple[int, TerritoryArea]]] = {}
    for number, area in said:
        if area.low:
            groups.setdefault((area.country, len(area.low)), []).append((number, area))
    wrong = []
    for group in groups.values():
        group.sort(key=lambda one: (one[1].low, one[1].high))
        line_before, before = group[0]
        for number, area in group[1:]:
            if area.low <= before.high:
                words = {"codes": area.codes, "line": line_before, "territory": before.territory}
                remedy = _("%(codes)s overlaps with line %(line)s, which gives it to %(territory)s.") % words
                wrong.append(Wrong(number, remedy))
            if area.high > before.high:
                line_before, before = number, area
    return wrong


def save_table(slug: str, name: str, text: str) -> TerritoryTable:
    """Put what the lines say in place of what the table said; raises InvalidInput naming every line to mend.

    What a lead's territory is follows at once, for rules, lists and counts alike.
    """
    fields: dict[str, str] = {}
    if not name.strip():
        fields["name"] = _("Give the table a name.")
    areas, wrong = read_areas(text)
    if wrong:
        said = [_("Line %(line)s: %(remedy)s") % vars(one) if one.line else one.remedy for one in wrong[:MOST_SAID]]
        if len(wrong) > MOST_SAID:
            more = len(wrong) - MOST_SAID
            said.append(ngettext("and %(count)s more line", "and %(count)s more lines", more) % {"count": more})
        fields["areas"] = "\n".join(said)
    elif not areas:
        fields["areas"] = _("Write at least one line.")
    if fields:
        raise InvalidInput(_("The table cannot be read yet."), fields=fields)
    with transaction.atomic():
        table = TerritoryTable.objects.select_for_update().filter(slug=slug).first() or TerritoryTable(slug=slug)
        table.name = name.strip()[:80]
        table.full_clean(validate_unique=False)
        table.save()
        table.areas.all().delete()
        for area in areas:
            area.table = table
        TerritoryArea.objects.bulk_create(areas, batch_size=2000)
    return table


def delete_table(slug: str, conditions: Iterable[object]) -> None:
    """Take a table away; InUse while one of the conditions or wants speaks of it."""
    name = f'"{PREFIX}.{slug}"'
    if any(name in json.dumps(one) for one in conditions):
        raise InUse(_("A rule asks for this table: change the rule first."))
    TerritoryTable.objects.filter(slug=slug).delete()


def lines_of(table: TerritoryTable) -> str:
    """The table as lines that `read_areas` reads again; the ranges of a territory's country stand in one."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for area in table.areas.order_by("pk"):
        rows.setdefault((area.territory, area.country, area.region), []).append(area.codes if area.low else "")
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\n")
    writer.writerow(HEADER)
    for (territory, country, region), codes in rows.items():
        if "" in codes:
            writer.writerow([territory, country, region, ""])
        if spans := [one for one in codes if one]:
            writer.writerow([territory, country, "", " ".join(spans)])
    return out.getvalue()


def territory_of(slug: str, country: str, region: str, code: str) -> str | None:
    """Which territory a place lies in."""
    known = divisions().get(slug)
    return known.territory(read_country(country), region, code) if known else None

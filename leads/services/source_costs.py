"""What was spent, from a file or a few lines: source; campaign; from; to; amount; note."""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadmgmt.core.errors import InvalidInput
from leads.models import Campaign, Source, SourceCost
from leads.services.sources import Sources

COLUMNS = ("source", "campaign", "from", "to", "amount", "note")
# What these columns are called in the files that advertising systems write, in English and German.
NAMES: Mapping[str, str] = {
    "source": "source", "quelle": "source", "utm_source": "source", "channel": "source", "kanal": "source",
    "campaign": "campaign", "kampagne": "campaign", "utm_campaign": "campaign", "campaign name": "campaign",
    "from": "from", "von": "from", "start": "from", "day": "from", "tag": "from", "date": "from", "datum": "from",
    "to": "to", "bis": "to", "end": "to", "ende": "to",
    "amount": "amount", "betrag": "amount", "cost": "amount", "kosten": "amount", "spend": "amount",
    "note": "note", "notiz": "note",
}  # fmt: skip
NEEDED = ("source", "from", "amount")
MOST_LINES, MOST_SAID = 20_000, 12
# A lone sign with three digits behind it: thousands to one reader, a fraction to another.
TWO_WAYS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
DAYS = ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d.%m.%y")


@dataclass(frozen=True)
class Spent:
    """One line that can be used."""

    source: Source
    campaign: str
    first: date
    last: date
    amount: Decimal
    note: str


@dataclass(frozen=True)
class Wrong:
    """One that cannot, and why."""

    line: int
    remedy: str


def read_costs(text: str) -> tuple[list[Spent], list[Wrong]]:
    """What the lines say. Sources go by any of their spellings; one that nobody knows is not made up."""
    lines = list(csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=_delimiter(text)))
    head = next((row for row in lines if any(cell.strip() for cell in row)), [])
    places = {
        NAMES[cell.strip().casefold()]: place for place, cell in enumerate(head) if cell.strip().casefold() in NAMES
    }
    lacking = [name for name in NEEDED if name not in places]
    if lacking:
        told = _("The first line names the columns; there is none for: %(names)s.") % {"names": ", ".join(lacking)}
        return [], [Wrong(1, told)]
    rows = [(number, row) for number, row in enumerate(lines, 1) if any(cell.strip() for cell in row)][1:]
    if len(rows) > MOST_LINES:
        return [], [Wrong(0, _("At most %(most)s lines.") % {"most": MOST_LINES})]
    said = [
        (number, {name: row[place].strip() if place < len(row) else "" for name, place in places.items()})
        for number, row in rows
    ]
    known = _known_sources(one["source"] for _number, one in said)
    good, wrong = [], []
    for number, one in said:
        try:
            good.append(_spent(one, known))
        except InvalidInput as error:
            wrong.append(Wrong(number, str(error)))
    if not good and not wrong:
        wrong.append(Wrong(0, _("There is no line below the names of the columns.")))
    return good, wrong


def _delimiter(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(";\t,", key=first.count)


def _known_sources(names: Iterable[str]) -> dict[str, Source]:
    sources = Sources()
    wanted = {name for name in names if name}
    sources.load(wanted)
    return {name: source for name in wanted if (source := sources.known(name))}


def _spent(one: Mapping[str, str], known: Mapping[str, Source]) -> Spent:
    source = known.get(one["source"])
    if source is None:
        raise InvalidInput(
            _("There is no source “%(name)s”; add it first, or say it as it is called.") % {"name": one["source"]}
        )
    first = _day(one["from"])
    last = _day(one["to"]) if one.get("to") else first
    if last < first:
        raise InvalidInput(_("It ends before it begins."))
    return Spent(source, one.get("campaign", "")[:200], first, last, _amount(one["amount"]), one.get("note", "")[:200])


def _day(text: str) -> date:
    for shape in DAYS:
        try:
            return datetime.strptime(text, shape).date()  # a day has no zone
        except ValueError:
            continue
    raise InvalidInput(_("“%(text)s” is no day; write 2026-11-30 or 30.11.2026.") % {"text": text})


def _amount(text: str) -> Decimal:
    """1234.56, 1,234.56 and 1.234,56 alike: the last sign that separates is the one before the cents. Raises
    InvalidInput where there is but one, and it may as well part thousands."""
    plain = "".join(sign for sign in text if sign.isdigit() or sign in ",.-")
    comma, point = plain.rfind(","), plain.rfind(".")
    if TWO_WAYS.fullmatch(plain):
        told = _("“%(text)s” can be read in two ways: write 1234.00 or 1.23.")
        raise InvalidInput(told % {"text": text})
    if comma >= 0 and point >= 0:
        plain = plain.replace("." if comma > point else ",", "").replace(",", ".")
    elif comma >= 0:
        plain = plain.replace(",", "") if _is_thousands(plain, ",") else plain.replace(",", ".")
    elif plain.count(".") > 1:
        plain = plain.replace(".", "")
    try:
        amount = Decimal(plain)
    except InvalidOperation:
        raise InvalidInput(_("“%(text)s” is no amount.") % {"text": text}) from None
    if not 0 <= amount < 10**10:
        raise InvalidInput(_("“%(text)s” is no amount.") % {"text": text})
    return amount.quantize(Decimal("0.01"))


def _is_thousands(plain: str, sign: str) -> bool:
    """Whether a lone sign parts thousands: more than one of it. A single one is a decimal comma."""
    return plain.count(sign) > 1


def put_costs(text: str) -> tuple[int, int]:
    """Keep what the lines say: how many are new, and how many took the place of what was said of the same source,
    campaign and days. Raises InvalidInput naming every line to mend, and keeps nothing then."""
    good, wrong = read_costs(text)
    if wrong:
        said = [_("Line %(line)s: %(remedy)s") % vars(one) if one.line else one.remedy for one in wrong[:MOST_SAID]]
        if len(wrong) > MOST_SAID:
            more = len(wrong) - MOST_SAID
            said.append(ngettext("and %(count)s more line", "and %(count)s more lines", more) % {"count": more})
        raise InvalidInput(_("The costs cannot be read yet."), fields={"text": "\n".join(said)})
    made = changed = 0
    with transaction.atomic():
        for one in good:
            campaign = None
            if one.campaign:
                campaign, _new = Campaign.objects.get_or_create(
                    source=one.source, key=one.campaign, defaults={"name": one.campaign}
                )
            _row, is_new = SourceCost.objects.update_or_create(
                source=one.source,
                campaign=campaign,
                starts_on=one.first,
                ends_on=one.last,
                defaults={"amount": one.amount, "note": one.note},
            )
            made, changed = made + is_new, changed + (not is_new)
    return made, changed

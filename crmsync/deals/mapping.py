"""Which column of a file of deals is what, as a person writes it in TOML, and one row read by it."""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from leads.imports.errors import UnreadableFile
from leads.imports.table import Row
from leads.imports.toml import usable_delimiter
from leads.normalise.moment import InvalidMoment, read_moment
from leads.normalise.text import storable

WON, LOST = "won", "lost"
MOMENTS = ("won_at", "lost_at", "closed_at", "opportunity_at", "sql_at")
FIELDS = ("external_id", "deal_id", "outcome", *MOMENTS, "amount", "currency", "sdr", "rep", "loss_reason", "name")
SECTIONS = ("fields", "formats", "constants", "values", "attributes", "options")
OPTIONS = ("channel", "delimiter")
LARGEST = Decimal(10) ** 12


class WrongRow(Exception):
    """A row that cannot be used; says which field and why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True)
class DealMap:
    """One mapping. ``attributes``: what else is kept on the contact, under which name, from which column."""

    fields: dict[str, str]
    formats: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    channel: str = ""
    delimiter: str = ""

    def columns(self) -> tuple[str, ...]:
        """Every column that the file has to have."""
        return (*self.fields.values(), *self.attributes.values())

    def as_json(self) -> dict[str, Any]:
        """As kept on the import's run."""
        return asdict(self)


@dataclass(frozen=True)
class Deal:
    """One row: the outcome of one lead's deal."""

    row: Row
    external_id: str
    deal_id: str
    outcome: str
    closed_at: datetime
    opportunity_at: datetime | None
    sql_at: datetime | None
    amount: Decimal | None
    currency: str
    sdr: str
    rep: str
    loss_reason: str
    name: str
    attributes: dict[str, str]


def read_deal_map(path: Path) -> DealMap:
    """The mapping of a TOML file. Raises UnreadableFile with one sentence that says what to mend."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UnreadableFile(
            _("The mapping %(path)s cannot be opened: %(why)s.") % {"path": path, "why": error.strerror or error}
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnreadableFile(
            _("The mapping %(path)s is no valid TOML: %(why)s.") % {"path": path, "why": error}
        ) from None
    _check(told)
    fields = {name: str(column) for name, column in told.get("fields", {}).items()}
    found = DealMap(
        fields=fields,
        formats={name: str(value) for name, value in told.get("formats", {}).items()},
        constants={name: str(value) for name, value in told.get("constants", {}).items()},
        values={
            name: {str(cell): str(ours) for cell, ours in value.items()}
            for name, value in told.get("values", {}).items()
        },
        attributes={name: str(column) for name, column in told.get("attributes", {}).items()},
        channel=str(told.get("options", {}).get("channel", "")),
        delimiter=str(told.get("options", {}).get("delimiter", "")),
    )
    _check_sense(found)
    return found


def _check(told: dict[str, Any]) -> None:
    for section, value in told.items():
        if section not in SECTIONS:
            raise _slip(f"[{section}]", section, SECTIONS)
        if not isinstance(value, dict):
            raise UnreadableFile(_("In the mapping, %(name)s has to be a section in brackets.") % {"name": section})
        known = OPTIONS if section == "options" else FIELDS
        for name, entry in value.items():
            if section != "attributes" and name not in known:
                raise _slip(f"{section}.{name}", name, known)
            if isinstance(entry, dict) != (section == "values") or isinstance(entry, list):
                raise UnreadableFile(_("In the mapping, %(name)s cannot be read.") % {"name": f"{section}.{name}"})
            if section in ("formats", "values") and name not in told.get("fields", {}):
                shown = {"shown": f"{section}.{name}", "name": name}
                raise UnreadableFile(_("The mapping has %(shown)s, but fields names no column for %(name)s.") % shown)
            if section == "formats" and "%" not in str(entry):
                told_name = {"name": name}
                raise UnreadableFile(_('In the mapping, formats.%(name)s has to be like "%%d.%%m.%%Y".') % told_name)
            if section == "formats" and name not in MOMENTS:
                raise UnreadableFile(_("In the mapping, only times have a format, not %(name)s.") % {"name": name})


def _check_sense(found: DealMap) -> None:
    if found.delimiter and not usable_delimiter(found.delimiter):
        raise UnreadableFile(_("In the mapping, options.delimiter has to be one character."))
    if (outcome := found.constants.get("outcome")) and outcome.casefold() not in (WON, LOST):
        raise UnreadableFile(
            _("In the mapping, constants.outcome is “%(told)s”: write won or lost.") % {"told": outcome}
        )
    if "external_id" not in found.fields:
        raise UnreadableFile(_("The mapping has to say in fields.external_id which column names the lead."))
    if not {"won_at", "lost_at", "closed_at"} & set(found.fields):
        raise UnreadableFile(_("The mapping has to say when a deal was closed: won_at, lost_at or closed_at."))
    if "closed_at" in found.fields and not {"outcome"} & {*found.fields, *found.constants}:
        raise UnreadableFile(_("The mapping has closed_at, so it has to say the outcome: won or lost."))


def _slip(shown: str, name: str, known: tuple[str, ...]) -> UnreadableFile:
    near = difflib.get_close_matches(name, known, n=1)
    hint = _(" Did you mean %(near)s?") % {"near": near[0]} if near else ""
    return UnreadableFile(
        _("The mapping has %(shown)s, which is unknown.") % {"shown": shown}
        + (hint or _(" Known are %(known)s.") % {"known": ", ".join(sorted(known))})
    )


def read_deal(mapping: DealMap, row: Row) -> Deal:
    """One row in our language. Raises WrongRow naming the field."""
    if row.problem:
        raise WrongRow("", row.problem)
    told = {name: _cell(mapping, row, name) for name in FIELDS}
    if not told["external_id"]:
        raise WrongRow("external_id", _("The row names no lead."))
    moments = {name: _moment(mapping, name, told[name]) for name in MOMENTS}
    outcome, closed_at = _outcome(told["outcome"], moments)
    return Deal(
        row=row,
        external_id=told["external_id"],
        deal_id=told["deal_id"],
        outcome=outcome,
        closed_at=closed_at,
        opportunity_at=moments["opportunity_at"],
        sql_at=moments["sql_at"],
        amount=_amount(told["amount"]),
        currency=told["currency"].upper()[:3],
        sdr=told["sdr"],
        rep=told["rep"],
        loss_reason=told["loss_reason"][:255],
        name=told["name"][:255],
        attributes=_attributes(mapping, row.cells),
    )


def _cell(mapping: DealMap, row: Row, name: str) -> str:
    cell = storable(row.cells.get(mapping.fields.get(name, ""), "")).strip()
    cell = mapping.values.get(name, {}).get(cell, cell)
    return cell or mapping.constants.get(name, "")


def _attributes(mapping: DealMap, cells: Mapping[str, str]) -> dict[str, str]:
    found = {name: storable(cells.get(column, "")).strip() for name, column in mapping.attributes.items()}
    return {name: value for name, value in found.items() if value}


def _moment(mapping: DealMap, name: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        return read_moment(text, mapping.formats.get(name, ""))
    except InvalidMoment as error:
        raise WrongRow(name, str(error)) from None


def _outcome(told: str, moments: Mapping[str, datetime | None]) -> tuple[str, datetime]:
    """Won or lost, and when; a row that says neither is a deal that is still open."""
    word = told.casefold()
    if word and word not in (WON, LOST):
        raise WrongRow("outcome", _("“%(told)s” is neither won nor lost.") % {"told": told[:40]})
    if not word:
        word = WON if moments["won_at"] else LOST if moments["lost_at"] else ""
    closed_at = moments[f"{word}_at"] or moments["closed_at"] if word else None
    if not word or closed_at is None:
        raise WrongRow("closed_at", _("No date says when it was closed: an open deal is no history."))
    return word, closed_at


def _amount(text: str) -> Decimal | None:
    if not text:
        return None
    try:
        amount = Decimal(text.replace(" ", "").replace("\u00a0", ""))
    except InvalidOperation:
        raise WrongRow("amount", _("“%(text)s” is no amount; write it as 31000.50.") % {"text": text[:40]}) from None
    if not amount.is_finite() or not 0 <= amount < LARGEST:
        raise WrongRow("amount", _("“%(text)s” is no amount that can be kept.") % {"text": text[:40]})
    return amount.quantize(Decimal("0.01"))

"""Mapping files: TOML that a person writes, read with an answer for every slip."""

import difflib
import tomllib
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from leads.imports.errors import UnreadableFile
from leads.imports.mapping import CONSENTS, FIELDS, Mapper

SECTIONS = ("fields", "formats", "constants", "values", "options")
OPTIONS = {"history": bool, "delimiter": str, "drop": list}


def read_map(path: Path) -> tuple[Mapper, str]:
    """The mapping of a TOML file, and the separator it names (empty: find it out). Raises UnreadableFile."""
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
    for section, value in told.items():
        if section not in SECTIONS:
            raise _slip(f"[{section}]", section, SECTIONS)
        if not isinstance(value, dict):
            raise UnreadableFile(_("In the mapping, %(name)s has to be a section in brackets.") % {"name": section})
    _check_fields(told)
    options = _options(told.get("options", {}))
    mapper = Mapper(
        fields=dict(told.get("fields", {})),
        formats={name: _patterns(name, value) for name, value in told.get("formats", {}).items()},
        constants={name: str(value) for name, value in told.get("constants", {}).items()},
        values={name: _translations(name, value) for name, value in told.get("values", {}).items()},
        history=options.get("history", False),
        dropped=[str(column) for column in options.get("drop", [])],
    )
    return mapper, options.get("delimiter", "")


def _check_fields(told: dict[str, Any]) -> None:
    for section in ("fields", "formats", "constants", "values"):
        for name, value in told.get(section, {}).items():
            if name not in FIELDS:
                raise _slip(f"{section}.{name}", name, tuple(FIELDS))
            if section == "fields" and not isinstance(value, str):
                raise UnreadableFile(_("In the mapping, fields.%(name)s has to name a column.") % {"name": name})
            if section == "formats" and name != "occurred_at":
                raise UnreadableFile(_("In the mapping, only occurred_at has a format, not %(name)s.") % {"name": name})
            if section in ("formats", "values") and name not in told.get("fields", {}):
                shown = {"shown": f"{section}.{name}", "name": name}
                raise UnreadableFile(_("The mapping has %(shown)s, but fields names no column for %(name)s.") % shown)
            if section == "constants" and name in CONSENTS and not isinstance(value, bool):
                wanted = {"name": f"constants.{name}", "wanted": _("true or false")}
                raise UnreadableFile(_("In the mapping, %(name)s has to be %(wanted)s.") % wanted)
            if section == "constants" and isinstance(value, dict | list):
                wanted = {"name": f"constants.{name}", "wanted": _("a text")}
                raise UnreadableFile(_("In the mapping, %(name)s has to be %(wanted)s.") % wanted)


def _patterns(name: str, value: Any) -> list[str]:
    patterns = value if isinstance(value, list) else [value]
    if not patterns or not all(isinstance(pattern, str) and "%" in pattern for pattern in patterns):
        raise UnreadableFile(_('In the mapping, formats.%(name)s has to be like "%%d.%%m.%%Y".') % {"name": name})
    return patterns


def _translations(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise UnreadableFile(_("In the mapping, [values.%(name)s] has to be a section.") % {"name": name})
    return {str(cell): str(ours) for cell, ours in value.items()}


def _options(told: dict[str, Any]) -> dict[str, Any]:
    for name, value in told.items():
        if name not in OPTIONS:
            raise _slip(f"options.{name}", name, tuple(OPTIONS))
        if not isinstance(value, OPTIONS[name]):
            wanted = {bool: _("true or false"), str: _("a text"), list: _("a list")}[OPTIONS[name]]
            raise UnreadableFile(
                _("In the mapping, options.%(name)s has to be %(wanted)s.") % {"name": name, "wanted": wanted}
            )
    if (delimiter := told.get("delimiter", "")) and not usable_delimiter(delimiter):
        raise UnreadableFile(_("In the mapping, options.delimiter has to be one character."))
    return told


def usable_delimiter(text: str) -> bool:
    """Whether cells can be told apart by it."""
    return len(text) == 1 and text not in '"\r\n\0'


def _slip(shown: str, name: str, known: tuple[str, ...]) -> UnreadableFile:
    near = difflib.get_close_matches(name, known, n=1)
    hint = _(" Did you mean %(near)s?") % {"near": near[0]} if near else ""
    return UnreadableFile(
        _("The mapping has %(shown)s, which is unknown.") % {"shown": shown}
        + (hint or _(" Known are %(known)s.") % {"known": ", ".join(sorted(known))})
    )

"""Reads a catalogue of translations, and the strings that the source marks for it."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
GERMAN = ROOT / "locale" / "de" / "LC_MESSAGES"
APPS = ("leadmgmt", "leads", "routing", "qualification", "crmsync")
# Which arguments of a function are the context and the text; a context that is always the same is named.
MARKS: dict[str, tuple[int | str | None, int]] = {
    "_": (None, 0), "gettext": (None, 0), "gettext_lazy": (None, 0), "gettext_noop": (None, 0),
    "ngettext": (None, 0), "ngettext_lazy": (None, 0),
    "worded": ("kept", 0),
    "pgettext": (0, 1), "pgettext_lazy": (0, 1), "npgettext": (0, 1), "npgettext_lazy": (0, 1),
}  # fmt: skip
QUOTED = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
CALL = re.compile(rf"\b(n?p?gettext|_)\(((?:{QUOTED}|,\s*|count)+)\)", re.DOTALL)

Key = tuple[str, str]


@dataclass
class Entry:
    """One text with its translation, or with one for each plural form."""

    flags: str = ""
    context: str = ""
    text: str = ""
    plural: str = ""
    forms: dict[int, str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        return self.context, self.text

    def pairs(self) -> list[tuple[str, str]]:
        """Each English form beside its German."""
        return [(self.plural if number else self.text, form) for number, form in self.forms.items()]


def read_catalogue(path: Path = GERMAN / "django.po") -> list[Entry]:
    """All entries of a catalogue but its header; obsolete ones too, with their mark as a flag."""
    return [entry for block in path.read_text().split("\n\n") if (entry := _entry(block)).text]


def _entry(block: str) -> Entry:
    entry, word = Entry(), ""
    for line in block.splitlines():
        if line.startswith("#"):
            entry.flags += line if line.startswith(("#,", "#~")) else ""
            continue
        name, quote, rest = line.partition('"')
        word = name.strip() or word
        said = ast.literal_eval(quote + rest)
        if word.startswith("msgstr"):
            number = int(word[7:-1] or 0) if "[" in word else 0
            entry.forms[number] = entry.forms.get(number, "") + said
        else:
            attribute = {"msgctxt": "context", "msgid": "text", "msgid_plural": "plural"}[word]
            setattr(entry, attribute, getattr(entry, attribute) + said)
    return entry


def marked() -> set[Key]:
    """Every string that code or a template marks for translation."""
    code = (path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts)
    found = {key for path in code for key in _in_code(path.read_text())}
    return found | {key for path in (ROOT / "templates").rglob("*.*") for key in _in_template(path)}


def _in_code(source: str) -> Iterator[Key]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            said = [one.value if isinstance(one, ast.Constant) else None for one in node.args]
            yield from _key(name, said)


def _in_template(path: Path) -> Iterator[Key]:
    for name, arguments in CALL.findall(templatize(path.read_text(), origin=str(path))):
        said = [ast.literal_eval(one) for one in re.findall(QUOTED, arguments, re.DOTALL)]
        yield from _key(name, said)


def _key(name: str, said: list[str | None]) -> Iterator[Key]:
    if name not in MARKS:
        return
    context, text = MARKS[name]
    if len(said) > text and isinstance(said[text], str) and said[text]:
        named = said[context] or "" if isinstance(context, int) else context or ""
        yield named, said[text] or ""

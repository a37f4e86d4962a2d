"""How one form looks: a readable colour, corners, light or dark, a font. Nothing else gets into its CSS."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from leadmgmt.core.errors import InvalidInput

COLOUR = re.compile(r"^#[0-9a-f]{6}$")
FONTS = {"system": "var(--font)", "serif": "Georgia, 'Times New Roman', serif", "mono": "var(--font-mono)"}
THEMES = ("auto", "light", "dark")
MOST_RADIUS = 24
# WCAG 2.2, 1.4.3: what text needs on its ground.
LEAST_CONTRAST = 4.5
WHITE, INK = "#ffffff", "#11181c"


@dataclass(frozen=True)
class Style:
    """Validated values alone."""

    accent: str = ""
    radius: int | None = None
    theme: str = "auto"
    font: str = "system"

    @property
    def is_plain(self) -> bool:
        """Whether everything is as usual."""
        return self == Style()

    def css(self) -> str:
        """The form's own style sheet."""
        lines = []
        if self.accent:
            ink = readable_ink(self.accent)
            lines += [f"--accent: {self.accent};", f"--accent-strong: {self.accent};", f"--accent-ink: {ink};"]
        if self.radius is not None:
            lines += [f"--radius-md: {self.radius}px;", f"--radius-lg: {self.radius}px;"]
        if self.font != "system":
            lines.append(f"font-family: {FONTS[self.font]};")
        if self.theme != "auto":
            lines.append(f"color-scheme: {self.theme};")
        return ":root, body { " + " ".join(lines) + " }\n" if lines else ""


def read_style(told: Any) -> Style:
    """The style that a configuration describes. Raises InvalidInput, naming the value."""
    if not isinstance(told, Mapping):
        return Style()
    accent = str(told.get("accent") or "").strip().lower()
    if accent and not COLOUR.match(accent):
        raise _wrong("accent", _("A colour is written as #0b6470."))
    if accent and contrast(accent, readable_ink(accent)) < LEAST_CONTRAST:
        raise _wrong("accent", _("Neither white nor dark letters can be read on this colour."))
    radius = told.get("radius")
    if radius in (None, ""):
        corner = None
    elif str(radius).isdigit() and int(radius) <= MOST_RADIUS:
        corner = int(radius)
    else:
        raise _wrong("radius", _("Corners are rounded by 0 to %(most)d pixels.") % {"most": MOST_RADIUS})
    theme, font = str(told.get("theme") or "auto"), str(told.get("font") or "system")
    if theme not in THEMES or font not in FONTS:
        raise _wrong("theme", _("Choose one of the list."))
    return Style(accent, corner, theme, font)


def _wrong(name: str, what: str) -> InvalidInput:
    return InvalidInput(what, fields={name: what})


def contrast(one: str, other: str) -> float:
    """How far two colours are apart, 1 to 21 (WCAG 2.2, relative luminance)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def readable_ink(ground: str) -> str:
    """White or dark letters, whichever can be read better."""
    return max((WHITE, INK), key=lambda ink: contrast(ground, ink))


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue

"""Every pair of colours in use can be read, in both themes (WCAG 2.2: 1.4.3 and 1.4.11)."""

import re

import pytest
from django.conf import settings

CSS = settings.BASE_DIR / "leadmgmt/static/leadmgmt/css"
COLOUR = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")
TOKENS = {name: (light, dark) for name, light, dark in COLOUR.findall((CSS / "tokens.css").read_text())}
THEMES = {"light": 0, "dark": 1}

GROUNDS = ("canvas", "surface", "raised", "fill", "selected")
INKS = ("ink", "ink-muted", "ink-faint", "accent", "good", "warn", "bad", "sla-paused")
TONES = ("good", "warn", "bad")
STAGES = ("new", "mql", "sql", "opportunity", "won", "recycled", "disqualified")

TEXT = {
    *((ink, ground) for ink in INKS for ground in GROUNDS),
    *((tone, f"{tone}-soft") for tone in TONES),
    *(("ink", f"{tone}-soft") for tone in (*TONES, "accent")),
    *(("ink", f"heat-{step}") for step in range(5)),
    *((f"stage-{name}", g) for name in STAGES for g in ("canvas", "surface", "selected", f"stage-{name}-soft")),
    *(("accent-strong", ground) for ground in ("accent-soft", "selected", "surface")),
    *(("accent-ink", ground) for ground in ("accent", "accent-strong")),
    *((ink, "fill-strong") for ink in ("ink", "ink-muted")),
    ("ink-muted", "accent-soft"),
    ("bad-ink", "bad-solid"),
}
MARKS = {
    *(("line-control", ground) for ground in ("canvas", "surface")),
    *(("focus", ground) for ground in GROUNDS),
    ("accent", "fill-strong"),
    ("warn", "fill-strong"),
}


def luminance(colour: str) -> float:
    """Relative luminance after WCAG."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def too_low(pairs: set[tuple[str, str]], theme: str, wanted: float) -> list[str]:
    place = THEMES[theme]
    found = [(ink, ground, contrast(TOKENS[ink][place], TOKENS[ground][place])) for ink, ground in sorted(pairs)]
    return [f"{ink} on {ground}: {value:.2f}" for ink, ground, value in found if value < wanted]


def test_the_measure_knows_black_on_white() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", THEMES)
def test_text_can_be_read(theme: str) -> None:
    assert too_low(TEXT, theme, 4.5) == []


@pytest.mark.parametrize("theme", THEMES)
def test_borders_and_focus_can_be_seen(theme: str) -> None:
    assert too_low(MARKS, theme, 3.0) == []


def test_every_token_that_a_style_uses_exists() -> None:
    defined = set(re.findall(r"--([\w-]+):", "".join(path.read_text() for path in CSS.glob("*.css"))))
    used = {
        (path.name, name) for path in CSS.glob("*.css") for name in re.findall(r"var\(--([\w-]+)\)", path.read_text())
    }

    assert sorted((file, name) for file, name in used if name not in defined) == []


def test_colours_are_written_in_the_tokens_only() -> None:
    literal = re.compile(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(")
    found = [
        f"{path.name}: {match}"
        for path in CSS.glob("*.css")
        if path.name != "tokens.css"
        for match in literal.findall(path.read_text())
    ]

    assert found == []

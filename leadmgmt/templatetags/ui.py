"""The marks of the design system as template tags: icons, stages, grades, clocks, times, figures, small charts."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django import template
from django.contrib.messages.storage.base import Message
from django.forms import BoundField, CheckboxInput, Select, SelectMultiple, Textarea
from django.utils.html import format_html, format_html_join, json_script
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext

from leadmgmt.core import formats, kept_words
from leadmgmt.core.messages import Toast, toast
from leadmgmt.core.now import now
from leadmgmt.marks import ClockLike, ClockMark, clock_mark, resting_mark, running_mark, sparkline_points

register = template.Library()

STAGES = ("new", "mql", "sql", "opportunity", "won", "recycled", "disqualified")
CALL, WORK = frozenset({"A1", "A2", "B1"}), frozenset({"A3", "B2", "B3", "C1"})

register.filter("duration", formats.duration)
register.filter("percent", formats.percent)
register.filter("reworded", kept_words.reworded)


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of the sprite; silent for screen readers unless it stands alone and gets a label."""
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}"><use href="#icon-{}"/></svg>', label, name)
    return format_html('<svg class="icon" aria-hidden="true"><use href="#icon-{}"/></svg>', name)


def stage_name(value: str) -> str:
    """A stage in the reader's language."""
    names = {
        "new": pgettext("stage", "New"),
        "mql": "MQL",
        "sql": "SQL",
        "opportunity": pgettext("stage", "Opportunity"),
        "won": pgettext("stage", "Won"),
        "recycled": pgettext("stage", "Recycled"),
        "disqualified": pgettext("stage", "Disqualified"),
    }
    return names[value]


@register.simple_tag
def stage(value: str, bare: bool = False) -> SafeString:
    """A stage: badge with its glyph, or the glyph alone (`bare`) where the row says the rest."""
    name = stage_name(value)
    if bare:
        return format_html(
            '<span class="stage stage--{0} stage--bare"><svg class="icon" role="img" aria-label="{1}">'
            '<use href="#stage-{0}"/></svg></span>',
            value,
            name,
        )
    return format_html(
        '<span class="stage stage--{0}"><svg class="icon" aria-hidden="true"><use href="#stage-{0}"/></svg>{1}</span>',
        value,
        name,
    )


@register.simple_tag
def grade(value: str, large: bool = False) -> SafeString | str:
    """A grade, filled to call, tinted to work, outlined else; nothing before the first score."""
    if not value:
        return ""
    classes = "grade" + (" grade--a" if value in CALL else " grade--b" if value in WORK else "")
    return format_html(
        '<span class="{}"><span class="visually-hidden">{} </span>{}</span>',
        classes + (" grade--large" if large else ""),
        gettext("Grade"),
        value,
    )


def clock_html(mark: ClockMark | None) -> SafeString | str:
    """The mark as HTML; js/countdown.js keeps a ticking one going."""
    if mark is None:
        return ""
    return format_html(
        '<span class="sla sla--{}"{}>{}<span class="visually-hidden" data-sla-word>{}</span>'
        '<span class="sla-time">{}</span></span>',
        mark.state,
        format_html(' data-due="{}"', mark.due.isoformat()) if mark.ticks else "",
        icon(mark.icon),
        f"{mark.word}: " if mark.word else "",
        mark.text,
    )


@register.simple_tag
def sla(clock: ClockLike | None, at: datetime | None = None) -> SafeString | str:
    """A promise: icon, word and what is left, or how it ended. Nothing without a clock."""
    return clock_html(clock_mark(clock, at=at or now())) if clock else ""


@register.simple_tag
def promise(due: datetime | None, at: datetime | None = None) -> SafeString | str:
    """A running promise of which only the end is known (a handoff's deadline, an annotated row)."""
    return clock_html(running_mark(due, at=at or now())) if due else ""


@register.simple_tag
def planned(when: datetime | None, at: datetime | None = None, paused: bool = False) -> SafeString | str:
    """A step planned for a moment, or a snooze until then (`paused=True`)."""
    return clock_html(resting_mark(when, at=at or now(), paused=paused)) if when else ""


@register.simple_tag
def avatar(person: Any) -> SafeString:
    """Two letters for a person; the name stands beside it."""
    return format_html('<span class="avatar" aria-hidden="true">{}</span>', person.initials)


@register.simple_tag
def provenance(origin: str, at: datetime | None = None, confidence: float | None = None) -> SafeString:
    """Where a fact comes from, with time and confidence on hover."""
    parts = [origin]
    if at is not None:
        parts.append(formats.day(at, at=now()))
    if confidence is not None:
        parts.append(gettext("confidence %(value)s") % {"value": formats.number(confidence, 2)})
    return format_html('<abbr class="provenance" title="{}">{}</abbr>', ", ".join(parts), origin)


@register.simple_tag
def ago(when: datetime | None, at: datetime | None = None) -> SafeString | str:
    """A moment as people say it, with the exact one as title."""
    if when is None:
        return formats.NOTHING
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        when.isoformat(),
        formats.moment(when),
        formats.relative(when, at=at or now()),
    )


@register.filter
def clock_time(when: datetime | None) -> str:
    """The time of day where the reader is."""
    return formats.clock_time(when) if when else formats.NOTHING


@register.filter
def money(amount: formats.Number | None, currency: str = "") -> str:
    """An amount without cents."""
    return formats.money(amount, currency)


@register.filter
def quoted(words: str) -> str:
    """Somebody's words in the quotation marks of the language."""
    return formats.quoted(words)


@register.filter
def number(value: formats.Number | None, decimals: int = 0) -> str:
    """A figure with grouped thousands."""
    return formats.number(value, decimals)


@register.simple_tag
def meter(value: float | None, most: float = 100, tone: str = "", label: str = "") -> SafeString:
    """A bar of `value` out of `most`; tone "warn", "bad" or "old". Without a label the figure must stand beside it."""
    share = min(max((value or 0) / most, 0), 1) * 100 if most else 0
    spoken = format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    return format_html(
        '<svg class="meter" viewBox="0 0 100 6" preserveAspectRatio="none" {}><rect class="meter-track" width="100" '
        'height="6" rx="1"/><rect class="meter-fill{}" width="{}" height="6" rx="1"/></svg>',
        spoken,
        f" meter-fill--{tone}" if tone else "",
        f"{share:.1f}",
    )


@register.simple_tag
def sparkline(values: Sequence[float], label: str = "") -> SafeString | str:
    """The course of a few values; the last one is marked. Without a label the figures must stand beside it."""
    if not values:
        return ""
    points = sparkline_points(values)
    spoken = format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    return format_html(
        '<svg class="spark" viewBox="0 0 84 20" {}><polyline class="spark-line" points="{}"/>'
        '<circle class="spark-dot" cx="{}" cy="{}" r="2"/></svg>',
        spoken,
        format_html_join(" ", "{},{}", ((f"{x:.1f}", f"{y:.1f}") for x, y in points)),
        f"{points[-1][0]:.1f}",
        f"{points[-1][1]:.1f}",
    )


@register.filter
def toasts(waiting: Iterable[Message] | None) -> list[Toast]:
    """Messages as toasts."""
    return [toast(message) for message in waiting or ()]


@register.filter
def control_kind(field: BoundField) -> str:
    """The house's class for a form control."""
    widget = field.field.widget
    if isinstance(widget, CheckboxInput):
        return "checkbox"
    if isinstance(widget, Textarea):
        return "textarea"
    return "select" if isinstance(widget, Select | SelectMultiple) else "input"


@register.filter
def control(field: BoundField) -> SafeString:
    """A form control that wears the house's class."""
    kind = control_kind(field)
    if kind == "checkbox":
        return field.as_widget()
    own = field.field.widget.attrs.get("class", "")
    return field.as_widget(attrs={"class": f"{kind} {own}".strip()})


@register.simple_tag
def ui_words() -> SafeString:
    """The words that the scripts say, in the reader's language."""
    words = {
        "copied": gettext("Copied"),
        "soon": gettext("Soon"),
        "overdue": gettext("Overdue"),
        "minutes": gettext("%(count)d min"),
        "hours": gettext("%(count)d h"),
        "over": gettext("%(span)s over"),
        "ago": gettext("%(span)s ago"),
        "fiveLeft": gettext("Five minutes left: %(who)s"),
        "timeOver": gettext("The promise has run out: %(who)s"),
        "failed": gettext("That did not work. Nothing was changed; try again."),
        "offline": gettext("No connection. What you see may be out of date."),
        "onThisPage": gettext("On this page"),
        "commands": gettext("Do"),
        "darkTheme": gettext("Dark theme"),
        "lightTheme": gettext("Light theme"),
        "allKeys": gettext("All keys"),
        "search": gettext("Search"),
        "then": gettext("then"),
    }
    return json_script(words, "ui-words")

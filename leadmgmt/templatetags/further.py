"""Bars and times of the reports on scoring, sync and nurture."""

from collections.abc import Sequence
from datetime import date

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from leadmgmt.core import formats
from leadmgmt.reports.filters import shown_day

register = template.Library()
WIDE, HIGH = 1000, 80


@register.filter
def seconds(value: float | None) -> str:
    """A short time: 0.4 s, 12 s, then minutes, hours and days."""
    if value is None:
        return formats.NOTHING
    if value < 60:
        return _("%(n)s s") % {"n": formats.number(value, 1 if value < 10 else 0)}
    return formats.span(value)


@register.simple_tag
def length_bar(count: int, most: int) -> SafeString:
    """How many, as a length; the number stands beside it."""
    return format_html(
        '<svg class="leak-bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="leak-bar-fill" x="0" y="0" width="{}" height="9"/></svg>',
        f"{100 * count / most if most else 0:.1f}",
    )


@register.simple_tag
def day_bars(days: Sequence[tuple[date, int]], most: int, empty: str = "") -> SafeString | str:
    """One bar a day with its date and number as a title; the table below has the sums. ``empty``: said without any."""
    if not days or not most:
        return format_html('<p class="muted">{}</p>', empty or _("Nothing was sent."))
    span = (days[-1][0] - days[0][0]).days + 1
    step = WIDE / span
    bars = format_html_join(
        "",
        '<rect class="leak-bar-fill" x="{}" y="{}" width="{}" height="{}"><title>{}: {}</title></rect>',
        (
            (
                f"{(day - days[0][0]).days * step:.1f}",
                f"{HIGH - HIGH * count / most:.1f}",
                f"{max(step - 1, 1):.1f}",
                f"{HIGH * count / most:.1f}",
                shown_day(day),
                formats.number(count),
            )
            for day, count in days
        ),
    )
    said = _("%(first)s to %(last)s, at most %(most)s a day") % {
        "first": shown_day(days[0][0]),
        "last": shown_day(days[-1][0]),
        "most": formats.number(most),
    }
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}" preserveAspectRatio="none">'
        '<path class="estimate-axis" d="M0 {}H{}"/>{}</svg><p class="small muted">{}</p>',
        WIDE, HIGH + 1, said, HIGH + 0.5, WIDE, bars, said,
    )  # fmt: skip

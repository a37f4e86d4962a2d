"""Words and bars of the page of leaks."""

from collections.abc import Mapping
from datetime import datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from leadmgmt.core import formats
from leadmgmt.core.now import now
from leadmgmt.reports.leaks import Leak
from leadmgmt.reports.leaks_words import LEAKS

register = template.Library()


@register.simple_tag
def leak_name(kind: str) -> str:
    """What it is called."""
    return str(LEAKS[kind][0])


@register.simple_tag
def leak_about(kind: str) -> str:
    """What it means."""
    return str(LEAKS[kind][1])


@register.simple_tag
def leak_remedy(kind: str) -> str:
    """What can be done about all of them."""
    return str(LEAKS[kind][2])


@register.simple_tag
def leak_bar(leak: Leak, most: int) -> SafeString:
    """How many, as a length; the number stands beside it."""
    width = 100 * leak.count / most if most else 0
    return format_html(
        '<svg class="leak-bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="estimate-axis" d="M0 9.5H100"/>'
        '<rect class="leak-bar-fill" x="0" y="0" width="{}" height="9"/></svg>',
        f"{width:.1f}",
    )


@register.simple_tag
def limit_words(limits: Mapping[str, float]) -> str:
    """After how many days a lead counts as stuck."""
    words = {name: formats.number(days) for name, days in limits.items()}
    return _("New: %(new)s days, MQL: %(mql)s, SQL: %(sql)s.") % words


@register.filter
def since(moment: datetime | None) -> str:
    """How long ago."""
    return formats.relative(moment, at=now()) if moment else ""

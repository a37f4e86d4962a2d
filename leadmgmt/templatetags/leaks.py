"""Words and bars of the page of leaks."""

from collections.abc import Mapping
from datetime import datetime

from django import template
from django.utils.translation import gettext as _

from leadmgmt.core import formats
from leadmgmt.core.now import now
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
def limit_words(limits: Mapping[str, float]) -> str:
    """After how many days a lead counts as stuck."""
    words = {name: formats.number(days) for name, days in limits.items()}
    return _("New: %(new)s days, MQL: %(mql)s, SQL: %(sql)s.") % words


@register.filter
def since(moment: datetime | None) -> str:
    """How long ago."""
    return formats.relative(moment, at=now()) if moment else ""

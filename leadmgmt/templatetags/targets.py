"""How a target and what was reached of it are written."""

from decimal import Decimal

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leadmgmt.core import formats
from leadmgmt.reports.speed_words import waited
from leadmgmt.reports.targets import Aim
from leadmgmt.templatetags.reports import thousands

register = template.Library()

AIMS = {
    "kept": gettext_lazy("Promises kept"),
    "contacted": gettext_lazy("Leads contacted"),
    "first_touch": gettext_lazy("Median first touch"),
    "sqls": gettext_lazy("SQLs"),
    "accepted": gettext_lazy("Handoffs accepted"),
    "revenue": gettext_lazy("Revenue"),
}


@register.simple_tag
def aim_label(aim: Aim) -> str:
    """What is measured."""
    return str(AIMS[aim.measure])


@register.simple_tag
def aim_value(aim: Aim, value: Decimal | None) -> str:
    """A value in the measure's own unit."""
    if value is None:
        return formats.NOTHING
    if aim.is_share:
        return formats.percent(value / 100)
    if aim.measure == "first_touch":
        return waited(float(value) * formats.MINUTE)
    return thousands(value) if aim.measure == "revenue" else formats.number(value)


@register.filter
def aim_target(aim: Aim) -> str:
    """The target, and what of it is due by now where it grows with the month."""
    whole, due = aim_value(aim, aim.target), aim_value(aim, aim.due)
    return whole if due == whole else _("%(whole)s, %(due)s by now") % {"whole": whole, "due": due}

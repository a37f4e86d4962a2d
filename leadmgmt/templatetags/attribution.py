"""Words and figures of the attribution page."""

from collections.abc import Sequence
from decimal import Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from leadmgmt.core import formats
from leadmgmt.reports.attribution import Channel, Estimate
from leadmgmt.templatetags.reports import between, estimate, thousands, verdict

register = template.Library()


@register.filter
def cents(amount: Decimal) -> str:
    """An amount to the cent."""
    return formats.money(amount, decimals=2)


@register.simple_tag
def channel_name(channel: Channel, level: str) -> SafeString | str:
    """Its name, or that none was given."""
    if channel.name:
        return channel.name
    return format_html('<em class="muted">{}</em>', _("No campaign") if level == "campaign" else _("No source given"))


@register.simple_tag
def credit_cell(found: Estimate, models: Sequence[tuple[str, str]], place: int, most: float) -> SafeString:
    """What one model gives, with its interval on the scale that all cells share."""
    low, high = (thousands(part) for part in (found.interval.low, found.interval.high))
    said = f"{models[place][0]}: {thousands(found.amount)}, {between(low, high)}"
    bar = estimate(found.interval, float(found.amount), most)
    return format_html('<td title="{}"><span class="number">{}</span>{}</td>', said, thousands(found.amount), bar)


@register.simple_tag
def model_verdict(channel: Channel) -> SafeString | str:
    """Whether it has earned its cost, as far as the models agree."""
    if channel.returns is None:
        return verdict("")
    low, high = channel.returns
    return verdict("pays" if low > 1 else "loses" if high < 1 else "open")

"""Figures of routing as its pages write them."""

from decimal import Decimal

from django import template
from django.utils.translation import gettext

from routing.pages.certificate import signed as signed_words

register = template.Library()


@register.filter
def signed(balance: Decimal) -> str:
    """A balance with its sign."""
    return signed_words(balance)


@register.filter
def weight(share: Decimal) -> str:
    """A share without needless digits: 1, 0.5."""
    return f"{share.normalize():f}"


@register.filter
def translated(sentence: str) -> str:
    """A sentence that was stored in English, in the reader's language."""
    return gettext(sentence) if sentence else ""

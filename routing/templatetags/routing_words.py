"""Figures of routing as its pages write them."""

from datetime import datetime
from decimal import Decimal

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from routing.pages.certificate import signed as signed_words

register = template.Library()


@register.filter
def signed(balance: Decimal, digits: int = 2) -> str:
    """A balance with its sign."""
    return signed_words(balance, digits)


@register.filter
def precise(when: datetime) -> str:
    """A moment to the millisecond: 23 Nov 2026, 9:30:01.412."""
    there = timezone.localtime(when)
    return date_format(there, gettext("j M Y, G:i:s"), use_l10n=False) + f".{there.microsecond // 1000:03d}"


@register.filter
def weight(share: Decimal) -> str:
    """A share without needless digits: 1, 0.5."""
    return f"{share.normalize():f}"


@register.filter
def translated(sentence: str) -> str:
    """A sentence that was stored in English, in the reader's language."""
    return gettext(sentence) if sentence else ""

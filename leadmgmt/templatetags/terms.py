"""Columns of reports with their meaning on hover."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from leadmgmt.reports.definitions import DEFINITIONS

register = template.Library()


@register.simple_tag
def term(key: str) -> SafeString:
    """What a column is called, with what is counted as its title."""
    label, meaning = DEFINITIONS[key]
    return format_html('<abbr title="{}">{}</abbr>', meaning, label)

"""Counts as parts of a sentence, each with the verb that its number wants: “44 became SQL”, “1 was won”.

``shown`` stands for the number where a page makes it a link.
"""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadmgmt.core.formats import number


def leads(count: int) -> str:
    """“1 lead”, “12 leads”."""
    return ngettext("%(count)s lead", "%(count)s leads", count) % {"count": number(count)}


def sqls(count: int) -> str:
    """“1 SQL”, “12 SQLs”."""
    return ngettext("%(count)s SQL", "%(count)s SQLs", count) % {"count": number(count)}


def wins(count: int) -> str:
    """“1 win”, “12 wins”."""
    return ngettext("%(count)s win", "%(count)s wins", count) % {"count": number(count)}


def became_sql(count: int, shown: str = "") -> str:
    """How many qualified."""
    if not count:
        return _("none became SQL")
    return ngettext("%(n)s became SQL", "%(n)s became SQL", count) % {"n": shown or number(count)}


def were_won(count: int, shown: str = "") -> str:
    """How many were won."""
    if not count:
        return _("none was won")
    return ngettext("%(n)s was won", "%(n)s were won", count) % {"n": shown or number(count)}


def were_recycled(count: int, shown: str = "") -> str:
    """How many were recycled."""
    return ngettext("%(n)s was recycled", "%(n)s were recycled", count) % {"n": shown or number(count)}


def came_back(count: int, shown: str = "") -> str:
    """How many came back."""
    return ngettext("%(n)s came back", "%(n)s came back", count) % {"n": shown or number(count)}


def are_asleep(count: int, shown: str = "") -> str:
    """How many sleep until their wake-up date."""
    if not count:
        return _("None is asleep.")
    return ngettext("%(n)s is asleep.", "%(n)s are asleep.", count) % {"n": shown or number(count)}


def count_as_slowest(count: int) -> str:
    """What leads that were never touched mean for the median."""
    return ngettext(
        "The one never touched counts as slower than every other.",
        "Those never touched count as slower than every other.",
        count,
    )


def still_run(count: int, shown: str = "") -> str:
    """How many promises are not decided yet."""
    return ngettext(
        "%(n)s promise still runs and does not count yet.",
        "%(n)s promises still run and do not count yet.",
        count,
    ) % {"n": shown or number(count)}

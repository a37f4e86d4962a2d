"""The comparison with the period before as a person reads it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from leadmgmt.core import formats
from leadmgmt.reports.compared import Figure, Measure
from leadmgmt.reports.funnel_words import points
from leadmgmt.reports.speed_words import waited


@dataclass(frozen=True)
class Row:
    """One line of the comparison."""

    label: str
    value: str
    before: str
    change: str
    verdict: str


def rows_of(measures: Sequence[Measure]) -> list[Row]:
    """The comparison in words."""
    labels = _labels()
    return [
        Row(labels[one.figure.name], _shown(one.figure), _shown(one.earlier), _change(one), one.verdict)
        for one in measures
    ]


def _labels() -> dict[str, str]:
    return {
        "kept": _("Touched within the promise"),
        "never": _("Never touched"),
        "median": _("Median to the first touch"),
        "captured": _("Captured"),
        "sql": _("Became SQL"),
        "won": _("Were won"),
        "cost": _("Cost"),
        "per_sql": _("Cost per SQL"),
        "deals": _("Deals won"),
        "win_rate": _("Won of the deals that ended"),
        "revenue": _("Revenue"),
        "sent": _("Changes confirmed"),
        "came": _("Changes that came"),
        "within_minute": _("Confirmed within a minute"),
        "stuck": _("Got stuck"),
        "scored": _("Leads scored"),
        "graded_a": _("Graded A at first"),
        "a_sql": _("SQL of those graded A"),
        "others_sql": _("SQL of the others"),
        "slept": _("Put to sleep"),
        "back": _("Came back, by date or by themselves"),
        "alone": _("Came back by themselves"),
        "leaking": _("Run out at the end"),
        "leak_came": _("Began to run out"),
        "leak_stopped": _("Were seen to"),
        "accepted": _("Accepted by the AE, of what was decided"),
    }


def _shown(figure: Figure) -> str:
    if figure.value is None:
        return formats.NOTHING
    show = {
        "share": lambda value: formats.percent(value, 1),
        "count": formats.number,
        "level": formats.number,
        "money": formats.money,
        "seconds": waited,
    }
    return show[figure.unit](figure.value)


def _change(one: Measure) -> str:
    if one.change is not None:
        return _("%(points)s pt") % {"points": points(one.change.points)}
    if one.growth is None:
        return formats.NOTHING
    sign = "+" if one.growth > 0 else "−" if one.growth < 0 else "±"
    return f"{sign}{formats.percent(abs(one.growth))}"

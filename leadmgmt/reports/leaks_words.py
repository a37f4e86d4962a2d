"""The ways in which leads run out, in words, and the report's first sentence."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from leadmgmt.core import formats
from leadmgmt.reports.funnel_words import Sentence

# Kind → what it is called, what it means, what can be done about all of them at once.
LEAKS: dict[str, tuple[str | Promise, str | Promise, str | Promise]] = {
    "untouched": (
        gettext_lazy("Never contacted"),
        gettext_lazy("Somebody has them, and the promise of a first touch is over; without a promise, after a day."),
        gettext_lazy("Give them to somebody else"),
    ),
    "unowned": (
        gettext_lazy("Nobody's"),
        gettext_lazy("No rep has them and they wait for none."),
        gettext_lazy("Route them now"),
    ),
    "waiting": (
        gettext_lazy("In the waiting room"),
        gettext_lazy("No rule fits them, or nobody who could take them works."),
        gettext_lazy("Try again now"),
    ),
    "stuck": (
        gettext_lazy("Stuck in their stage"),
        gettext_lazy("Longer than nine of ten that went on, nothing done for a week, nothing planned."),
        gettext_lazy("Remind their reps"),
    ),
    "undecided": (
        gettext_lazy("Handed over, not decided"),
        gettext_lazy("The AE's time to accept or refuse is over."),
        gettext_lazy("Remind the AEs"),
    ),
    "dateless": (
        gettext_lazy("Recycled without a date"),
        gettext_lazy("Nobody wakes them up, and no programme looks after them."),
        gettext_lazy("Wake them up from this day on"),
    ),
}


def leaks_sentence(total: int, working: int, worst: str, count: int) -> Sentence:
    """How many run out, and where most of them do."""
    if not total:
        return Sentence(
            _("Nothing leaks."), _("Every lead has somebody who works it, or a day on which it comes back.")
        )
    finding = ngettext("%(n)s lead runs out unnoticed.", "%(n)s leads run out unnoticed.", total)
    words = {"kind": formats.inside(str(LEAKS[worst][0])), "n": formats.number(count)}
    where = _("Most of them: %(kind)s, %(n)s.") % words if count < total else f"{LEAKS[worst][0]}."
    worked = ngettext("%(n)s is being worked.", "%(n)s are being worked.", working) % {"n": formats.number(working)}
    return Sentence(finding % {"n": formats.number(total)}, f"{where} {worked}")

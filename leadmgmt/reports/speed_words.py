"""The speed report's first sentence."""

from math import isinf

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadmgmt.core.formats import duration, number, percent
from leadmgmt.reports.funnel_words import Sentence
from leadmgmt.reports.speed import Speed


def speed_sentence(speed: Speed) -> Sentence:
    """What a person would say first."""
    total = speed.total
    if not total.promised:
        return Sentence(_("No promise has come due in this period."), _("Choose a longer one."))
    kept = percent(total.share)
    if total.p50 is None or isinf(total.p50):
        finding = _("More than half of the leads were never touched.")
    else:
        finding = _("Half of the leads hear from a person within %(median)s, and %(kept)s within the promise.") % {
            "median": duration(total.p50),
            "kept": kept,
        }
    never = ngettext(
        "%(count)s lead was never touched and counts as slower than every other.",
        "%(count)s leads were never touched and count as slower than every other.",
        total.never,
    ) % {"count": number(total.never)}
    return Sentence(finding, never if total.never else _("Every one of them was touched."))

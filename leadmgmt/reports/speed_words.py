"""The speed report's first sentence."""

from math import isinf

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadmgmt.core.formats import HOUR, MINUTE, duration, number, percent, span
from leadmgmt.reports.funnel_words import Sentence
from leadmgmt.reports.speed import Speed


def speed_sentence(speed: Speed) -> Sentence:
    """What a person would say first."""
    total = speed.total
    if not total.promised:
        return Sentence(_("No promise has come due in this period."), _("Choose a longer one."))
    kept = percent(total.share)
    if total.promised == 1:
        return Sentence(_only(speed), _("One promise has come due so far."))
    if total.p50 is None or isinf(total.p50):
        finding = _("More than half of the leads were never touched.")
    else:
        finding = _("Half of the leads hear from a person within %(median)s, and %(kept)s within the promise.") % {
            "median": waited(total.p50),
            "kept": kept,
        }
    never = ngettext(
        "%(count)s lead was never touched and counts as slower than every other.",
        "%(count)s leads were never touched and count as slower than every other.",
        total.never,
    ) % {"count": number(total.never)}
    return Sentence(finding, never if total.never else _("Every one of them was touched."))


def waited(seconds: float) -> str:
    """A wait as one says it: “18 min”, “3 h 20 min”."""
    return duration(seconds) if round(seconds / MINUTE) * MINUTE >= HOUR else span(round(seconds / MINUTE) * MINUTE)


def _only(speed: Speed) -> str:
    total = speed.total
    if total.p50 is None or isinf(total.p50):
        return _("The lead was never touched.")
    words = _("The lead heard from a person within %(time)s, in time.")
    if not total.kept:
        words = _("The lead heard from a person within %(time)s, late.")
    return words % {"time": waited(total.p50)}

"""The morning page's first sentence."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadmgmt.core import formats
from leadmgmt.reports.funnel_words import Sentence
from leadmgmt.reports.morning import Measure, Morning


def morning_sentence(found: Morning) -> Sentence:
    """What was not as ever, and how much needs somebody."""
    unusual = found.unusual
    finding = (
        "; ".join(_said(one) for one in unusual[:2]) + "." if unusual else _("The last working day was like others.")
    )
    waiting = sum(leak.count for leak in found.needs)
    if not waiting:
        return Sentence(finding, _("Nothing waits for you."))
    rest = ngettext("%(n)s lead needs somebody.", "%(n)s leads need somebody.", waiting)
    return Sentence(finding, rest % {"n": formats.number(waiting)})


def _said(one: Measure) -> str:
    words = {"what": str(one.label), "n": formats.number(one.count), "usual": formats.number(one.usual, 1)}
    if one.verdict == "more":
        return _("%(what)s: %(n)s, more than the usual %(usual)s") % words
    return _("%(what)s: %(n)s, less than the usual %(usual)s") % words

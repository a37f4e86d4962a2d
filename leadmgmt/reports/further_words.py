"""First sentences of the reports on scoring, sync and nurture."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadmgmt.core import formats
from leadmgmt.reports.funnel_words import Sentence
from leadmgmt.reports.nurturing import Nurturing
from leadmgmt.reports.scoring import Scoring
from leadmgmt.reports.syncing import Syncing


def scoring_sentence(found: Scoring) -> Sentence:
    """Whether the grade tells SQLs apart, and whether the chances were right."""
    if not found.leads:
        return Sentence(_("No lead of this period was scored."), _("Choose a longer one."))
    change, best, worst = found.change, found.letters[0], found.letters[-1]
    if change is None or change.is_noise:
        finding = _("The grade does not tell SQLs apart yet.")
    else:
        words = {"a": formats.percent(best.rate), "d": formats.percent(worst.rate)}
        finding = (
            _("%(a)s of the As became SQL, %(d)s of the Ds.")
            if change.points > 0
            else _("Fewer As became SQL than Ds: %(a)s against %(d)s. The score misleads.")
        ) % words
    return Sentence(finding, _chances(found))


def _chances(found: Scoring) -> str:
    if not found.bands:
        return _("No chance to win was told for leads whose end is known.")
    wrong = [band for band in found.bands if not band.fits]
    if not wrong:
        return _("The chances to win were right, as far as can be told.")
    words = {"n": len(wrong), "all": len(found.bands)}
    return _("The chances to win were off in %(n)d of %(all)d groups.") % words


def syncing_sentence(found: Syncing) -> Sentence:
    """How long changes took, and what is stuck."""
    if not found.sent:
        return Sentence(_("No change went to a CRM in this period."), _("Choose a longer one."))
    slowest = max((line for line in found.lines if line.sent), key=lambda line: line.sent_p99 or 0)
    sent = ngettext("%(n)s change was confirmed", "%(n)s changes were confirmed", found.sent)
    finding = _("%(sent)s, 99 of 100 within %(time)s.") % {
        "sent": sent % {"n": formats.number(found.sent)},
        "time": formats.span(slowest.sent_p99 or 0) if (slowest.sent_p99 or 0) >= 60 else _seconds(slowest.sent_p99),
    }
    stuck = sum(line.stuck_total for line in found.lines)
    if not stuck:
        return Sentence(finding, _("Nothing is stuck."))
    words = ngettext("%(n)s is stuck.", "%(n)s are stuck.", stuck)
    return Sentence(finding, words % {"n": formats.number(stuck)})


def _seconds(value: float | None) -> str:
    return _("%(n)s s") % {"n": formats.number(value, 1)}


def nurturing_sentence(found: Nurturing) -> Sentence:
    """Which programmes bring people back, beyond those who would have come anyway."""
    if not found.lines:
        return Sentence(_("There is no programme yet."), _("Recycled leads sleep until their date."))
    sure = [line for line in found.lines if line.worth and line.worth.is_sure]
    better = [line.programme.name for line in sure if line.worth and line.worth.lift > 1]
    worse = [line.programme.name for line in sure if line.worth and line.worth.lift < 1]
    parts = []
    if better:
        parts.append(_("%(names)s: brings people back, for certain.") % {"names": _joined(better)})
    if worse:
        parts.append(_("%(names)s: keeps people away, for certain.") % {"names": _joined(worse)})
    asleep = ngettext("%(n)s lead sleeps.", "%(n)s leads sleep.", found.asleep) % {"n": formats.number(found.asleep)}
    return Sentence(" ".join(parts) or _("No programme is surely better than doing nothing."), asleep)


def _joined(names: Sequence[str]) -> str:
    return ", ".join(names)

"""The source report's first sentence: what can be ranked, and what cannot."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadmgmt.core.formats import number
from leadmgmt.reports.funnel_words import Sentence
from leadmgmt.reports.sources import SourceReturn, Sources


def sources_sentence(sources: Sources) -> Sentence:
    """What a person would say first."""
    if not sources.lines:
        return Sentence(_("No lead was first seen in this period."), _("Choose a longer one."))
    ranking, wins = sources.ranking, sources.total.won
    count = {"count": number(wins)}
    if not wins:
        return Sentence(_("Nothing can be ranked before something is won."), _returns(sources))
    if not ranking.ahead and not ranking.behind:
        finding = (
            ngettext("Cannot be ranked with %(count)s win.", "Cannot be ranked with %(count)s wins.", wins) % count
        )
        return Sentence(finding, _returns(sources))
    parts = []
    if ranking.ahead:
        parts.append(_("%(names)s win more often than the rest.") % {"names": joined(ranking.ahead)}
                     if len(ranking.ahead) > 1
                     else _("%(name)s wins more often than the rest.") % {"name": joined(ranking.ahead)})  # fmt: skip
    if ranking.behind:
        parts.append(_("%(names)s win less often.") % {"names": joined(ranking.behind)}
                     if len(ranking.behind) > 1
                     else _("%(name)s wins less often.") % {"name": joined(ranking.behind)})  # fmt: skip
    return Sentence(" ".join(parts), _returns(sources))


def joined(lines: Sequence[SourceReturn]) -> str:
    """Names as one says them."""
    names = [name_of(line) for line in lines]
    return names[0] if len(names) == 1 else _("%(first)s and %(last)s") % {
        "first": ", ".join(names[:-1]), "last": names[-1]
    }  # fmt: skip


def name_of(line: SourceReturn) -> str:
    """The name, or that none was given."""
    return line.name or _("No source given")


def _returns(sources: Sources) -> str:
    paying = [line for line in sources.lines if line.verdict == "pays"]
    losing = [line for line in sources.lines if line.verdict == "loses"]
    unsure = [line for line in sources.lines if line.verdict == "open"]
    if not (paying or losing or unsure):
        return _("Nobody has entered what the sources cost in this period.")
    parts = []
    if paying:
        words = ngettext(
            "%(names)s: earned more than it cost, for certain.",
            "%(names)s: earned more than they cost, for certain.",
            len(paying),
        )
        parts.append(words % {"names": joined(paying)})
    if losing:
        words = ngettext(
            "%(names)s: cost more than it has earned so far.",
            "%(names)s: cost more than they have earned so far.",
            len(losing),
        )
        parts.append(words % {"names": joined(losing)})
    if unsure:
        words = ngettext(
            "%(names)s: may have earned its cost or not.",
            "%(names)s: may have earned their cost or not.",
            len(unsure),
        )
        parts.append(words % {"names": joined(unsure)})
    return " ".join(parts)

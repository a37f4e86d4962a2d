"""The team report's first sentence."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadmgmt.core.formats import number
from leadmgmt.reports import counted
from leadmgmt.reports.funnel_words import Sentence
from leadmgmt.reports.statistics import difference, quantile
from leadmgmt.reports.team import TeamReport


def team_sentence(team: TeamReport) -> Sentence:
    """Who differs from the others by more than chance; mostly nobody does."""
    if not team.sdrs:
        return Sentence(_("Nobody received a lead in this period."), _("Choose a longer one."))
    leads = sum(line.received.leads for line in team.sdrs)
    sqls = sum(line.received.sqls for line in team.sdrs)
    wins = sum(line.deals.won for line in team.sdrs)
    rest = ngettext(
        "%(reps)s rep has received %(leads)s and has %(sqls)s and %(wins)s to their name.",
        "%(reps)s reps have received %(leads)s and have %(sqls)s and %(wins)s to their names.",
        len(team.sdrs),
    ) % {
        "reps": number(len(team.sdrs)),
        "leads": counted.leads(leads),
        "sqls": counted.sqls(sqls),
        "wins": counted.wins(wins),
    }
    if len(team.sdrs) == 1:
        return Sentence(_("There is nobody to compare with."), rest)
    above, below = _apart(team, leads, sqls)
    if not above and not below:
        return Sentence(_("Nobody's share of SQLs differs from the others' by more than chance."), rest)
    parts = []
    if above:
        parts.append(_("%(names)s: more SQLs from their leads than the others.") % {"names": ", ".join(above)})
    if below:
        parts.append(_("%(names)s: fewer.") % {"names": ", ".join(below)})
    return Sentence(" ".join(parts), rest)


def _apart(team: TeamReport, leads: int, sqls: int) -> tuple[list[str], list[str]]:
    above: list[str] = []
    below: list[str] = []
    z = quantile(len(team.sdrs))
    for line in team.sdrs:
        mine = line.received
        found = difference(mine.sqls, mine.leads, sqls - mine.sqls, leads - mine.leads, z)
        if found and not found.is_noise:
            (above if found.points > 0 else below).append(str(line.user))
    return above, below

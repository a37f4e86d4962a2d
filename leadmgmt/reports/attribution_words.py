"""The attribution report in words: who leads, in how many models, and where the models disagree most."""

from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from leadmgmt.core import formats
from leadmgmt.reports.attribution import MODELS, Attribution, Channel
from leadmgmt.reports.funnel_words import Sentence
from leadmgmt.reports.journeys import HALF_LIFE_DAYS, LOOKBACK_DAYS

NAMES: dict[str, str | Promise] = {
    "first": gettext_lazy("First touch"),
    "last": gettext_lazy("Last touch"),
    "linear": gettext_lazy("Linear"),
    "u": gettext_lazy("U 40/40/20"),
    "w": gettext_lazy("W 30/30/30/10"),
    "decay": gettext_lazy("Decay"),
    "markov": gettext_lazy("Markov"),
    "shapley": gettext_lazy("Shapley"),
}
# A channel with less than this part of the revenue is too small to speak of its models.
WORTH_SAYING = 0.05


def model_names() -> list[tuple[str, str]]:
    """Each model's name and what it does, in the order of the columns."""
    about = {
        "first": _("All to the company's first touch."),
        "last": _("All to the last touch before the deal was won."),
        "linear": _("The same to every touch."),
        "u": _("40 % to the first touch, 40 % to the one that began the lead, 20 % to the others."),
        "w": _(
            "30 % each to the first touch, the one that began the lead, the last before the deal; 10 % to the others."
        ),
        "decay": _("Half as much for every %(days)d days before the win.") % {"days": HALF_LIFE_DAYS},
        "markov": _("What part of the wins would be missing without it, learned from won and lost journeys."),
        "shapley": _("What it adds on average to any others, learned from won and lost journeys."),
    }
    return [(str(NAMES[model]), about[model]) for model in MODELS]


def name_of(channel: Channel) -> str:
    """The name, or that none was given."""
    return channel.name or _("No source given")


def attribution_sentence(found: Attribution) -> Sentence:
    """What a person would say first."""
    if not found.deals:
        return Sentence(_("No deal was closed in this period."), _("Choose a longer one."))
    if not found.channels:
        return Sentence(_("No deal with an amount was won in this period."), _("There is no revenue to share out."))
    wins = found.wins
    ahead = found.group("ahead")
    if not ahead:
        words = ngettext("Cannot be ranked with %(n)s win.", "Cannot be ranked with %(n)s wins.", wins)
        return Sentence(words % {"n": formats.number(wins)}, _disagreement(found))
    if len(ahead) > 1:
        finding = _("%(names)s are ahead of the rest.") % {"names": joined(ahead)}
    else:
        count = found.firsts.get(ahead[0].key, 0)
        finding = _("%(name)s leads in %(count)d of %(models)d models.") % {
            "name": name_of(ahead[0]),
            "count": count,
            "models": len(MODELS),
        }
    return Sentence(finding, f"{_disagreement(found)} {_unranked(found)}".strip())


def _disagreement(found: Attribution) -> str:
    """Where first and last touch say most different things."""
    large = [one for one in found.channels if one.highest >= found.revenue * _decimal(WORTH_SAYING)]
    pairs = [(one, one.estimates[0].amount, one.estimates[1].amount) for one in large]
    pairs = [pair for pair in pairs if min(pair[1:]) * 2 < max(pair[1:])]
    if not pairs:
        return ""
    channel, first, last = max(pairs, key=lambda pair: abs(pair[1] - pair[2]))
    words = {"name": name_of(channel), "first": formats.money(first), "last": formats.money(last)}
    if first > last:
        said = _("%(name)s opens journeys but seldom closes them: first touch gives it %(first)s, last touch %(last)s.")
    else:
        said = _("%(name)s closes what others open: last touch gives it %(last)s, first touch %(first)s.")
    return said % words


def _unranked(found: Attribution) -> str:
    rest = found.group("open")
    if len(rest) < 2:
        return ""
    wins = {"n": formats.number(found.wins), "names": joined(rest)}
    words = ngettext(
        "%(names)s cannot be ranked with %(n)s win.", "%(names)s cannot be ranked with %(n)s wins.", found.wins
    )
    return words % wins


def joined(channels: list[Channel]) -> str:
    """Names as one says them; of many only the first three."""
    names = [name_of(one) for one in channels]
    if len(names) > 4:
        return _("%(names)s and %(n)d others") % {"names": ", ".join(names[:3]), "n": len(names) - 3}
    if len(names) == 1:
        return names[0]
    return _("%(first)s and %(last)s") % {"first": ", ".join(names[:-1]), "last": names[-1]}


def basis() -> str:
    """What is counted, and by which days."""
    return _(
        "Deals by the day they closed. A journey holds the touches of everybody at the company in the %(days)d days "
        "before, back to the end of its last deal; opening an e-mail is no touch."
    ) % {"days": LOOKBACK_DAYS}


def _decimal(share: float) -> Decimal:
    return Decimal(str(share))

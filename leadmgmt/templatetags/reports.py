"""Words and figures of the report pages."""

from collections.abc import Sequence
from decimal import Decimal
from math import isinf
from typing import Any

from django import template
from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from leadmgmt.core import formats
from leadmgmt.reports import counted
from leadmgmt.reports.by_source import SourceLine
from leadmgmt.reports.funnel import Exit, Funnel, Step
from leadmgmt.reports.funnel_words import points
from leadmgmt.reports.sources import Ranking, SourceReturn, position
from leadmgmt.reports.sources_words import name_of
from leadmgmt.reports.speed import Line, Speed
from leadmgmt.reports.speed_words import waited
from leadmgmt.reports.statistics import Difference, Interval
from leadmgmt.reports.team import SdrLine
from leadmgmt.templatetags.ui import icon
from routing.pages.timing import short

register = template.Library()


@register.filter
def plain(value: float) -> str:
    """A length for an attribute: a point whatever the language."""
    return f"{value:.1f}".rstrip("0").rstrip(".")


@register.filter
def at(values: Sequence[Any], index: int) -> Any:
    """One of several."""
    return values[index]


@register.simple_tag
def stage_word(stage: str) -> str:
    """A stage as a report names it: the first one is everybody captured."""
    words = {"new": _("Captured"), "mql": "MQL", "sql": "SQL", "won": pgettext("stage", "Won")}
    return words.get(stage) or pgettext("stage", "Opportunity")


@register.simple_tag
def figure(count: int, url: str) -> SafeString | str:
    """A number that opens the leads behind it; nothing to open behind a zero."""
    shown = formats.number(count)
    return format_html('<a href="{}">{}</a>', url, shown) if count else shown


@register.filter
def pause(seconds: float | None) -> str:
    """A median time between two stages; “at once” where it is under a second."""
    return _("at once") if seconds is not None and seconds < 1 else formats.duration(seconds)


@register.simple_tag
def ending_word(stage: str, ending: str) -> str:
    """How leads that got no further stand today."""
    if ending == "open":
        still = {"new": _("still new"), "mql": _("still MQL"), "sql": _("still SQL")}
        return still.get(stage) or _("still open")
    if ending == "recycled" and stage == "opportunity":
        return _("lost, recycled")
    return {"recycled": _("recycled"), "disqualified": _("disqualified")}[ending]


@register.simple_tag
def change(found: Difference | None) -> str:
    """A difference in points, with the word where it may be chance."""
    if found is None:
        return formats.NOTHING
    words = {"points": points(found.points)}
    return _("%(points)s pt, noise") % words if found.is_noise else _("%(points)s pt") % words


@register.simple_tag
def change_class(found: Difference | None, place: str) -> str:
    """Colour only where the difference is no chance; ``place`` is flow (in the picture) or text."""
    up, down, faint = ("flow-up", "flow-down", "chart-faint") if place == "flow" else ("good", "bad", "faint")
    if found is None or found.is_noise:
        return faint
    return up if found.points > 0 else down


@register.simple_tag
def came_back(funnel: Funnel) -> SafeString:
    """How many came back, opening them."""
    total = funnel.total
    return linked(counted.came_back(total.returned, "%(n)s"), n=figure(total.returned, funnel.loop_url("returned")))


@register.simple_tag
def return_words(funnel: Funnel) -> SafeString:
    """What became of those who were recycled, every figure opening its leads."""
    total = funnel.total
    words = {
        "recycled": figure(total.recycled, funnel.loop_url("recycled")),
        "share": formats.percent(total.returned / total.recycled if total.recycled else None, 1),
        "sql": figure(total.returned_sql, funnel.loop_url("sql")),
        "won": figure(total.returned_won, funnel.loop_url("won")),
        "asleep": figure(total.asleep, funnel.filters.leads_url(stage="recycled")),
    }
    asleep = counted.are_asleep(total.asleep, "%(asleep)s")
    if not total.returned:
        recycled = counted.were_recycled(total.recycled, "%(recycled)s")
        return linked(_("%(recycled)s, and nobody has come back yet.") % {"recycled": recycled} + f" {asleep}", **words)
    fate = _("of %(recycled)s recycled (%(share)s): %(sql)s, %(won)s.") % {
        "recycled": "%(recycled)s",
        "share": "%(share)s",
        "sql": counted.became_sql(total.returned_sql, "%(sql)s"),
        "won": counted.were_won(total.returned_won, "%(won)s"),
    }
    return linked(f"{fate} {asleep}", **words)


def linked(sentence: str, **parts: SafeString | str) -> SafeString:
    """A sentence of ours with links in its places."""
    shown = {name: conditional_escape(part) for name, part in parts.items()}
    return SafeString(escape(sentence) % shown)


@register.simple_tag
def touched_words(speed: Speed) -> SafeString:
    """How the promises were kept, every figure opening its leads."""
    total, urls = speed.total, speed.urls
    words = {
        "kept": figure(total.kept, urls["kept"]),
        "leads": format_html('<a href="{}">{}</a>', urls["made"], counted.leads(total.promised)),
        "late": figure(total.late, urls["late"]),
        "never": figure(total.never, urls["never"]),
        "running": figure(total.running, urls["running"]),
    }
    sentence = _("%(kept)s of %(leads)s touched in time, %(late)s late, %(never)s never.")
    if total.never:
        sentence += " " + counted.count_as_slowest(total.never)
    if total.running:
        sentence += " " + counted.still_run(total.running, "%(running)s")
    return linked(sentence, **words)


@register.simple_tag
def notified_words(speed: Speed) -> SafeString:
    """How many leads reached an owner at once, and how many had to wait for one."""
    told, late = speed.notified.told, speed.notified.waited
    sentence = ngettext(
        "%(told)s lead that somebody could take at once, without anybody's doing.",
        "%(told)s leads that somebody could take at once, without anybody's doing.",
        told,
    )
    if late:
        sentence += " " + ngettext(
            "%(waited)s more waited for somebody to come to work.",
            "%(waited)s more waited for somebody to come to work.",
            late,
        )
    urls = {name: speed.filters.leads_url(notified=name) for name in ("told", "waited")}
    return linked(sentence, told=figure(told, urls["told"]), waited=figure(late, urls["waited"]))


@register.filter
def exits(step: Step) -> list[Exit | None]:
    """The three ways of ending, in the order of the table's columns."""
    by_ending = {way.ending: way for way in step.exits}
    return [by_ending.get(ending) for ending in ("recycled", "disqualified", "open")]


@register.simple_tag
def interval_words(found: Interval | None) -> str:
    """“95 % between 12.1 % and 18.9 %”."""
    if found is None:
        return ""
    return between(formats.percent(found.low, 1), formats.percent(found.high, 1))


def between(low: str, high: str) -> str:
    """An interval in words, the figure and its sign never on two lines."""
    words = _("95 %% between %(low)s and %(high)s") % {"low": low, "high": high}
    return words.replace(" %", f"{formats.NBSP}%")


@register.filter
def signed(value: float) -> str:
    """A figure between -1 and 1 with its sign: +0.31."""
    shown = formats.number(abs(value), 2)
    return f"{'+' if value >= 0 else '−'}{shown}"


@register.simple_tag
def signed_words(found: Interval) -> str:
    """“95 % between +0.12 and +0.48”."""
    return between(signed(found.low), signed(found.high))


@register.filter
def won_share(line: SourceLine) -> float:
    """The share of a source's leads that were won."""
    return line.line.won / line.line.captured


@register.filter
def sql_share(funnel: Funnel) -> float | None:
    """The share of all leads that became SQL."""
    return funnel.total.sql / funnel.total.captured if funnel.total.captured else None


@register.filter
def thousands(amount: Decimal | float | None) -> str:
    """An amount in thousands where it is one: € 583 k."""
    if amount is None:
        return formats.NOTHING
    whole = Decimal(amount)
    if abs(whole) < 10_000:
        return formats.money(whole)
    shown = formats.number(round(whole / 1000))
    return formats.money(round(whole / 1000)).replace(shown, _("%(thousands)s k") % {"thousands": shown})


@register.filter
def span(seconds: float | None) -> str:
    """A time to first touch; “never” where most were not touched at all."""
    return _("never") if seconds is not None and isinf(seconds) else formats.duration(seconds)


@register.simple_tag
def percentile_words(line: Line) -> str:
    """How long the slower ones waited; where that has no end, how many never heard from anybody."""
    if line.p90 is None or isinf(line.p90):
        return _("More than one in ten was never touched.")
    nine = _("Nine of ten within %(time)s") % {"time": waited(line.p90)}
    if line.p99 is None or isinf(line.p99):
        return _("%(nine)s; more than one in a hundred was never touched.") % {"nine": nine}
    return _("%(nine)s, 99 of 100 within %(time)s.") % {"nine": nine, "time": waited(line.p99)}


@register.filter
def finely(seconds: float) -> str:
    """A span of a machine's work: 12 ms, 1.01 s, 3:20."""
    return short(seconds) if seconds < formats.MINUTE else formats.span(seconds)


@register.filter
def precisely(seconds: float | None) -> str:
    """A short time with tenths of a second: 0.4 s, 12.0 s; minutes beyond."""
    if seconds is None or seconds >= 60:
        return formats.duration(seconds)
    return _("%(seconds)s s") % {"seconds": formats.number(seconds, 1)}


@register.simple_tag
def share_of(count: int, total: int) -> str:
    """A share with one decimal."""
    return formats.percent(count / total if total else None, 1)


@register.filter
def return_win_share(line: SourceReturn) -> float | None:
    """The share of a source's leads that were won."""
    return line.line.won / line.line.captured if line.line.captured else None


@register.filter
def sdr_share(line: SdrLine) -> float | None:
    """The share of an SDR's leads that became SQL."""
    return line.received.sqls / line.received.leads if line.received.leads else None


@register.simple_tag
def estimate(found: Interval | None, value: float | None, most: float = 1.0) -> SafeString | str:
    """An interval with its estimate on an axis from 0 to ``most``; the figure stands beside it."""
    if found is None or value is None or not most:
        return ""
    low, mark, high = (min(part / most, 1) * 100 for part in (found.low, value, found.high))
    return _bar(low, mark, high, "", "M0 5H100")


def _bar(low: float, mark: float, high: float, tone: str, axis: str) -> SafeString:
    return format_html(
        '<svg class="estimate" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="estimate-axis" d="{}"/><path class="estimate-range{}" d="M{} 5H{}"/>'
        '<rect class="estimate-dot" x="{}" y="1" width="2.4" height="8"/></svg>',
        axis,
        f" estimate-range--{tone}" if tone else "",
        f"{low:.1f}",
        f"{high:.1f}",
        f"{min(max(mark - 1.2, 0), 97.6):.1f}",
    )


@register.simple_tag
def return_bar(line: SourceReturn) -> SafeString | str:
    """A return with its interval on a log scale from 0.1 to 100, the break-even marked."""
    if line.bar is None:
        return ""
    tone = {"pays": "sure", "loses": "loss"}.get(line.verdict, "")
    return _bar(*line.bar, tone, f"M{position(1):.1f} 0V10M0 5H100")


@register.simple_tag
def return_interval_words(line: SourceReturn) -> str:
    """“95 % between 2.1 and 7.9”."""
    found = line.return_interval
    if found is None:
        return ""
    return between(formats.number(found.low, 1), formats.number(found.high, 1))


@register.simple_tag
def verdict(word: str) -> SafeString | str:
    """Whether a source has earned its cost, as far as the interval says."""
    marks = {
        "pays": ("badge--good", "check", _("pays")),
        "loses": ("badge--bad", "alert", _("not yet")),
        "open": ("", "dice", _("open")),
    }
    if word not in marks:
        return format_html('<span class="faint">{}</span>', _("no cost entered"))
    tone, name, label = marks[word]
    return format_html('<span class="badge {}">{}{}</span>', tone, icon(name), label)


@register.simple_tag
def rank_badge(rank: str) -> SafeString:
    """How a source's win rate stands against all the others together."""
    marks = {
        "ahead": ("badge--good", "arrow-up", _("more often")),
        "behind": ("badge--warn", "arrow-down", _("less often")),
    }
    if rank not in marks:
        return format_html('<span class="faint">{}</span>', _("noise"))
    tone, name, label = marks[rank]
    return format_html('<span class="badge {}">{}{}</span>', tone, icon(name), label)


@register.simple_tag
def names(lines: Sequence[SourceReturn]) -> str:
    """Sources by name."""
    return ", ".join(name_of(line) for line in lines)


@register.simple_tag
def rank_words(ranking: Ranking) -> str:
    """How many wins there are among those that cannot be ranked, and what telling two of them apart would take."""
    if not ranking.unranked:
        return _("Each one differs from the rest for certain.")
    wins = ngettext("%(count)s win among them.", "%(count)s wins among them.", ranking.unranked_wins) % {
        "count": formats.number(ranking.unranked_wins)
    }
    if not ranking.pair or not ranking.needed:
        return wins
    return (
        wins
        + " "
        + _("About %(needed)s leads each would tell %(first)s from %(last)s.")
        % {
            "needed": formats.number(round_up(ranking.needed)),
            "first": name_of(ranking.pair[0]),
            "last": name_of(ranking.pair[1]),
        }
    )


def round_up(value: int) -> int:
    """Two leading digits are enough for an estimate."""
    step = int("1" + "0" * max(len(str(value)) - 2, 0))
    return -(-value // step) * step

"""How the desk writes times, figures and numbers in its templates."""

from datetime import datetime
from typing import Any

import phonenumbers
from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language_info, gettext

from leadmgmt.core import formats
from leads.models import Contact, Lead
from qualification import forms
from qualification.desk.advice import ask_words, next_step_words, why_off
from qualification.desk.facts import may_be_called
from qualification.desk.panels import Assessment, ScorePanel
from qualification.desk.queue import Row
from qualification.desk.workspace import Standing
from qualification.models import Activity

register = template.Library()


@register.filter
def wall_time(when: datetime | None, at: datetime) -> str:
    """A moment to come: 11:30, Mon 9:00."""
    return formats.wall_time(when, at=at) if when else ""


@register.filter
def short_time(when: datetime, at: datetime) -> str:
    """A moment that was: 9:30 today, Fri 16:12 this week, 12 Nov before."""
    there, here = timezone.localtime(when), timezone.localtime(at)
    if there.date() == here.date():
        return formats.clock_time(when)
    if 0 <= (here.date() - there.date()).days < 6:
        return date_format(there, gettext("D G:i"), use_l10n=False)
    return formats.day(when, at=at)


@register.filter
def day_and_time(when: datetime) -> str:
    """Monday 23 November, 9:41."""
    return date_format(timezone.localtime(when), gettext("l j F, G:i"), use_l10n=False)


@register.filter
def phone(number: str) -> str:
    """A number as people read it: +49 721 5550 1840."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


@register.filter
def language_name(code: str) -> str:
    """A language in the reader's own."""
    try:
        return str(get_language_info(code)["name_translated"]) if code else ""
    except KeyError:
        return code


@register.filter
def percent_figure(share: float | None) -> str:
    """A share as a figure without the sign."""
    return "" if share is None else formats.number(share * 100)


@register.filter
def points(value: float) -> str:
    """+9 pt, −4 pt."""
    sign = "+" if value >= 0 else "−"
    return gettext("%(points)s pt") % {"points": f"{sign}{formats.number(abs(value))}"}


@register.filter
def chance(panel: ScorePanel | None) -> str:
    """38 % likely to win (29 to 47 %); nothing while too little has been learned."""
    score = panel.score if panel else None
    if score is None or score.win_probability is None:
        return ""
    words = gettext("%(chance)s likely to win") % {"chance": formats.percent(score.win_probability)}
    return f"{words} ({interval(panel)})" if interval(panel) else words


@register.filter
def interval(panel: ScorePanel | None) -> str:
    """29 to 47 %."""
    score = panel.score if panel else None
    if score is None or score.win_low is None or score.win_high is None:
        return ""
    words = {"low": formats.number(score.win_low * 100), "high": formats.percent(score.win_high)}
    return gettext("%(low)s to %(high)s") % words


@register.filter
def last_event(row: Row, at: datetime) -> str:
    """What happened last on this lead, in two or three words."""
    situation, lead = row.situation, row.lead
    last = situation.last
    if last is None or lead.last_touch_at > last.at:
        return gettext("came %(ago)s") % {"ago": formats.relative(lead.last_touch_at, at=at)}
    words = {"what": last_word(last), "when": short_time(last.at, at)}
    return gettext("%(what)s %(when)s") % words


def last_word(activity: Activity) -> str:
    """An activity in one or two words."""
    words: dict[str, str] = {
        Activity.Disposition.CONNECTED: gettext("spoke"),
        Activity.Disposition.NO_ANSWER: gettext("no answer"),
        Activity.Disposition.VOICEMAIL: gettext("voicemail"),
        Activity.Disposition.CALL_BACK: gettext("call back"),
        Activity.Disposition.BAD_NUMBER: gettext("wrong number"),
        Activity.Disposition.SENT: gettext("e-mail"),
        Activity.Disposition.HELD: gettext("met"),
        Activity.Disposition.BOOKED: gettext("booked"),
    }
    return words.get(activity.disposition, gettext("touched"))


@register.simple_tag
def snooze_choices(at: datetime) -> list[tuple[str, Any, datetime]]:
    """Usual times to put a lead aside until."""
    return forms.snooze_choices(at)


@register.filter
def chance_words(panel: ScorePanel) -> str:
    """38 % likely to win, without its interval."""
    share = panel.score.win_probability
    return "" if share is None else gettext("%(chance)s likely to win") % {"chance": formats.percent(share)}


@register.filter
def iso(when: datetime) -> str:
    """A moment as a program writes it, to the microsecond."""
    return when.isoformat()


@register.filter
def milliseconds(value: int) -> str:
    """12 ms, 1.4 s, or a longer span."""
    if value < 1000:
        return gettext("%(count)d ms") % {"count": value}
    if value < 60_000:
        return gettext("%(count)s s") % {"count": formats.number(value / 1000, 1)}
    return formats.duration(value / 1000)


@register.filter
def headline_icon(standing: Standing) -> str:
    """A bell where somebody waits for us, else how it is done."""
    is_awaited = standing.situation.lead.is_working and standing.plan.is_promise
    return "bell" if is_awaited else standing.headline.icon


@register.filter
def next_step(standing: Standing) -> str:
    """What comes next, as an instruction."""
    return next_step_words(standing)


@register.filter
def ask_for(assessment: Assessment) -> str:
    """What to ask for, and what happens then."""
    return ask_words(assessment)


@register.filter
def why_no_opportunity(assessment: Assessment, lead: Lead) -> str:
    """Why the button is off, or that it is not needed."""
    return why_off(assessment, lead)


@register.simple_tag
def sure(confidence: int) -> SafeString:
    """Confidence as five bars."""
    label = gettext("confidence %(value)d of 5") % {"value": confidence}
    bars = ((number * 7, "on" if number < confidence else "off") for number in range(5))
    rects = format_html_join("", '<rect class="sure-{1}" x="{0}" width="5" height="8" rx="1"/>', bars)
    return format_html('<svg class="sure" viewBox="0 0 34 8" role="img" aria-label="{}">{}</svg>', label, rects)


@register.filter
def may_call(contact: Contact, at: datetime) -> bool:
    """Whether it is an hour to be called where they are."""
    return may_be_called(contact, at)

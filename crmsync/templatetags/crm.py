"""The marks of handoffs and deals as template tags."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crmsync.models import Alert, Breaker, Handoff, HookRefusal, Link, Opportunity
from crmsync.pages.apart import Apart
from crmsync.pages.health import Health
from crmsync.setup_forms import NAMES
from leadmgmt.core import formats
from leadmgmt.core.kept_words import reworded

register = template.Library()

TONES = {
    Handoff.Status.OFFERED: ("", "clock"),
    Handoff.Status.ACCEPTED: ("badge--good", "check"),
    Handoff.Status.REFUSED: ("badge--bad", "cross"),
    Handoff.Status.WITHDRAWN: ("", "replay"),
}
DEAL_TONES = {
    Opportunity.Stage.OPEN: ("stage--opportunity", "stage-opportunity"),
    Opportunity.Stage.WON: ("stage--won", "stage-won"),
    Opportunity.Stage.LOST: ("stage--disqualified", "stage-disqualified"),
}


@register.simple_tag
def handoff_badge(handoff: Handoff) -> SafeString:
    """What became of a handoff: a word and its icon."""
    tone, name = TONES[Handoff.Status(handoff.status)]
    return _badge(name, tone, handoff.get_status_display())


@register.simple_tag
def handoff_heading(handoff: Handoff) -> str:
    """The decision in a few words, as a heading."""
    when = formats.moment(handoff.decided_at) if handoff.decided_at else ""
    return {
        Handoff.Status.OFFERED: _("Not decided yet"),
        Handoff.Status.ACCEPTED: _("Accepted by %(ae)s, %(when)s"),
        Handoff.Status.REFUSED: _("Refused by %(ae)s, %(when)s"),
        Handoff.Status.WITHDRAWN: _("Withdrawn, %(when)s"),
    }[Handoff.Status(handoff.status)] % {"ae": handoff.ae, "when": when}


@register.simple_tag
def deal_stage(deal: Opportunity) -> SafeString:
    """Open, won or lost, with the glyph of the stage it leads to."""
    tone, glyph = DEAL_TONES[Opportunity.Stage(deal.stage)]
    return format_html(
        '<span class="stage {}"><svg class="icon" aria-hidden="true"><use href="#{}"/></svg>{}</span>',
        tone,
        glyph,
        deal.get_stage_display(),
    )


@register.simple_tag
def sync_mark(state: str) -> SafeString:
    """How a deal on the board stands with Leadmgmt."""
    name, tone, words = {
        "synced": ("check", "", _("synced")),
        "coming": ("sync", "badge--accent", _("on its way")),
        "held": ("alert", "badge--warn", _("held")),
        "alone": ("link", "", _("no lead")),
    }[state]
    return _badge(name, tone, words)


@register.simple_tag
def connection_mark(state: str) -> SafeString:
    """How a connection is."""
    name, tone, words = {
        "good": ("check", "badge--good", _("works")),
        "late": ("alert", "badge--warn", _("late")),
        "resting": ("pause", "badge--bad", _("rests after failures")),
        "off": ("pause", "", _("off")),
    }[state]
    return _badge(name, tone, words)


@register.simple_tag
def refusal_words(refusal: HookRefusal) -> str:
    """How many webhooks were refused, and why."""
    why = {
        "BadSignature": _("not signed with our secret"),
        "Stale": _("signed too long ago"),
        "Malformed": _("not readable"),
    }.get(refusal.why, refusal.why)
    words = {"n": formats.number(refusal.count), "why": why}
    return ngettext("%(n)s webhook refused: %(why)s", "%(n)s webhooks refused: %(why)s", refusal.count) % words


@register.filter
def field_name(name: str) -> str:
    """A field of a deal, as people call it."""
    return str(NAMES.get(name, name))


@register.filter
def rest_words(breaker: Breaker) -> str:
    """Which direction rests, and until when."""
    words = _("sends nothing until %(time)s")
    if breaker.scope == Breaker.Scope.READS:
        words = _("reads nothing until %(time)s")
    return words % {"time": formats.clock_time(breaker.open_until) if breaker.open_until else ""}


def _badge(name: str, tone: str, words: str) -> SafeString:
    return format_html(
        '<span class="badge {}"><svg class="icon" aria-hidden="true"><use href="#icon-{}"/></svg>{}</span>',
        tone,
        name,
        words,
    )


@register.filter
def health_sentence(health: Health) -> str:
    """The first thing an admin wants to know."""
    if not health.lines:
        return _("Nothing is connected, so nothing is synced.")
    given_up = sum(line.dead + line.held for line in health.lines) + len(health.apart)
    if given_up:
        return ngettext("%(n)d change needs you.", "%(n)d changes need you.", given_up) % {"n": given_up}
    if any(line.state in ("late", "resting") for line in health.lines):
        return _("A CRM does not answer. Nothing is lost; everything waits in order.")
    return _("Everything is sent and applied, nothing needs you.")


@register.simple_tag
def drift_words(kind: str) -> str:
    """A kind of difference between both sides, in words."""
    words = {
        "missing_remote": _("missing in the CRM"),
        "missing_local": _("with our key and unknown here"),
        "field_diff": _("with other values"),
        "duplicate_key": _("with a key that another one has"),
        "orphan_link": _("quarantined"),
        "deleted": _("deleted there"),
        "merged": _("merged there"),
        "stage_unmapped": _("in a stage that is not mapped"),
    }
    return words.get(kind, kind)


@register.simple_tag
def apart_words(apart: Apart) -> str:
    """What has happened to a deal's record, and what that means."""
    link = apart.link
    if link.apart_why:
        return reworded(link.apart_why)
    if link.state == Link.State.REMOTE_DELETED:
        return _("Its record %(id)s was deleted there. Here it is open as before.") % {"id": link.remote_id}
    words = {"id": link.remote_id, "into": link.merged_into}
    if apart.twin:
        words["deal"] = apart.twin.opportunity.name
        return _("Its record %(id)s was merged into %(into)s there, which is our deal “%(deal)s”.") % words
    return _("Its record %(id)s was merged into %(into)s there.") % words


@register.simple_tag
def conflict_words(rule: str) -> str:
    """Why a value lost, in words."""
    words = {
        "keep_ours": _("both changed it; ours counts"),
        "take_theirs": _("both changed it; theirs counts"),
        "drift": _("changed there, although it is ours"),
        "unreadable": _("cannot be read here"),
        "owner unknown here": _("nobody here has this address"),
        "lifecycle forbids": _("a lead in this stage cannot follow"),
    }
    return words.get(rule, rule)


@register.simple_tag
def alert_words(alert: Alert) -> str:
    """What is the matter, and what an admin does about it."""
    words = {"n": alert.detail, "why": alert.detail}
    return {
        Alert.Kind.OLD: _("%(n)s changes have waited for more than a quarter of an hour."),
        Alert.Kind.DEAD: _("%(n)s were given up. Below stands why; try them again or skip them."),
        Alert.Kind.HELD: _("%(n)s wait for a decision; it is asked for below."),
        Alert.Kind.APART: _("%(n)s stand apart from their record in the CRM; a decision is asked for below."),
        Alert.Kind.RESTING: _(
            "For more than ten minutes: %(why)s Nothing is lost; what waits goes as soon as it is back."
        ),
        Alert.Kind.LAG: _("What happened there in the last %(n)s minutes has not been read yet."),
        Alert.Kind.SKEW: _(
            "The CRM's clock is %(n)s seconds ahead of ours. Set the clock of this server, or tell the CRM's people."
        ),
        Alert.Kind.DRIFT: _("%(n)s records differ, more than one in a thousand. The table below says in what."),
        Alert.Kind.SILENT: _(
            "Reading finds changes that no webhook told of. Look in the CRM whether it still sends them. "
            "Nothing is missed meanwhile, it only comes later."
        ),
        Alert.Kind.QUOTA: _(
            "%(n)s calls of the day are left in the CRM. What people do still goes; everything else waits. "
            "Look in the CRM who else uses its interface."
        ),
        Alert.Kind.ROUTING: _("Owners and customers are not up to date: %(why)s"),
    }[Alert.Kind(alert.kind)] % words

"""What people are told about: each kind of news, its words, and the mail that goes with it.

Higher apps add their own kinds with `register_notice` from their AppConfig.ready.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from leadmgmt.core import formats
from leads.models import Lead
from routing.models import Notification

Words = Callable[[Notification], str]


@dataclass(frozen=True)
class Notice:
    """One kind of news. ``title`` is one line, ``line`` says more; both in the language that is active.

    ``mail`` names the templates ``<mail>.txt`` and ``<mail>.html``. ``url`` is where "Show" leads to.
    """

    kind: str
    title: Words
    line: Words
    url: Words
    mail: str = "routing/mail/lead"


_notices: dict[str, Notice] = {}


def register_notice(notice: Notice) -> None:
    """Add a kind of news. Registering a kind again replaces it."""
    _notices[notice.kind] = notice


def notice_of(notification: Notification) -> Notice:
    """How this news is worded; a kind that nobody registered is told by what its context says."""
    return _notices.get(notification.kind, PLAIN)


def lead_url(lead_id: int | None) -> str:
    """The lead's page (an address relied on from outside)."""
    return f"/leads/{lead_id}/" if lead_id else "/"


def who(lead: Lead | None) -> str:
    """The person and their company, as a line's beginning."""
    if lead is None:
        return ""
    company = lead.contact.company
    return f"{lead.contact.name} · {company.name}" if company else lead.contact.name


def _context(notification: Notification, name: str) -> str:
    context: dict[str, Any] = notification.context
    return str(context.get(name) or "")


def _url(notification: Notification) -> str:
    return _context(notification, "url") or lead_url(notification.lead_id)


def _asked(notification: Notification) -> str:
    """What the lead wants, as far as one line holds it."""
    lead = notification.lead
    if lead is None:
        return ""
    source = lead.source.name if lead.source else ""
    parts = [lead.subject, source, lead.grade]
    return " · ".join(part for part in parts if part)


def _yours(notification: Notification) -> str:
    return _("%(who)s is yours") % {"who": who(notification.lead)}


def _again(notification: Notification) -> str:
    return _("%(who)s got in touch again") % {"who": who(notification.lead)}


def _waits(notification: Notification) -> str:
    return _("%(who)s waits for a rep") % {"who": who(notification.lead)}


def _reason(notification: Notification) -> str:
    reason = _context(notification, "reason")
    return _(reason) if reason else ""


def _late(notification: Notification) -> str:
    return _("The promise to %(who)s has run out") % {"who": who(notification.lead)}


def _soon(notification: Notification) -> str:
    return _("The promise to %(who)s runs out soon") % {"who": who(notification.lead)}


def _unseen(notification: Notification) -> str:
    return _("%(who)s was given and nobody has acknowledged it") % {"who": who(notification.lead)}


def _too_few(notification: Notification) -> str:
    words = {"who": who(notification.lead), "made": _context(notification, "made") or "0"}
    return _("%(who)s: tried %(made)s of %(wanted)s times, and the time is over") % {
        **words,
        "wanted": _context(notification, "wanted"),
    }


def _taken(notification: Notification) -> str:
    return _("%(who)s went to somebody else: nobody was in touch in time") % {"who": who(notification.lead)}


def _dead(notification: Notification) -> str:
    return _("%(messenger)s takes no news any more") % {"messenger": _context(notification, "messenger")}


def _dead_why(notification: Notification) -> str:
    return _("%(why)s Set it up anew, and until then you are told on your other ways.") % {
        "why": _context(notification, "why")
    }


def _trial(notification: Notification) -> str:
    return _("The trial of version %(version)s was ended") % {"version": _context(notification, "version")}


def _owner(notification: Notification) -> str:
    lead = notification.lead
    if lead is None or lead.owner is None:
        return _("Nobody has this lead yet.")
    return _("%(owner)s has this lead.") % {"owner": lead.owner}


def _due(notification: Notification) -> str:
    lead = notification.lead
    clock = lead.sla_clocks.filter(stopped_at__isnull=True).first() if lead else None
    return _("Due at %(time)s.") % {"time": formats.clock_time(clock.due_at)} if clock else ""


PLAIN = Notice("", lambda one: _context(one, "title") or who(one.lead), lambda one: _context(one, "text"), _url)
ASSIGNED, TOUCHED, WAITING = "lead.assigned", "lead.touched", "lead.waiting"
BREACHED, SOON = "sla.breached", "sla.soon"
UNSEEN, ESCALATED, TAKEN, TOO_FEW = "sla.unseen", "sla.escalated", "sla.taken", "sla.too_few"
MESSENGER_DEAD = "messenger.dead"
CANARY_ENDED = "routing.canary_ended"

for _notice in (
    Notice(ASSIGNED, _yours, _asked, _url),
    Notice(TOUCHED, _again, _asked, _url),
    Notice(WAITING, _waits, _reason, _url),
    Notice(BREACHED, _late, _owner, _url),
    Notice(SOON, _soon, _due, _url),
    Notice(UNSEEN, _unseen, _owner, _url),
    Notice(ESCALATED, _soon, _owner, _url),
    Notice(TAKEN, _taken, _owner, _url),
    Notice(TOO_FEW, _too_few, _owner, _url),
    Notice(CANARY_ENDED, _trial, _reason, _url, mail="routing/mail/plain"),
    Notice(MESSENGER_DEAD, _dead, _dead_why, _url, mail="routing/mail/plain"),
):
    register_notice(_notice)

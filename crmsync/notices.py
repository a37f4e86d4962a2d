"""How handoffs are told: the words of `routing.notices` for what only this app knows."""

from django.utils.translation import gettext as _

from crmsync.models import Handoff
from crmsync.services.handoff import ACCEPTED, OFFERED, REFUSED
from leadmgmt.core import formats
from routing.models import Notification
from routing.notices import Notice, register_notice, who


def _handoff(notification: Notification) -> Handoff | None:
    key = notification.context.get("handoff")
    return Handoff.objects.select_related("opportunity", "ae", "sdr", "reason").filter(pk=key).first()


def _offered(notification: Notification) -> str:
    return _("%(who)s is handed to you") % {"who": who(notification.lead)}


def _offered_line(notification: Notification) -> str:
    handoff = _handoff(notification)
    if handoff is None:
        return ""
    amount = formats.money(handoff.opportunity.amount, handoff.opportunity.currency)
    giver = handoff.sdr or _("Leadmgmt")
    return _("From %(sdr)s, %(amount)s expected. Decide by %(time)s.") % {
        "sdr": giver,
        "amount": amount,
        "time": formats.moment(handoff.due_at),
    }


def _accepted(notification: Notification) -> str:
    return _("%(who)s: your handoff was accepted") % {"who": who(notification.lead)}


def _accepted_line(notification: Notification) -> str:
    handoff = _handoff(notification)
    return _("%(ae)s takes it from here.") % {"ae": handoff.ae} if handoff else ""


def _refused(notification: Notification) -> str:
    return _("%(who)s: your handoff was refused") % {"who": who(notification.lead)}


def _refused_line(notification: Notification) -> str:
    handoff = _handoff(notification)
    if handoff is None or handoff.reason is None:
        return ""
    told = _("%(ae)s says: %(reason)s.") % {"ae": handoff.ae, "reason": handoff.reason.label}
    return f"{told} {handoff.note}".strip()


def _url(notification: Notification) -> str:
    return f"/handoffs/{notification.context.get('handoff')}/"


def register() -> None:
    """Called once the apps are ready."""
    register_notice(Notice(OFFERED, _offered, _offered_line, _url))
    register_notice(Notice(ACCEPTED, _accepted, _accepted_line, _url))
    register_notice(Notice(REFUSED, _refused, _refused_line, _url))

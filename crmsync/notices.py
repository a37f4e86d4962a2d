"""How handoffs are told: the words of `routing.notices` for what only this app knows."""

from django.utils.translation import gettext as _

from crmsync.models import Alert, Handoff, Link, Opportunity
from crmsync.services.alerts import KIND as ALERT
from crmsync.services.apart import KIND as APART
from crmsync.services.convert import ASKED
from crmsync.services.handoff import ACCEPTED, LATE, OFFERED, REFUSED
from crmsync.services.joining import JOINED
from crmsync.services.outcome import NO_REASON
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


def _joined(notification: Notification) -> str:
    return _("%(who)s asked too: now in your deal") % {"who": who(notification.lead)}


def _joined_line(notification: Notification) -> str:
    deal = Opportunity.objects.filter(pk=notification.context.get("opportunity")).first()
    return _("Deal: %(name)s. Call them as well.") % {"name": deal.name} if deal else ""


def _asked(notification: Notification) -> str:
    return _("%(who)s is an SQL: somebody works on the company already") % {"who": who(notification.lead)}


def _asked_line(notification: Notification) -> str:
    return _("Say whether it joins that deal or becomes one of its own.")


def _late(notification: Notification) -> str:
    return _("%(who)s: nobody has decided about the handoff") % {"who": who(notification.lead)}


def _late_line(notification: Notification) -> str:
    handoff = _handoff(notification)
    if handoff is None:
        return ""
    words = {"ae": handoff.ae, "time": formats.moment(handoff.due_at)}
    return _("%(ae)s was to decide by %(time)s.") % words


def _alert(notification: Notification) -> str:
    kind = str(notification.context.get("alert") or "")
    label = Alert.Kind(kind).label if kind in Alert.Kind else kind
    return f"{notification.context.get('crm', '')}: {label}"


def _alert_line(notification: Notification) -> str:
    return _("What to do stands on the page of the sync.")


def _apart(notification: Notification) -> str:
    crm, state = (str(notification.context.get(name) or "") for name in ("crm", "state"))
    what = Link.State(state).label if state in Link.State else ""
    return _("%(crm)s: %(deal)s: %(what)s") % {"crm": crm, "deal": who(notification.lead), "what": what}


def _apart_line(notification: Notification) -> str:
    return _("Here it stays as it is. An admin decides what becomes of its record there.")


def _no_reason(notification: Notification) -> str:
    return _("%(who)s: lost, and nobody says why") % {"who": who(notification.lead)}


def _no_reason_line(notification: Notification) -> str:
    return _("Write the reason into the deal in %(crm)s.") % {"crm": notification.context.get("crm", "")}


def _alert_url(notification: Notification) -> str:
    return "/setup/crm/"


def _lead_url(notification: Notification) -> str:
    return f"/leads/{notification.lead_id}/"


def _url(notification: Notification) -> str:
    return f"/handoffs/{notification.context.get('handoff')}/"


def register() -> None:
    """Called once the apps are ready."""
    register_notice(Notice(OFFERED, _offered, _offered_line, _url))
    register_notice(Notice(ACCEPTED, _accepted, _accepted_line, _url))
    register_notice(Notice(REFUSED, _refused, _refused_line, _url))
    register_notice(Notice(LATE, _late, _late_line, _url))
    register_notice(Notice(ALERT, _alert, _alert_line, _alert_url, mail="routing/mail/plain"))
    register_notice(Notice(NO_REASON, _no_reason, _no_reason_line, _lead_url))
    register_notice(Notice(APART, _apart, _apart_line, _lead_url))
    register_notice(Notice(JOINED, _joined, _joined_line, _lead_url))
    register_notice(Notice(ASKED, _asked, _asked_line, _lead_url))

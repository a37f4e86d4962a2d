"""How reports tell people what to do: the words of `routing.notices` for what only reports know."""

from django.utils.translation import gettext as _

from leadmgmt.reports.stop_leaks import STUCK
from leadmgmt.reports.subscriptions import KIND as SENT
from routing.models import Notification
from routing.notices import Notice, lead_url, register_notice, who


def _stuck(notification: Notification) -> str:
    return _("%(who)s has stood still for long") % {"who": who(notification.lead)}


def _stuck_line(notification: Notification) -> str:
    return _("Take the next step, plan it, or recycle the lead with a date.")


def _url(notification: Notification) -> str:
    return lead_url(notification.lead_id)


def _sent(notification: Notification) -> str:
    return str(notification.context.get("title") or "")


def _sent_line(notification: Notification) -> str:
    return str(notification.context.get("text") or "")


def _sent_url(notification: Notification) -> str:
    return str(notification.context.get("url") or "/")


def register() -> None:
    """Called once the apps are ready."""
    register_notice(Notice(SENT, _sent, _sent_line, _sent_url, mail="routing/mail/plain"))
    register_notice(Notice(STUCK, _stuck, _stuck_line, _url))

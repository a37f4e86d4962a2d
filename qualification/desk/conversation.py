"""A lead's mail as conversations: what they wrote and what we wrote, by subject, as one would read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from leads.channels.mail import REPLY
from leads.models import Lead, Touchpoint
from qualification.models import Activity, OutgoingMail

# The newest ones; who needs more reads the timeline.
MOST = 100
STATES = OutgoingMail.Status


@dataclass(frozen=True)
class Message:
    """One mail. ``state``: of ours, how far it has come, in words; ``is_bad`` where it did not get there."""

    at: datetime
    is_ours: bool
    who: str
    body: str
    state: str = ""
    is_bad: bool = False


@dataclass(frozen=True)
class Conversation:
    """Mails under one subject, oldest first."""

    subject: str
    messages: Sequence[Message]

    @property
    def latest(self) -> datetime:
        """When somebody last wrote."""
        return self.messages[-1].at

    @property
    def waits_for_us(self) -> bool:
        """Whether theirs is the last word."""
        return not self.messages[-1].is_ours


def conversations(lead: Lead) -> list[Conversation]:
    """All of them, the one with the newest mail first, in three queries."""
    found = [*_sent(lead), *_logged(lead), *_received(lead)]
    found.sort(key=lambda one: one[1].at)
    threads: dict[str, tuple[str, list[Message]]] = {}
    latest = ""
    for subject, message in found[-MOST:]:
        # What was logged by hand has no subject: it belongs to what was being written about.
        key = " ".join(REPLY.sub("", subject).casefold().split()) or latest
        threads.setdefault(key, (REPLY.sub("", subject).strip(), []))[1].append(message)
        latest = key
    told = [Conversation(subject or _("No subject"), messages) for subject, messages in threads.values()]
    return sorted(told, key=lambda one: one.latest, reverse=True)


def mails_of(lead: Lead) -> tuple[Any, Any]:
    """Our mails as activities and as nurture's, to be counted."""
    written = Activity.objects.filter(lead=lead, kind=Activity.Kind.EMAIL, undone_at__isnull=True)
    nurtured = OutgoingMail.objects.filter(lead=lead, activity=None).exclude(status=STATES.CANCELLED)
    return written, nurtured


def _sent(lead: Lead) -> list[tuple[str, Message]]:
    mails = OutgoingMail.objects.filter(lead=lead).exclude(status=STATES.CANCELLED).select_related("by")
    return [
        (
            one.subject,
            Message(
                one.sent_at or one.written_at,
                is_ours=True,
                who=str(one.by),
                body=one.body,
                state=_state(one),
                is_bad=bool(one.bounced_at) or one.status in (STATES.FAILED, STATES.UNSURE),
            ),
        )
        for one in mails.order_by("-written_at", "-pk")[:MOST]
    ]


def _state(mail: OutgoingMail) -> str:
    if mail.bounced_at:
        return _("came back")
    for at, words in ((mail.replied_at, _("answered")), (mail.clicked_at, _("clicked")), (mail.opened_at, _("opened"))):
        if at:
            return words
    return str(mail.get_status_display())


def _logged(lead: Lead) -> list[tuple[str, Message]]:
    logged = Activity.objects.filter(lead=lead, kind=Activity.Kind.EMAIL, undone_at__isnull=True, mail=None)
    return [
        ("", Message(one.at, is_ours=True, who=str(one.by or _("Somebody")), body=one.body, state=_("logged")))
        for one in logged.select_related("by").order_by("-at", "-pk")[:MOST]
    ]


def _received(lead: Lead) -> list[tuple[str, Message]]:
    written = Touchpoint.objects.filter(lead=lead, kind=Touchpoint.Kind.EMAIL).select_related("contact")
    return [
        (one.subject, Message(one.at, is_ours=False, who=one.contact.name, body=one.message))
        for one in written.order_by("-at", "-pk")[:MOST]
    ]

"""What machines send: replies by themselves, bounces, lists. None of it is anybody's interest.

Sources: RFC 3834 (automatic responses), RFC 2919 and 2369 (lists), RFC 3464 (delivery reports).
"""

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from leads.channels.base import SetAside

MACHINES = re.compile(
    r"^(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?|autoresponder|notifications?)\b", re.I
)
AWAY = re.compile(
    r"^(?:(?:automatische antwort|automatic reply|auto(?:matic)?[- ]?reply|auto:|out of (?:the )?office|abwesen|"
    r"ich bin (?:nicht im büro|im urlaub)|réponse automatique|absence|respuesta automática|fuera de la oficina)"
    r"|.{0,20}\b(?:out of office|abwesenheitsnotiz)\b)",
    re.IGNORECASE,
)
BOUNCED = re.compile(
    r"^(?:undeliver|delivery (?:status|failure|has failed)|mail delivery failed|unzustellbar|returned mail|"
    r"failure notice)",
    re.IGNORECASE,
)


def aside(verdict: str, detail: str) -> SetAside:
    """Kept, with a reason, and nothing more."""
    return SetAside("ignored", verdict, detail)


def why_nobody(mail: Mapping[str, Any]) -> SetAside | None:
    """Why a mail is no person's word; None for one that may be."""
    headers = mail.get("headers") if isinstance(mail.get("headers"), Mapping) else {}
    told = {str(name): str(value) for name, value in dict(headers or {}).items()}
    sender = next((one["email"] for one in mail.get("from", []) if one.get("email")), "").lower()
    subject = str(mail.get("subject") or "").strip()
    empty_path = told.get("return-path", "x").strip() in ("<>", "")
    if mail.get("report") or "x-failed-recipients" in told or (empty_path and BOUNCED.match(subject)):
        return aside("bounce", _("A delivery report: a mail of ours did not arrive."))
    if sender.startswith("mailer-daemon@") or (BOUNCED.match(subject) and MACHINES.match(sender)):
        return aside("bounce", _("A delivery report: a mail of ours did not arrive."))
    submitted = told.get("auto-submitted", "no").strip().lower()
    if submitted.partition(";")[0] not in ("no", "") or "x-autoreply" in told or "x-autorespond" in told:
        return aside("auto_reply", _("Sent by a machine: an automatic reply."))
    precedence = told.get("precedence", "").strip().lower()
    if "list-id" in told or "list-unsubscribe" in told or precedence in ("list", "bulk", "junk"):
        return aside("list_mail", _("Mail to a list or to many: nobody's question."))
    if precedence == "auto_reply" or ("x-auto-response-suppress" in told and AWAY.match(subject)):
        return aside("auto_reply", _("Sent by a machine: an automatic reply."))
    if empty_path:
        return aside("auto_reply", _("Sent without a sender, as machines do."))
    if AWAY.match(subject):
        return aside("auto_reply", _("The subject is that of an absence note."))
    if str(told.get("content-type", "")).lower().startswith("text/calendar"):
        return aside("calendar", _("An answer to an invitation."))
    return None

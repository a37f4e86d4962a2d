"""A piece of news as Slack blocks and as a Teams card: who, why now, how to reach them, and a button."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core import signing
from django.utils.translation import gettext as _

from leads.models import Lead
from routing.models import Notification
from routing.notices import ASSIGNED, UNSEEN, notice_of

SALT = "routing.accept"
LONGEST_QUOTE = 600
ACCEPT = "accept_lead"


def accept_token(notification: Notification) -> str:
    """What a button carries: nobody can make one for another lead or another person."""
    return signing.dumps({"lead": notification.lead_id, "user": notification.user_id}, salt=SALT)


def read_accept_token(token: str, *, most_seconds: int = 14 * 24 * 3600) -> tuple[int, int] | None:
    """Lead and user of a button; None for one that is not ours or too old."""
    try:
        told = signing.loads(token, salt=SALT, max_age=most_seconds)
        return int(told["lead"]), int(told["user"])
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        return None


def told(notification: Notification) -> list[tuple[str, str]]:
    """What the reader needs to act: label and value."""
    lead = notification.lead
    if lead is None:
        return []
    contact, company = lead.contact, lead.contact.company
    grade = f"{lead.grade} ({lead.fit} / {lead.engagement})" if lead.grade else ""
    found = [
        (_("Who"), ", ".join(filter(None, (contact.name, contact.job_title)))),
        (_("Company"), company.name if company else ""),
        (_("Phone"), contact.phone),
        (_("E-mail"), contact.email),
        (_("Asked for"), lead.subject),
        (_("Source"), lead.source.name if lead.source else ""),
        (_("Grade"), grade),
    ]
    return [(label, value) for label, value in found if value]


def quote_of(lead: Lead | None) -> str:
    """Their own words."""
    touch = lead.touchpoints.order_by("-at", "-pk").first() if lead else None
    return touch.message[:LONGEST_QUOTE] if touch else ""


def slack(notification: Notification) -> dict[str, Any]:
    """For a Slack webhook. The button to acknowledge is there where its answer can be checked."""
    notice = notice_of(notification)
    title, line = notice.title(notification), notice.line(notification)
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"*{escaped(title)}*\n{escaped(line)}".strip()}}
    ]
    fields = [
        {"type": "mrkdwn", "text": f"*{escaped(label)}*\n{escaped(value)}"} for label, value in told(notification)
    ]
    if fields:
        blocks.append({"type": "section", "fields": fields[:10]})
    if quote := quote_of(notification.lead):
        blocks.append(
            {"type": "section", "text": {"type": "mrkdwn", "text": "> " + escaped(quote).replace("\n", "\n> ")}}
        )
    buttons = [_slack_button(_("Open"), url=settings.PUBLIC_URL + notice.url(notification))]
    if notification.kind in (ASSIGNED, UNSEEN) and settings.SLACK_SIGNING_SECRET:
        accept = _slack_button(_("Acknowledge"), value=accept_token(notification), action_id=ACCEPT)
        buttons.insert(0, accept | {"style": "primary"})
    return {"text": title, "blocks": [*blocks, {"type": "actions", "elements": buttons}]}


def _slack_button(text: str, **more: str) -> dict[str, Any]:
    return {"type": "button", "text": {"type": "plain_text", "text": text}, **more}


def escaped(text: str) -> str:
    """Text in which Slack reads no marks of its own (its three signs)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def teams(notification: Notification) -> dict[str, Any]:
    """For a Teams webhook: an adaptive card. Its button opens the lead, where it is acknowledged with a click."""
    notice = notice_of(notification)
    body: list[dict[str, Any]] = [
        {"type": "TextBlock", "text": notice.title(notification), "weight": "Bolder", "wrap": True}
    ]
    if line := notice.line(notification):
        body.append({"type": "TextBlock", "text": line, "isSubtle": True, "wrap": True})
    if facts := told(notification):
        body.append({"type": "FactSet", "facts": [{"title": label, "value": value} for label, value in facts]})
    if quote := quote_of(notification.lead):
        body.append({"type": "TextBlock", "text": quote, "wrap": True})
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": [
            {"type": "Action.OpenUrl", "title": _("Open"), "url": settings.PUBLIC_URL + notice.url(notification)}
        ],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [attachment]}


MAKERS: Mapping[str, Any] = {"slack": slack, "teams": teams}

"""Answers to a person: messages with a way back, and the same messages after an htmx request."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme

UNDO = "undo:"
TONES = {messages.WARNING: "warn", messages.ERROR: "bad", messages.SUCCESS: "good"}


@dataclass(frozen=True)
class Toast:
    """One message as a page shows it. `stays` until closed: what can be undone, and what went wrong."""

    text: str
    tone: str
    undo_url: str = ""

    @property
    def stays(self) -> bool:
        """Whether the toast waits to be closed."""
        return bool(self.undo_url) or self.tone in ("warn", "bad")


def message_with_undo(request: HttpRequest, text: str, url: str) -> None:
    """Say what was done and offer to take it back: the button posts to ``url``, a path of ours."""
    if not url.startswith("/") or not url_has_allowed_host_and_scheme(url, allowed_hosts=None) or " " in url:
        raise ValueError("The way back must be a path of this site.")
    messages.success(request, text, extra_tags=UNDO + url)


def toast(message: Message) -> Toast:
    """Read a stored message."""
    tags = message.extra_tags or ""
    return Toast(
        text=str(message.message),
        tone=TONES.get(message.level, "plain"),
        undo_url=tags.removeprefix(UNDO) if tags.startswith(UNDO) else "",
    )


class HtmxMessagesMiddleware:
    """After an htmx request, hand the messages over in the ``HX-Trigger`` header (event ``toasts``).

    A page that is about to be replaced (redirect, refresh) shows them itself.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        moves = {"HX-Redirect", "HX-Refresh", "HX-Location", "Location"}
        if not getattr(request, "htmx", False) or any(name in response for name in moves):
            return response
        waiting = [toast(message) for message in messages.get_messages(request)]
        if waiting:
            events = _events(response.get("HX-Trigger", ""))
            events["toasts"] = {"items": [asdict(one) | {"stays": one.stays} for one in waiting]}
            response["HX-Trigger"] = json.dumps(events)
        return response


def _events(header: str) -> dict[str, object]:
    """What the view itself wants triggered: JSON, or names with commas between."""
    if header.startswith("{"):
        return dict(json.loads(header))
    return {name.strip(): None for name in header.split(",") if name.strip()}

"""Doors for the queue: each takes a key, calls one service and says in a word what was done."""

from leadmgmt.core.tasks import going_on_with
from leads.events import ADVANCE
from leads.services import ask, capture, mailbox


def ask_providers() -> str:
    """Ask the enrichment providers whatever waits for them."""
    return ask.ask_providers()


def poll_mailbox(channel_id: int) -> str:
    """Read what is new in a mailbox."""
    return f"{mailbox.poll(channel_id)} kept"


def process_capture(capture_id: str) -> str:
    """Make a lead of a kept submission, and advance it at once."""
    with going_on_with(ADVANCE):
        kept = capture.process_capture(capture_id)
    return f"capture {kept.status}"

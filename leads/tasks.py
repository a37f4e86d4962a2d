"""Doors for the queue: each takes a key, calls one service and says in a word what was done."""

from leadmgmt.core.tasks import going_on_with
from leads.events import ADVANCE
from leads.services import ask, capture, confirmation, enrich, imports, mailbox
from leads.services import undo_import as undoing


def ask_providers() -> str:
    """Ask the enrichment providers whatever waits for them."""
    return ask.ask_providers()


def run_import(run_id: int) -> str:
    """Bring a file in for a spell."""
    return imports.run_file(run_id)


def try_import(run_id: int) -> str:
    """Try a file."""
    return imports.try_file(run_id)


def pair_import(run_id: int, after: int) -> str:
    """Look for people who may be known among those that a file brought in."""
    return imports.pair(run_id, after)


def undo_import(run_id: int) -> str:
    """Take an import back for a spell."""
    return undoing.undo(run_id)


def poll_mailbox(channel_id: int) -> str:
    """Read what is new in a mailbox."""
    return f"{mailbox.poll(channel_id)} kept"


def process_capture(capture_id: str) -> str:
    """Make a lead of a kept submission, and advance it at once."""
    with going_on_with(ADVANCE):
        kept = capture.process_capture(capture_id)
    return f"capture {kept.status}"


def ask_confirmation(request_id: int) -> str:
    """Write to somebody who has agreed to something, to have it confirmed."""
    return confirmation.send(request_id)


def tell_colleagues(request_id: int) -> str:
    """Have a company's other leads scored again after an answer about it."""
    return f"{enrich.tell_colleagues(request_id)} told"

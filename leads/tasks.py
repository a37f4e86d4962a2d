"""Doors for the queue: each takes a key, calls one service and says in a word what was done."""

from leads.services import ask, capture


def ask_providers() -> str:
    """Ask the enrichment providers whatever waits for them."""
    return ask.ask_providers()


def process_capture(capture_id: str) -> str:
    """Make a lead of a kept submission."""
    return f"capture {capture.process_capture(capture_id).status}"

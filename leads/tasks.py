"""Doors for the queue: each takes a key, calls one service and says in a word what was done."""

from leads.services import ask, capture


def ask_provider(provider_id: int) -> str:
    """Ask one enrichment provider whatever waits for it."""
    return ask.ask_provider(provider_id)


def process_capture(capture_id: str) -> str:
    """Make a lead of a kept submission."""
    return f"capture {capture.process_capture(capture_id).status}"

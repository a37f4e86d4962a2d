"""Doors for the queue: each takes a key, calls one service and says in a word what was done."""

from leads.services import ask


def ask_provider(provider_id: int) -> str:
    """Ask one enrichment provider whatever waits for it."""
    return ask.ask_provider(provider_id)

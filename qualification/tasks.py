"""Doors for the queue: each takes a key, calls one service and says in a word what was done."""

from qualification.services import rescoring


def rescore(run_id: int) -> str:
    """Score open leads anew for a spell."""
    return rescoring.rescore_spell(run_id)

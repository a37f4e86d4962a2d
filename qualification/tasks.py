"""Doors for the queue: each takes a key, calls one service and says in a word what was done."""

from qualification.services import apply_criteria as applying
from qualification.services import mail, rescoring, training_runs


def rescore(run_id: int) -> str:
    """Score open leads anew for a spell."""
    return rescoring.rescore_spell(run_id)


def apply_criteria(criteria_id: int, after: int) -> str:
    """Move leads on that meet criteria which were just put into force."""
    return applying.apply_spell(criteria_id, after)


def train(run_id: int) -> str:
    """Begin a training in a process of its own."""
    return training_runs.start_process(run_id)


def send_mail(mail_id: int) -> str:
    """Send one mail to a lead."""
    return mail.send_mail(mail_id)

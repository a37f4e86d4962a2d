"""What qualification keeps of a person, emptied: what they said, what was written to them, why they scored."""

from typing import Any

from django.db.models import QuerySet

from leads.erasure import Sweep, facts_without_person
from qualification.models import Activity, Answer, MailStop, Outcome, OutgoingMail, Score


def erase_rows(sweep: Sweep) -> None:
    """That something was said, sent or scored stays; what it was goes."""
    mine = {"lead__in": sweep.subject.leads}
    sweep.note("activities", Activity.objects.filter(**mine).update(body=""))
    sweep.note("answers", Answer.objects.filter(**mine).update(value="", quote=""))
    _mails(sweep, OutgoingMail.objects.filter(**mine))
    MailStop.objects.filter(email_key__in=sweep.subject.emails).delete()
    scores = Score.objects.filter(**mine)
    _facts(scores)
    sweep.note("scores", scores.update(reasons=[]))
    _facts(Outcome.objects.filter(**mine))


def _mails(sweep: Sweep, mails: QuerySet[OutgoingMail]) -> None:
    """Those that were sent are known as sent; those that wait are never sent."""
    waiting = (OutgoingMail.Status.WAITING, OutgoingMail.Status.SENDING, OutgoingMail.Status.FAILED)
    mails.filter(status__in=waiting).update(status=OutgoingMail.Status.CANCELLED, next_try_at=None)
    rows = list(mails)
    for mail in rows:
        mail.to, mail.subject, mail.body, mail.error, mail.in_reply_to = "", "", "", "", ""
        mail.message_id = f"erased-{mail.pk}"
    OutgoingMail.objects.bulk_update(
        rows, ["to", "subject", "body", "error", "in_reply_to", "message_id"], batch_size=500
    )
    sweep.note("mails", len(rows))


def _facts(rows: QuerySet[Any]) -> None:
    """A model learns on from what tells nobody who it was."""
    found = list(rows.only("pk", "facts"))
    for row in found:
        row.facts = facts_without_person(row.facts)
    rows.model._default_manager.bulk_update(found, ["facts"], batch_size=500)

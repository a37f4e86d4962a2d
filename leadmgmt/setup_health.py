"""Whether the machine runs: workers, clock, what was given up."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadmgmt.core import formats, queue
from leadmgmt.setup_found import Counts, Found
from leadmgmt.setup_steps import Check, admin, link

SLOW_QUEUE_SECONDS = 30


def health(found: Found) -> list[Check]:
    """One line for each part that can stand still."""
    told = (_clock, _pipeline, _captures, _mails, _letters, _learned, _confirmations, _waiting, _outbox)
    return [_workers(found.queue), *(check(found.counts) for check in told)]


def _workers(state: queue.QueueState) -> Check:
    if state.oldest_seconds > SLOW_QUEUE_SECONDS:
        span = formats.span(state.oldest_seconds)
        note = _("Jobs that wait: %(n)d, the oldest for %(span)s") % {"n": state.waiting, "span": span}
        return Check("bad", _("Workers do not keep up, or none runs"), note)
    return Check("good", _("Workers"), _("Jobs that wait: %(n)d, nothing old") % {"n": state.waiting})


def _clock(counts: Counts) -> Check:
    if overlooked := counts.promises_overlooked:
        return Check(
            "bad", _("The clock stands still"), _("Promises that ran out unnoticed: %(n)d") % {"n": overlooked}
        )
    return Check("good", _("Clock"), _("no promise has run out unnoticed"))


def _pipeline(counts: Counts) -> Check:
    if parked := counts.steps_parked:
        note = _("Steps given up: %(n)d") % {"n": parked}
        return Check("bad", _("Pipeline"), note, f"{admin('leads', 'leadevent')}?progress=parked", _("Look"))
    return Check("good", _("Pipeline"), _("no step was given up"))


def _captures(counts: Counts) -> Check:
    if failed := counts.captures_failed:
        note = _("Submissions that could not be read: %(n)d. None is lost.") % {"n": failed}
        return Check("bad", _("Capture"), note, f"{admin('leads', 'capture')}?status__exact=failed", _("Look"))
    return Check("good", _("Capture"), _("every submission was read"))


def _mails(counts: Counts) -> Check:
    if failed := counts.mails_failed:
        note = _("Mails given up: %(n)d") % {"n": failed}
        return Check("bad", _("Mail"), note, f"{admin('routing', 'notification')}?status__exact=failed", _("Look"))
    return Check("good", _("Mail"), _("no mail was given up"))


def _letters(counts: Counts) -> Check:
    if failed := counts.letters_failed:
        note = _("E-mails to leads that did not go out, or nobody knows: %(n)d") % {"n": failed}
        return Check("bad", _("E-mails to leads"), note, f"{admin('qualification', 'outgoingmail')}", _("Look"))
    return Check("good", _("E-mails to leads"), _("each one went out"))


def _learned(counts: Counts) -> Check:
    if counts.learned_drifts:
        note = _("Leads or wins are no longer those it learned from.")
        return Check("warn", _("Win probability"), note, link("qualification:prediction"), _("Look"))
    return Check("good", _("Win probability"), _("no drift was seen"))


def _confirmations(counts: Counts) -> Check:
    if failed := counts.confirmations_failed:
        note = _("Confirmations of a consent that could not be sent: %(n)d") % {"n": failed}
        url = f"{admin('leads', 'consentrequest')}?status__exact=failed"
        return Check("bad", _("Consents"), note, url, _("Look"))
    return Check("good", _("Consents"), _("each confirmation went out"))


def _waiting(counts: Counts) -> Check:
    waiting = counts.leads_waiting
    note = ngettext("%(n)d lead waits for a rep", "%(n)d leads wait for a rep", waiting) % {"n": waiting}
    return Check("warn" if waiting else "good", _("Waiting room"), note, link("routing:waiting_list"), _("Look"))


def _outbox(counts: Counts) -> Check:
    dead, unread = counts.changes_refused, counts.changes_unapplied
    told = [
        _("Changes refused: %(n)d") % {"n": dead} if dead else "",
        _("Changes in the CRM that could not be applied: %(n)d") % {"n": unread} if unread else "",
    ]
    if dead or unread:
        return Check("bad", _("CRM"), "; ".join(filter(None, told)), link("crmsync:health"), _("Look"))
    return Check("good", _("CRM"), _("no change was refused"))

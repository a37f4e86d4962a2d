"""Which side a field of a deal belongs to, and what a merge of two changes leads to (CRM_CONTRACT 8).

After the handoff the CRM owns stage, amount, close date and owner; we own who they are, how they came and what they
said. At creation every field is ours to write, as the record does not exist yet.
"""

from enum import StrEnum

from crmsync.canonical import Canonical


class Owner(StrEnum):
    """Who may write a field of a linked deal."""

    OURS = "lms"
    THEIRS = "crm"


OWNERS: dict[str, Owner] = {
    "name": Owner.OURS,
    "company": Owner.OURS,
    "contact": Owner.OURS,
    "contact_email": Owner.OURS,
    "contact_phone": Owner.OURS,
    "currency": Owner.OURS,
    "source": Owner.OURS,
    "campaign": Owner.OURS,
    "summary": Owner.OURS,
    "history": Owner.OURS,
    "consent": Owner.OURS,
    "link": Owner.OURS,
    "brief": Owner.OURS,
    "stage": Owner.THEIRS,
    "lost_reason": Owner.THEIRS,
    "amount": Owner.THEIRS,
    "close_on": Owner.THEIRS,
    "owner_email": Owner.THEIRS,
}
ALL_FIELDS = tuple(OWNERS)
# All that the AE has to know as one text, for a CRM that has one field for it.
BRIEF = "brief"
BRIEFED = frozenset({"source", "campaign", "summary", "history", "consent", "link"})
STAGE_FIELDS = ("stage", "lost_reason")


class Verdict(StrEnum):
    """What a three-way comparison of one field says."""

    NOTHING = "nothing"
    PUSH = "push"
    PULL = "pull"
    AGREE = "agree"
    KEEP_OURS = "keep_ours"
    TAKE_THEIRS = "take_theirs"
    DRIFT = "drift"


def merge(owner: Owner, base: Canonical, ours: Canonical, theirs: Canonical) -> Verdict:
    """Compare both sides with what they last agreed on.

    KEEP_OURS and TAKE_THEIRS: both changed, the owner wins and the other value is kept as a conflict. DRIFT: the CRM
    changed what is ours alone; shown, not reverted.
    """
    if theirs == base:
        return Verdict.NOTHING if ours == base else Verdict.PUSH
    if ours == theirs:
        return Verdict.AGREE
    if ours == base:
        return Verdict.PULL if owner is Owner.THEIRS else Verdict.DRIFT
    return Verdict.TAKE_THEIRS if owner is Owner.THEIRS else Verdict.KEEP_OURS

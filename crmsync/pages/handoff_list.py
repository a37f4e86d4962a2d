"""The list of handoffs: what is to decide first, then what became of the others."""

from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crmsync.models import Handoff
from leadmgmt.core.permissions import AE, has_role
from leads.models import User

PER_PAGE = 30
MOST_WAITING = 100


@dataclass(frozen=True)
class HandoffList:
    """Both parts and the sentence on top."""

    waiting: list[Handoff]
    decided: Page[Handoff]
    sentence: str
    shown: str
    counts: dict[str, int]
    is_mine: bool


STATUSES = ("accepted", "refused", "withdrawn")


def handoff_list(reader: User, *, shown: str, page: str) -> HandoffList:
    """What this person may see; ``shown`` narrows the decided ones to one status."""
    visible = Handoff.objects.visible_to(reader)
    waiting = list(visible.undecided().with_deal()[:MOST_WAITING])
    decided = visible.decided().with_deal()
    counts = visible.aggregate(
        offered=Count("pk", filter=Q(status="offered")),
        **{status: Count("pk", filter=Q(status=status)) for status in STATUSES},
    )
    if shown in STATUSES:
        decided = decided.filter(status=shown)
    else:
        shown = "all"
    is_mine = has_role(reader, AE)
    return HandoffList(
        waiting=waiting,
        decided=Paginator(decided, PER_PAGE).get_page(page),
        sentence=_sentence(counts, is_mine),
        shown=shown,
        counts=counts | {"all": sum(counts[status] for status in STATUSES)},
        is_mine=is_mine,
    )


def _sentence(counts: dict[str, int], is_mine: bool) -> str:
    if is_mine and counts["offered"]:
        return ngettext("%(n)d handoff waits for you.", "%(n)d handoffs wait for you.", counts["offered"]) % {
            "n": counts["offered"]
        }
    if is_mine:
        return _("Nothing waits for your decision.")
    decided = counts["accepted"] + counts["refused"]
    if not decided:
        return _("No handoff has been decided yet.")
    return ngettext(
        "%(accepted)d of %(n)d decided handoff was accepted.",
        "%(accepted)d of %(n)d decided handoffs were accepted.",
        decided,
    ) % {"accepted": counts["accepted"], "n": decided}

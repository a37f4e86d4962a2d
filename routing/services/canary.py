"""A canary: a draft decides about a share of the leads, beside the version that decides about the others.

Which leads is a sticky draw by the lead's number (`routing.published.is_drawn`). A guard compares both sides and ends
the trial where the tried version is surely worse: more of its leads find no rule, or more of its promises break.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import exp, lgamma

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from leadmgmt.core.errors import DomainError
from leadmgmt.core.permissions import ADMIN
from leads.models import User
from routing.models import RuleSet
from routing.notices import CANARY_ENDED
from routing.services.draft import copy_of, lock_draft
from routing.services.keep import wake_waiting
from routing.services.notify import tell
from routing.services.publish import expect_no_stop, let_decide
from routing.services.replays import expect_replayed
from routing.services.seen import expect_draft

Status = RuleSet.Status
LEAST, MOST, USUAL = 1, 50, 10
# All looks together cry wolf at most so often, whatever is compared.
FALSE_ALARMS = 0.05
# The guard looks when so many leads were decided by the tried version, and each time there are twice as many.
FIRST_LOOK = 10

UNMATCHED = gettext_noop("More of its leads find no rule.")
BREACHED = gettext_noop("More of its promises break.")

# First decisions since the trial began, by side: leads, those without a rule, promises that ended, those broken.
SIDES = """
    SELECT first.rule_set_id = %(canary)s, count(*), count(*) FILTER (WHERE first.outcome = 'unmatched'),
           count(*) FILTER (WHERE clock.ended), count(*) FILTER (WHERE clock.ended AND clock.broken)
      FROM (SELECT DISTINCT ON (lead_id) lead_id, rule_set_id, outcome FROM routing_certificate
             WHERE decided_at >= %(since)s ORDER BY lead_id, id) AS first
      LEFT JOIN LATERAL (
            SELECT breached_at IS NOT NULL OR stopped_at IS NOT NULL AS ended, breached_at IS NOT NULL AS broken
              FROM routing_slaclock WHERE lead_id = first.lead_id AND started_at >= %(since)s ORDER BY id LIMIT 1
      ) AS clock ON true
     GROUP BY 1
"""


class NotTried(DomainError):
    """No trial can begin, or be ended, as things stand."""

    code = "not_tried"


@dataclass(frozen=True)
class Side:
    """What has become of the leads of one side since the trial began. ``promises``: those that were kept or broke."""

    leads: int = 0
    unmatched: int = 0
    promises: int = 0
    broken: int = 0


@dataclass(frozen=True)
class Trial:
    """Both sides of a trial."""

    rule_set: RuleSet
    tried: Side
    others: Side


def start_canary(rule_set_id: int, share: int, *, by: User | None, at: datetime, seen: str = "") -> RuleSet:
    """Let the draft decide about ``share`` per cent of the leads from now on. Asks for what publishing asks for."""
    if not LEAST <= share <= MOST:
        raise NotTried(_("Try it on %(least)s to %(most)s per cent of the leads.") % {"least": LEAST, "most": MOST})
    with transaction.atomic():
        draft = lock_draft(rule_set_id)
        expect_draft(draft, seen)
        if not RuleSet.objects.filter(status=Status.PUBLISHED).exists():
            raise NotTried(_("Publish the first rules: there is nothing yet to try others beside."))
        expect_no_stop(draft)
        expect_replayed(draft, at)
        draft.status, draft.canary_share, draft.canary_since = Status.CANARY, share, at
        draft.published_by = by
        try:
            with transaction.atomic():
                draft.save(update_fields=["status", "canary_share", "canary_since", "published_by"])
        except IntegrityError:
            raise NotTried(_("Another version is tried already: end that first.")) from None
        return draft


def end_canary(rule_set_id: int, *, by: User | None, at: datetime) -> RuleSet:
    """End the trial: the published version decides about all leads again. What was tried is kept, and goes on as a
    draft where there is none."""
    with transaction.atomic():
        canary = lock_canary(rule_set_id)
        canary.status, canary.archived_at = Status.ARCHIVED, at
        canary.save(update_fields=["status", "archived_at"])
        if not RuleSet.objects.filter(status=Status.DRAFT).exists():
            note = _("After the trial of version %(version)s") % {"version": canary.version}
            copy_of(canary, status=Status.DRAFT, by=by, note=note)
        wake_waiting(at)
        return canary


def publish_canary(rule_set_id: int, *, by: User | None, at: datetime) -> RuleSet:
    """Let what was tried decide about all leads."""
    with transaction.atomic():
        canary = lock_canary(rule_set_id)
        expect_no_stop(canary)
        return let_decide(canary, by, at)


def lock_canary(rule_set_id: int) -> RuleSet:
    """The version that is tried, locked; NotTried if it is not any more."""
    canary = RuleSet.objects.select_for_update().filter(pk=rule_set_id, status=Status.CANARY).first()
    if canary is None:
        raise NotTried(_("This version is not tried any more."))
    return canary


def trial_of(canary: RuleSet) -> Trial:
    """How both sides do."""
    with connection.cursor() as cursor:
        cursor.execute(SIDES, {"canary": canary.pk, "since": canary.canary_since})
        found = {is_tried: Side(*counts) for is_tried, *counts in cursor.fetchall()}
    return Trial(canary, found.get(True, Side()), found.get(False, Side()))


def guard_canary(at: datetime) -> int:
    """Clock: look whether the tried version is surely worse, and end the trial if so. Returns how many it ended."""
    canary = RuleSet.objects.filter(status=Status.CANARY).first()
    if canary is None:
        return 0
    trial = trial_of(canary)
    looks = canary.canary_looks
    if trial.tried.leads < FIRST_LOOK * 2**looks:
        return 0
    RuleSet.objects.filter(pk=canary.pk, canary_looks=looks).update(canary_looks=looks + 1)
    reason = surely_worse(trial.tried, trial.others, look=looks + 1)
    if not reason:
        return 0
    with transaction.atomic():
        try:
            end_canary(canary.pk, by=None, at=at)
        except NotTried:
            return 0
        for admin in _admins():
            context = {"version": canary.version, "reason": reason, "url": "/routing/versions/"}
            tell(admin, CANARY_ENDED, f"canary:{canary.pk}", None, context=context, at=at)
    return 1


def surely_worse(tried: Side, others: Side, *, look: int) -> str:
    """Why the tried side is worse beyond chance, empty if it is not.

    Each look spends FALSE_ALARMS / (look (look + 1)), so that all looks together spend no more than FALSE_ALARMS (a
    union bound), half of it on each comparison. The test is Fisher's exact one, one-sided.
    """
    level = FALSE_ALARMS / (look * (look + 1)) / 2
    compared = (
        (UNMATCHED, (tried.unmatched, tried.leads), (others.unmatched, others.leads)),
        (BREACHED, (tried.broken, tried.promises), (others.broken, others.promises)),
    )
    return next((why for why, one, other in compared if more_often_by_chance(one, other) <= level), "")


def more_often_by_chance(one: Sequence[int], other: Sequence[int]) -> float:
    """How likely ``one`` (events, of how many) has so many of all events, or more, if both are of a kind.

    The upper tail of the hypergeometric distribution: R. A. Fisher, "The logic of inductive inference", JRSS 98, 1935.
    """
    events, size = one[0] + other[0], one[1] + other[1]
    most = min(events, one[1])
    if not one[1] or not other[1] or not one[0]:
        return 1.0
    whole = _ln_choose(size, one[1])
    tail = sum(
        exp(_ln_choose(events, count) + _ln_choose(size - events, one[1] - count) - whole)
        for count in range(one[0], most + 1)
        if one[1] - count <= size - events
    )
    return min(1.0, tail)


def _ln_choose(of: int, count: int) -> float:
    return lgamma(of + 1) - lgamma(count + 1) - lgamma(of - count + 1)


def _admins() -> list[User]:
    return list(User.objects.filter(is_active=True, groups__name=ADMIN))

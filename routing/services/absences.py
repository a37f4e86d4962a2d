"""An absence as one operation: what it touches, open leads to whoever stands in, and back again what is still open."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from leadmgmt.core.clock import for_a_spell
from leads.models import Lead
from routing.models import Absence, Assignment, CoverMove, Rep, SlaClock
from routing.services.assign import pass_on

AT_ONCE = 200


@dataclass(frozen=True)
class Preview:
    """What an absence would move: open leads, promises that run, those that would end meanwhile, put-aside leads that
    would come back meanwhile. ``in_way``: other absences of whoever would stand in at that time."""

    leads: int
    promises: int
    due: int
    resuming: int
    in_way: int


def preview(rep: Rep, starts_at: datetime, ends_at: datetime, cover: Rep | None) -> Preview:
    """What is on the table between two instants."""
    mine = _open(rep)
    running = SlaClock.objects.filter(lead__in=mine, stopped_at__isnull=True)
    overlap = Q(starts_at__lt=ends_at, ends_at__gt=starts_at)
    return Preview(
        leads=mine.count(),
        promises=running.count(),
        due=running.filter(due_at__gte=starts_at, due_at__lt=ends_at).count(),
        resuming=mine.filter(snoozed_until__gte=starts_at, snoozed_until__lt=ends_at).count(),
        in_way=Absence.objects.filter(overlap, rep=cover).count() if cover else 0,
    )


def _open(rep: Rep) -> QuerySet[Lead]:
    return Lead.objects.working().filter(owner=rep.user_id, is_history=False)


def hand_over_due(at: datetime) -> int:
    """Clock: absences that have begun hand their open leads over, those that have ended get back what is still open.

    Safe to run twice: a lead is moved once per absence, and returned once. Returns how many leads were moved.
    """
    begun = Absence.objects.filter(
        hands_over=True, cover__isnull=False, handed_at__isnull=True, starts_at__lte=at, ends_at__gt=at
    )
    moved = sum(_hand_over(absence, at) for absence in begun.select_related("rep__user", "cover__user"))
    ended = Absence.objects.filter(handed_at__isnull=False, returned_at__isnull=True, ends_at__lte=at)
    return moved + sum(_hand_back(absence, at) for absence in ended.select_related("rep__user", "cover__user"))


def _hand_over(absence: Absence, at: datetime) -> int:
    if absence.cover is None:
        return 0
    count = 0
    for lead_id in _in_spells(_open(absence.rep)):
        with transaction.atomic():
            lead = Lead.objects.lock().get(pk=lead_id)
            if lead.owner_id != absence.rep.user_id or not lead.is_working:
                continue
            if CoverMove.objects.filter(absence=absence, lead=lead).exists():
                continue
            CoverMove.objects.create(absence=absence, lead=lead, moved_at=at)
            pass_on(lead, absence.cover.user, kind=Assignment.Reason.COVER, at=at, data={"for": absence.rep.user_id})
            count += 1
    if not _open(absence.rep).exclude(cover_moves__absence=absence).exists():
        Absence.objects.filter(pk=absence.pk).update(handed_at=at)
    return count


def _hand_back(absence: Absence, at: datetime) -> int:
    moves = CoverMove.objects.filter(absence=absence, returned_at__isnull=True)
    count = 0
    for lead_id in _in_spells(Lead.objects.filter(cover_moves__in=moves)):
        with transaction.atomic():
            lead = Lead.objects.lock().get(pk=lead_id)
            moves.filter(lead=lead).update(returned_at=at)
            is_still_theirs = absence.cover is not None and lead.owner_id == absence.cover.user_id
            if lead.is_working and is_still_theirs and absence.rep.user.is_active:
                pass_on(lead, absence.rep.user, kind=Assignment.Reason.RETURN, at=at)
                count += 1
    if not moves.exists():
        Absence.objects.filter(pk=absence.pk).update(returned_at=at)
    return count


def _in_spells(leads: QuerySet[Lead]) -> Iterator[int]:
    return for_a_spell(list(leads.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]))


def end_early(absence_id: int, rep_id: int, at: datetime) -> None:
    """The rep is back before the time: it ends now, and what was handed over comes back."""
    absence = Absence.objects.filter(pk=absence_id, rep=rep_id).first()
    if absence is None:
        return
    if absence.starts_at >= at or absence.handed_at is None:
        absence.delete()
        return
    Absence.objects.filter(pk=absence.pk).update(ends_at=max(at, absence.starts_at + timedelta(seconds=1)))

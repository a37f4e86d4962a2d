"""What the demo's AEs do with an opportunity: accept or refuse it, move it over the board, win or lose it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from crmsync.board import move_deal
from crmsync.models import Handoff, Link, LossReasonMap, StageMap
from crmsync.services.handoff import accept_handoff, refuse_handoff
from leadmgmt.core.tasks import enqueue
from leadmgmt.demo import talk
from leadmgmt.demo.cast import Cast
from leadmgmt.demo.sdr import Work
from leadmgmt.demo.timeline import Timeline
from leads.models import Lead, User

PULL_RECORD = "crmsync.tasks.pull_record"
ROUND_TO = 50
# Most of what was offered so lately is still to be decided when somebody looks.
FRESH = timedelta(hours=32)


class Ae:
    """Acts for the AE of an opportunity. ``lost`` is called when the lead is closed again."""

    def __init__(self, timeline: Timeline, cast: Cast) -> None:
        self.timeline, self.cast, self.chance = timeline, cast, timeline.chance
        self.lost: Callable[[Work, Lead], None] = lambda work, lead: None
        stages = list(StageMap.objects.order_by("position"))
        self.path = [stage.remote for stage in stages if stage.meaning == "open"]
        self.won = next(stage.remote for stage in stages if stage.meaning == "won")
        self.lost_stage = next(stage.remote for stage in stages if stage.meaning == "lost")
        self.reasons = list(
            LossReasonMap.objects.exclude(reason__code="handoff-refused").values_list("remote", flat=True)
        )

    def sold(self, work: Work, at: datetime) -> None:
        """An SDR's lead has become an opportunity: the AE decides within the next hours."""
        handoff = Handoff.objects.filter(opportunity__lead=work.lead_id, status=Handoff.Status.OFFERED).first()
        is_fresh = self.timeline.end - at < FRESH
        if handoff is not None and not (is_fresh and self.chance.random() < 0.75):
            decide = self.cast.after(handoff.ae_id, at, self.chance.lognormvariate(5.1, 0.9))
            self.timeline.plan(decide, partial(self._decide, work, handoff.pk))

    def _decide(self, work: Work, handoff_id: int, at: datetime) -> None:
        handoff = Handoff.objects.select_related("opportunity").get(pk=handoff_id)
        if handoff.status != Handoff.Status.OFFERED:
            return
        ae = self.cast.users[handoff.ae_id]
        if self.chance.random() < 0.1:
            reason = self.chance.choice(list(talk.REFUSALS))
            refuse_handoff(handoff_id, by=ae, reason=reason, note=talk.REFUSALS[reason], at=at)
            self.lost(work, Lead.objects.get(pk=work.lead_id))
            return
        accept_handoff(handoff_id, by=ae, at=at)
        wins = self.chance.random() < 0.33 * self.cast.person(ae.pk).skill
        last = len(self.path) if wins else self.chance.randint(1, len(self.path))
        slow = self.chance.choice([0.6, 0.8, 1.0, 1.0, 1.4, 2.4])
        self._go_on(work, handoff.opportunity_id, ae, 1, last, wins, slow, at)

    def _go_on(
        self, work: Work, opportunity: int, ae: User, place: int, last: int, wins: bool, slow: float, at: datetime
    ) -> None:
        """Plan the deal's next move, or its end."""
        pause = timedelta(days=self.chance.uniform(2, 8) * slow)
        following = self.cast.after(ae.pk, at + pause, self.chance.uniform(5, 200))
        if place < last:
            self.timeline.plan(following, partial(self._move, work, opportunity, ae, place, last, wins, slow))
        else:
            self.timeline.plan(following, partial(self._close, work, opportunity, ae, wins))

    def _move(
        self, work: Work, opportunity: int, ae: User, place: int, last: int, wins: bool, slow: float, at: datetime
    ) -> None:
        deal = self._deal(opportunity)
        if deal is None:
            return
        move_deal(deal[1], stage=self.path[place], by=ae.email)
        enqueue(PULL_RECORD, *deal)
        self._go_on(work, opportunity, ae, place + 1, last, wins, slow, at)

    def _close(self, work: Work, opportunity: int, ae: User, wins: bool, at: datetime) -> None:
        deal = self._deal(opportunity)
        if deal is None:
            return
        if wins:
            amount = Decimal(work.visitor.technicians * self.chance.choice([220, 260, 300, 360, 420]))
            amount = max(Decimal(2400), (amount / ROUND_TO).quantize(Decimal(1)) * ROUND_TO)
            move_deal(deal[1], stage=self.won, by=ae.email, amount=amount, close_on=at.date())
        else:
            move_deal(deal[1], stage=self.lost_stage, by=ae.email, lost_reason=self.chance.choice(self.reasons))
        enqueue(PULL_RECORD, *deal)
        self.lost(work, Lead.objects.get(pk=work.lead_id))

    def _deal(self, opportunity: int) -> tuple[int, str] | None:
        """Connection and id of the deal on the board."""
        link = Link.objects.filter(opportunity=opportunity, remote_id__isnull=False).first()
        return (link.connection_id, link.remote_id) if link and link.remote_id else None

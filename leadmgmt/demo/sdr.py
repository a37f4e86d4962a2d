"""What the demo's SDRs do with a lead: try, talk, ask, qualify, put to sleep, disqualify."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.utils.timezone import localtime

from crmsync.services.convert import OWN, convert_lead
from crmsync.services.joining import open_deals
from leadmgmt.core.now import now
from leadmgmt.demo import talk
from leadmgmt.demo.cast import Cast
from leadmgmt.demo.timeline import Timeline
from leadmgmt.demo.visitors import Visitor
from leads.models import Lead, Stage, User
from qualification.models import Question
from qualification.services.activities import log_activity
from qualification.services.answers import give_answer
from qualification.services.disqualify import disqualify_lead
from qualification.services.recycle import recycle_lead
from qualification.services.snooze import snooze_lead
from routing.models import AttemptClock, SlaClock, WaitingLead

HAND_RAISES = ("demo", "pricing", "contact")
MOST_TRIES = 5
# Days until a lead that was put to sleep is woken, where the rep says so; None: as the reason says.
WAKE_DAYS = {"no-response": (20, 45), "bad-timing": (25, 60), "not-ready": (14, 40)}


@dataclass
class Work:
    """One lead being worked: whose person it is and how often somebody tried."""

    lead_id: int
    visitor: Visitor
    tries: int = 0
    talks: int = 0
    is_hot: bool = False


class Sdr:
    """Acts for whoever owns a lead. ``sold`` is called when a lead has become an opportunity."""

    def __init__(self, timeline: Timeline, cast: Cast, sold: Callable[[Work, datetime], None]) -> None:
        self.timeline, self.cast, self.sold = timeline, cast, sold
        self.chance = timeline.chance
        self.questions = list(Question.objects.filter(framework__is_active=True, is_required=True).order_by("position"))
        self.active: set[int] = set()

    def look(self, work: Work, at: datetime) -> None:
        """Where does the lead stand, and who does what next?"""
        lead = Lead.objects.get(pk=work.lead_id)
        if not lead.is_working:
            self.leave(work, lead)
            return
        self.active.add(lead.pk)
        work.is_hot = lead.subject in HAND_RAISES
        clock = SlaClock.objects.filter(lead=lead, stopped_at__isnull=True).first()
        if clock:
            self.timeline.tick(clock.due_at, "routing.sla_breaches")
        tries = AttemptClock.objects.filter(lead=lead, stopped_at__isnull=True).first()
        if tries:
            self.timeline.tick(tries.due_at, "routing.attempts")
        if lead.owner_id is None:
            self._waits(work, at)
        elif lead.first_touched_at is None:
            self.timeline.plan(self._first_try(work, lead.owner_id, at), partial(self.attempt, work))
        else:
            self.timeline.plan(self.cast.after(lead.owner_id, at, 60), partial(self.attempt, work))

    def _waits(self, work: Work, at: datetime) -> None:
        wait = WaitingLead.objects.filter(lead=work.lead_id, left_at__isnull=True).first()
        if wait is None:
            return
        if wait.pool_id is None:
            # A rule wants a person to look at it: the keeper does, within a day or three.
            keeper = wait.keeper_id or self.cast.named("Ines").pk
            decide = self.cast.after(keeper, at, self.chance.uniform(200, 1300))
            self.timeline.plan(decide, partial(self._turn_away, work, keeper))
            return
        self.timeline.tick(wait.wake_at, "routing.waiting_room")
        self.timeline.plan(wait.wake_at + timedelta(minutes=2), partial(self.look, work))

    def _turn_away(self, work: Work, keeper: int, at: datetime) -> None:
        if Lead.objects.get(pk=work.lead_id).is_working:
            note = "We have nobody there yet."
            disqualify_lead(work.lead_id, "no-fit", self.cast.users[keeper], note=note, at=at)
        self.active.discard(work.lead_id)

    def _first_try(self, work: Work, owner: int, at: datetime) -> datetime | None:
        if self.chance.random() < 0.03:
            return self.cast.after(owner, at, self.chance.uniform(500, 2600))
        pace = self.cast.person(owner).pace * self.chance.lognormvariate(0, 0.55)
        return self.cast.after(owner, at, pace if work.is_hot else pace * 14)

    def attempt(self, work: Work, at: datetime) -> None:
        """One try to reach the person."""
        lead = self._mine(work)
        if lead is None or lead.owner is None:
            return
        work.tries += 1
        reach = (0.46 if work.is_hot else 0.29) * self.cast.person(lead.owner.pk).skill
        if not work.visitor.phone:
            self._write(work, lead.owner, at, reach)
        elif self.chance.random() < reach:
            self._talk(work, lead.owner, at)
        else:
            self._not_reached(work, lead.owner, at)

    def _write(self, work: Work, owner: User, at: datetime, reach: float) -> None:
        """Without a number: write, and talk in the meeting that comes of it."""
        if self.chance.random() < reach * 0.8 and work.tries > 1:
            self._talk(work, owner, at)
            return
        log_activity(work.lead_id, "email", by=owner, disposition="sent", body=self.chance.choice(talk.MAILS), at=at)
        self._again(work, owner, at)

    def _not_reached(self, work: Work, owner: User, at: datetime) -> None:
        outcome = self.chance.choices(["no_answer", "voicemail", "bad_number"], [60, 37, 3])[0]
        body = self.chance.choice(talk.NOT_REACHED[outcome])
        log_activity(work.lead_id, "call", by=owner, disposition=outcome, body=body, at=at)
        if self.chance.random() < 0.3:
            mail = self.chance.choice(talk.MAILS)
            log_activity(work.lead_id, "email", by=owner, disposition="sent", body=mail, at=at + timedelta(minutes=3))
        self._again(work, owner, at)

    def _again(self, work: Work, owner: User, at: datetime) -> None:
        if work.tries >= MOST_TRIES or (work.tries >= 3 and self.chance.random() < 0.25):
            self._sleep(work, owner, "no-response", at)
            return
        pause = self.chance.uniform(260, 1000) if work.is_hot else self.chance.uniform(700, 2300)
        following = self.cast.after(owner.pk, at, pause)
        if following and following > self.timeline.end and self.chance.random() < 0.3:
            snooze_lead(work.lead_id, following, by=owner, at=at)
        self.timeline.plan(following, partial(self.attempt, work))

    def _talk(self, work: Work, owner: User, at: datetime) -> None:
        """The person is on the line."""
        work.talks += 1
        skill = self.cast.person(owner.pk).skill
        good = self.chance.random() < work.visitor.worth * skill * (1.15 if work.is_hot else 0.8)
        if good or work.talks > 1:
            self._ask(work, owner, at, all_good=good or self.chance.random() < 0.75)
            return
        what = self.chance.random()
        if what < 0.36:
            self._say(work, owner, at, talk.CONNECTED[3])
            reason = self.chance.choice(["no-need", "no-fit", "no-need", "student", "competitor"])
            disqualify_lead(work.lead_id, reason, owner, at=at + timedelta(minutes=2))
            self.active.discard(work.lead_id)
        elif what < 0.68:
            self._say(work, owner, at, self.chance.choice(talk.CONNECTED))
            self._answer(work, owner, self.chance.choice(self.questions), at, speaks_for_us=False)
            self._sleep(work, owner, self.chance.choice(["bad-timing", "no-budget", "in-contract", "not-ready"]), at)
        else:
            self._call_back(work, owner, at, self.chance.choice(talk.LATER))

    def _ask(self, work: Work, owner: User, at: datetime, *, all_good: bool) -> None:
        """Get on with the questions; what is still open is asked next time."""
        # Who came back is asked again, though all was known before.
        open_ones = [one for one in self.questions if not self._known(work, one)] or self.questions[:1]
        asked = open_ones if work.talks > 1 or self.chance.random() < 0.35 else open_ones[: self.chance.randint(1, 3)]
        if len(asked) < len(open_ones):
            self._call_back(work, owner, at, self.chance.choice(talk.CONNECTED))
        elif work.talks > 1 and self.chance.random() < 0.4:
            log_activity(work.lead_id, "meeting", by=owner, disposition="held",
                         body=self.chance.choice(talk.MEETINGS), at=at)  # fmt: skip
        else:
            self._say(work, owner, at, self.chance.choice(talk.CONNECTED))
        for place, question in enumerate(asked):
            fine = all_good or place < len(asked) - 1
            self._answer(work, owner, question, at + timedelta(minutes=2 + 2 * place), speaks_for_us=fine)
        lead = Lead.objects.get(pk=work.lead_id)
        if lead.stage == Stage.OPPORTUNITY:
            self.active.discard(work.lead_id)
            self.sold(work, at + timedelta(minutes=12))
        elif lead.stage == Stage.SQL:
            # This team hands over with one click, after a last look.
            self.timeline.plan(
                self.cast.after(owner.pk, at, self.chance.uniform(15, 1100)), partial(self._hand_over, work)
            )
        elif not all_good:
            self._sleep(work, owner, self.chance.choice(["bad-timing", "not-ready", "no-budget"]), at)

    def _hand_over(self, work: Work, at: datetime) -> None:
        lead = self._mine(work)
        if lead is None or lead.owner is None:
            return
        if self.chance.random() < 0.13:
            self._sleep(work, lead.owner, self.chance.choice(["bad-timing", "no-budget"]), at)
            return
        # Where a colleague of theirs is in a deal already, most go into that one.
        deals = open_deals(lead)
        way = deals[0].key if deals and self.chance.random() < 0.6 else OWN
        convert_lead(lead.pk, by=lead.owner, way=way, at=at)
        self.active.discard(work.lead_id)
        self.sold(work, at)

    def _known(self, work: Work, question: Question) -> bool:
        current = question.answers.filter(lead=work.lead_id, superseded_at__isnull=True, is_met=True)
        return current.exists()

    def _answer(self, work: Work, owner: User, question: Question, at: datetime, *, speaks_for_us: bool) -> None:
        found = talk.said(self.chance, question.key, speaks_for_us=speaks_for_us)
        if found is None:
            return
        amount = work.visitor.technicians * self.chance.choice([240, 300, 360, 420])
        give_answer(
            work.lead_id,
            question.pk,
            talk.fill(found.value, work.visitor.technicians, amount),
            by=owner,
            evidence=self.chance.choice(["call", "call", "call", "meeting", "email"]),
            quote=talk.fill(found.quote, work.visitor.technicians, amount),
            confidence=self.chance.choice([3, 3, 4, 4, 5]) if speaks_for_us else 4,
            is_met=speaks_for_us,
            at=at,
        )

    def _say(self, work: Work, owner: User, at: datetime, body: str) -> None:
        log_activity(
            work.lead_id,
            "call",
            by=owner,
            disposition="connected",
            body=talk.fill(body, work.visitor.technicians, 0),
            at=at,
        )

    def _call_back(self, work: Work, owner: User, at: datetime, body: str) -> None:
        due = self.cast.after(owner.pk, at, self.chance.uniform(200, 2200))
        if due is None or work.talks > 3:
            self._sleep(work, owner, "not-ready", at)
            return
        due = localtime(due).replace(minute=self.chance.choice([0, 15, 30, 45]), second=0, microsecond=0)
        text = talk.fill(body, work.visitor.technicians, 0)
        log_activity(work.lead_id, "call", by=owner, disposition="call_back", body=text, due_at=due, at=at)
        late = self.cast.after(owner.pk, due, self.chance.uniform(1, 25))
        self.timeline.plan(late, partial(self._ring_back, work))

    def _ring_back(self, work: Work, at: datetime) -> None:
        lead = self._mine(work)
        if lead is None or lead.owner is None:
            return
        if self.chance.random() < 0.82:
            self._talk(work, lead.owner, at)
        else:
            work.tries += 1
            self._not_reached(work, lead.owner, at)

    def _sleep(self, work: Work, owner: User, reason: str, at: datetime) -> None:
        days = self.chance.randint(*WAKE_DAYS[reason]) if reason in WAKE_DAYS and self.chance.random() < 0.22 else None
        wake_on = (localtime(at) + timedelta(days=days)).date() if days else None
        lead = recycle_lead(work.lead_id, reason, owner, wake_on=wake_on, at=at + timedelta(minutes=4))
        self.leave(work, lead)

    def leave(self, work: Work, lead: Lead) -> None:
        """The lead is closed; one that sleeps will be looked at when it wakes up."""
        self.active.discard(lead.pk)
        lead.refresh_from_db(fields=["stage", "wake_at", "reason"])
        if lead.is_sent_back:
            # The AE wants to know more: asked again in the next call.
            self.look(Work(lead.pk, work.visitor, talks=1), now())
        if lead.stage == Stage.OPPORTUNITY:
            # Known from before: the answers of last time still hold.
            self.sold(work, now())
        if lead.stage == Stage.RECYCLED and lead.wake_at:
            self.timeline.tick(lead.wake_at, "qualification.wake_due")
            again = Work(lead.pk, work.visitor)
            self.timeline.plan(lead.wake_at + timedelta(minutes=3), partial(self._woken, again))

    def _woken(self, work: Work, at: datetime) -> None:
        if work.lead_id not in self.active:
            self.look(work, at)

    def _mine(self, work: Work) -> Lead | None:
        """The lead if it is still being worked."""
        lead = Lead.objects.select_related("owner").get(pk=work.lead_id)
        if lead.is_working and lead.owner_id:
            return lead
        self.leave(work, lead)
        return None

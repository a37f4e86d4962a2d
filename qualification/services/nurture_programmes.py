"""Which programme a recycled lead goes into, who is held out of it, and what the mails are worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leads import lifecycle
from leads.conditions import parse
from leads.facts import lead_facts
from leads.lifecycle import Cause
from leads.models import Lead, Stage
from qualification.icp import ratio
from qualification.models import MailTemplate, NurtureEnrolment, NurtureProgramme
from qualification.prediction.discoveries import fisher
from qualification.services.ordered_steps import rewrite

BY_CLICK = "click"
FIELDS = (
    "name", "position", "is_active", "sender", "held_out_percent", "needs_consent", "click_wakes", "company_wakes",
    "window_from", "window_to",
)  # fmt: skip
MOST_STEPS = 12
# Younger ones have had no time to return.
RIPE_AFTER = timedelta(days=30)
LEAST_EACH = 20
SURE = 0.05


def choose_programme(enrolment: NurtureEnrolment, lead: Lead) -> None:
    """Pipeline, inside its transaction: the first active programme that fits; some are held out of it."""
    programmes = NurtureProgramme.objects.filter(is_active=True).prefetch_related("reasons", "steps")
    facts: dict[str, Any] | None = None
    for programme in programmes:
        steps = list(programme.steps.all())
        reasons = {reason.pk for reason in programme.reasons.all()}
        if not steps or (reasons and enrolment.reason_id not in reasons):
            continue
        facts = facts or lead_facts(lead, enrolment.starts_at)
        if parse(programme.condition).holds(facts):
            enrolment.programme = programme
            enrolment.is_held_out = is_held_out(programme, lead.contact_id)
            if not enrolment.is_held_out:
                enrolment.step = steps[0]
                enrolment.next_at = enrolment.starts_at + timedelta(days=steps[0].after_days)
            enrolment.save(update_fields=["programme", "is_held_out", "step", "next_at"])
            return


def is_held_out(programme: NurtureProgramme, contact_id: int) -> bool:
    """Drawn by a hash, so that a person is in or out of a programme for good, whenever they come."""
    drawn = sha256(f"{programme.pk}:{contact_id}".encode()).digest()
    return int.from_bytes(drawn[:4]) % 100 < programme.held_out_percent


def wake_by_click(enrolment_id: int, lead: Lead, at: datetime) -> bool:
    """A click in one of its mails brings a sleeping lead back, where the programme says so; under the lead's lock."""
    rows = NurtureEnrolment.objects.filter(pk=enrolment_id, ended_at__isnull=True, programme__click_wakes=True)
    if lead.stage != Stage.RECYCLED or not rows.exists():
        return False
    return wake(lead, at, BY_CLICK)


def wake(lead: Lead, at: datetime, by: str) -> bool:
    """Make a sleeping lead new again; False where the person is back with another one already."""
    try:
        with transaction.atomic():
            lifecycle.reopen(lead.pk, Cause(by=by, at=at, data={"reason": by}))
    except IntegrityError:
        return False
    return True


@dataclass(frozen=True)
class StepData:
    """What is said of one mail; ``pk`` of one that is there already."""

    after_days: int
    template: MailTemplate
    pk: int | None = None


def save_programme(
    pk: int | None,
    fields: Mapping[str, Any],
    reasons: Sequence[Any],
    condition: Mapping[str, Any],
    steps: Sequence[StepData],
) -> NurtureProgramme:
    """Write a programme as a whole. Who waits for a mail that is taken out waits for the next one. Raises InvalidInput
    naming each field to mend."""
    wrong = {}
    if not steps:
        wrong["steps"] = _("Give it at least one mail.")
    elif len(steps) > MOST_STEPS:
        wrong["steps"] = _("At most %(most)s mails.") % {"most": MOST_STEPS}
    try:
        parse(condition)
    except InvalidInput as error:
        wrong["condition"] = next(iter(error.fields.values()), str(error))
    if fields["window_from"] >= fields["window_to"]:
        wrong["window_to"] = _("The window has to end after it begins.")
    if wrong:
        raise InvalidInput(_("The programme is not complete."), fields=wrong)
    with transaction.atomic():
        row = NurtureProgramme.objects.select_for_update().get(pk=pk) if pk else NurtureProgramme()
        for name in FIELDS:
            setattr(row, name, fields[name])
        row.condition = dict(condition)
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError:
            taken = {"name": _("Another programme has this name.")}
            raise InvalidInput(_("The programme is not complete."), fields=taken) from None
        row.reasons.set(reasons)
        _write_steps(row, steps)
    return row


def _write_steps(programme: NurtureProgramme, steps: Sequence[StepData]) -> None:
    written = [(data.pk, {"after_days": data.after_days, "template": data.template}) for data in steps]
    for step, after in rewrite(programme.steps, written):
        waiting = NurtureEnrolment.objects.filter(step=step, ended_at__isnull=True)
        waiting.update(step=after, **({} if after else {"next_at": None}))
        step.delete()


@dataclass(frozen=True)
class Arm:
    """Those who were written to, or those held out: how many, and how many came back by themselves."""

    leads: int
    returned: int

    @property
    def rate(self) -> float:
        """The share that came back."""
        return self.returned / self.leads if self.leads else 0.0


@dataclass(frozen=True)
class Worth:
    """What a programme's mails are worth: both arms, how many times as often the written-to return (95 % interval), and
    how likely that is to be chance."""

    asleep: int
    written: Arm
    held_out: Arm
    lift: float
    low: float
    high: float
    chance: float

    @property
    def says(self) -> bool:
        """Whether there are enough of both to say anything."""
        return min(self.written.leads, self.held_out.leads) >= LEAST_EACH

    @property
    def is_sure(self) -> bool:
        """Whether the difference is surely more than chance."""
        return self.says and self.chance < SURE


def worth_of(programme_ids: Sequence[int], at: datetime | None = None) -> dict[int, Worth]:
    """What each of these is worth, over leads that went to sleep a month ago or earlier, whether or not a mail reached
    them: whoever was drawn counts where they were drawn."""
    ripe = Q(starts_at__lte=(at or now()) - RIPE_AFTER)
    back = Q(end=NurtureEnrolment.End.RETURNED)
    rows = (
        NurtureEnrolment.objects.filter(programme__in=programme_ids)
        .order_by()
        .values("programme")
        .annotate(
            asleep=Count("pk", filter=Q(ended_at__isnull=True)),
            written=Count("pk", filter=ripe & Q(is_held_out=False)),
            written_back=Count("pk", filter=ripe & back & Q(is_held_out=False)),
            out=Count("pk", filter=ripe & Q(is_held_out=True)),
            out_back=Count("pk", filter=ripe & back & Q(is_held_out=True)),
        )
    )
    found = {}
    for row in rows:
        figures = (row["written_back"], row["written"], row["out_back"], row["out"])
        lift, low, high = ratio(*figures)
        arms = Arm(row["written"], row["written_back"]), Arm(row["out"], row["out_back"])
        found[row["programme"]] = Worth(row["asleep"], *arms, lift, low, high, fisher(*figures))
    return found

"""Setting cadences up: written as a whole, so that leads on their way never meet a half-changed one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from leadmgmt.core.errors import InvalidInput
from leads.conditions import parse
from qualification.models import Cadence, CadenceEnrolment, CadenceStep, MailTemplate, Segment
from qualification.services.ordered_steps import rewrite

FIELDS = (
    "name", "position", "is_active", "window_from", "window_to", "wait_days", "recycle_reason", "most_mails_a_day",
)  # fmt: skip
MOST_STEPS = 20


@dataclass(frozen=True)
class StepData:
    """What is said of one step; ``pk`` of one that is there already."""

    kind: str
    after_days: int
    pk: int | None = None
    template: MailTemplate | None = None
    is_automatic: bool = False
    hint: str = ""
    segment: Segment | None = None


@dataclass(frozen=True)
class Figures:
    """How leads fare in a cadence."""

    running: int
    ended: int
    answered: int
    no_answer: int


def save_cadence(
    pk: int | None, fields: Mapping[str, Any], condition: Mapping[str, Any], steps: Sequence[StepData]
) -> Cadence:
    """Write a cadence with its steps. Who stands at a step that is taken out goes on with the one after it. Raises
    InvalidInput naming each field, or ``steps-N`` for a step, to mend."""
    wrong = _wrong(steps)
    try:
        parse(condition)
    except InvalidInput as error:
        wrong["condition"] = next(iter(error.fields.values()), str(error))
    if fields["window_from"] >= fields["window_to"]:
        wrong["window_to"] = _("The window has to end after it begins.")
    if wrong:
        raise InvalidInput(_("The cadence is not complete."), fields=wrong)
    with transaction.atomic():
        row = Cadence.objects.select_for_update().get(pk=pk) if pk else Cadence()
        for name in FIELDS:
            setattr(row, name, fields[name])
        row.condition = dict(condition)
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError:
            raise InvalidInput(
                _("The cadence is not complete."), fields={"name": _("Another cadence has this name.")}
            ) from None
        _write_steps(row, steps)
    return row


def _wrong(steps: Sequence[StepData]) -> dict[str, str]:
    wrong = {}
    if not steps:
        wrong["steps"] = _("Give it at least one step.")
    elif len(steps) > MOST_STEPS:
        wrong["steps"] = _("At most %(most)s steps.") % {"most": MOST_STEPS}
    for place, step in enumerate(steps):
        if step.is_automatic and step.kind != CadenceStep.Kind.EMAIL:
            wrong[f"steps-{place}"] = _("Only e-mails go out by themselves.")
        elif step.is_automatic and step.template is None:
            wrong[f"steps-{place}"] = _("Choose the text that goes out by itself.")
    return wrong


def _write_steps(cadence: Cadence, steps: Sequence[StepData]) -> None:
    fields = ("kind", "after_days", "template", "is_automatic", "hint", "segment")
    written = [(data.pk, {name: getattr(data, name) for name in fields}) for data in steps]
    for step, after in rewrite(cadence.steps, written):
        CadenceEnrolment.objects.filter(step=step, ended_at__isnull=True).update(step=after)
        step.delete()


def figures_of(cadence_ids: Sequence[int]) -> dict[int, Figures]:
    """How leads fare in each of these, in one query."""
    rows = (
        CadenceEnrolment.objects.filter(cadence__in=cadence_ids)
        .order_by()
        .values("cadence")
        .annotate(
            running=Count("pk", filter=Q(ended_at__isnull=True)),
            ended=Count("pk", filter=Q(ended_at__isnull=False)),
            answered=Count("pk", filter=Q(end__in=["answered", "reached"])),
            no_answer=Count("pk", filter=Q(end="no_answer")),
        )
    )
    return {row["cadence"]: Figures(row["running"], row["ended"], row["answered"], row["no_answer"]) for row in rows}

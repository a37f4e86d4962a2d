"""Criteria that were just put into force, or a model of scoring that was: whoever meets the criteria moves on."""

from django.db import transaction

from leadmgmt.core.clock import for_a_spell
from leadmgmt.core.now import now
from leadmgmt.core.tasks import enqueue
from leads.conditions import parse
from leads.facts import hold
from leads.models import Lead, Stage
from qualification.models import Criteria
from qualification.services.criteria import apply_mql_criteria, apply_sql_criteria, published

JOB = "qualification.tasks.apply_criteria"
AT_ONCE = 200
Kind = Criteria.Kind
# From where criteria move a lead on.
FROM = {Kind.MQL: (Stage.NEW,), Kind.SQL: (Stage.NEW, Stage.MQL)}


def begin_applying(criteria: Criteria) -> None:
    """Have every lead looked at that the criteria may move; in the caller's transaction."""
    enqueue(JOB, criteria.pk, 0)


def apply_spell(criteria_id: int, after: int) -> str:
    """Job: move leads that meet the criteria, from number ``after`` on, for a spell; then hand on to the next.

    Safe to run twice: a lead that has moved on is not moved again. Criteria that are in force no more move nobody.
    """
    criteria = Criteria.objects.get(pk=criteria_id)
    if published(criteria.kind) != criteria:
        return "not in force"
    leads = Lead.objects.filter(stage__in=FROM[Kind(criteria.kind)], is_history=False, pk__gt=after)
    meeting = leads.filter(parse(criteria.condition).to_q(now()))
    if criteria.kind == Kind.SQL:
        # Without an answer nobody becomes an SQL.
        meeting = meeting.filter(answers__superseded_at__isnull=True, answers__isnull=False).distinct()
    ids = list(meeting.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    last, moved = after, 0
    for lead_id in for_a_spell(ids):
        moved += _apply(criteria.kind, lead_id)
        last = lead_id
    if ids and (last != ids[-1] or len(ids) == AT_ONCE):
        enqueue(JOB, criteria_id, last)
    return f"{moved} moved"


def _apply(kind: str, lead_id: int) -> bool:
    with transaction.atomic():
        lead = Lead.objects.lock().get(pk=lead_id)
        before = lead.stage
        hold(lead)
        # The steps of the pipeline; what else they need to know they read themselves.
        (apply_mql_criteria if kind == Kind.MQL else apply_sql_criteria)(lead, None)
        lead.refresh_from_db(fields=["stage"])
        has_moved: bool = lead.stage != before
        return has_moved

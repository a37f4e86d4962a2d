"""The next criteria of a kind: a draft with its condition, tried on last month's leads, then put into force."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError, InvalidInput
from leads.conditions import parse
from leads.models import Lead, User
from leads.querysets import LeadQuerySet
from qualification.models import Criteria, Framework
from qualification.services.apply_criteria import begin_applying
from qualification.services.criteria import publish_criteria
from qualification.services.versions import next_version

Status = Criteria.Status
DAYS = 30


class NoCriteriaDraft(DomainError):
    """There is no draft (any more)."""

    code = "no_criteria_draft"


def draft_of(kind: str) -> Criteria | None:
    """The draft of a kind that is worked on: the newest."""
    drafts = Criteria.objects.filter(kind=kind, status=Status.DRAFT).select_related("framework")
    return drafts.order_by("-version").first()


def begin_criteria(kind: str) -> Criteria:
    """A draft that begins as a copy of what is in force; the one there is, if there is one."""
    with transaction.atomic():
        rows = list(Criteria.objects.select_for_update(of=("self",)).filter(kind=kind).order_by("pk"))
        if draft := next((row for row in reversed(rows) if row.status == Status.DRAFT), None):
            return draft
        source = next((row for row in rows if row.status == Status.PUBLISHED), None)
        return Criteria.objects.create(
            kind=kind,
            version=next_version(Criteria.objects.filter(kind=kind)),
            name=source.name if source else "",
            condition=source.condition if source else {},
            framework=source.framework if source else None,
        )


def save_criteria(draft_id: int, name: str, condition: Mapping[str, Any], framework: Framework | None) -> Criteria:
    """Change the draft; InvalidInput names each field to mend."""
    wrong: dict[str, str] = {}
    with transaction.atomic():
        draft = _locked(draft_id)
        if not name.strip():
            wrong["name"] = _("Say in a few words what it asks.")
        if draft.kind == Criteria.Kind.SQL and framework is None:
            wrong["framework"] = _("Choose a framework.")
        try:
            parse(condition)
        except InvalidInput as error:
            wrong["condition"] = str(error)
        if wrong:
            raise InvalidInput(_("The criteria are not complete."), fields=wrong)
        draft.name, draft.condition = name.strip()[:120], dict(condition)
        draft.framework = framework if draft.kind == Criteria.Kind.SQL else None
        draft.save(update_fields=["name", "condition", "framework"])
        return draft


def discard_criteria(draft_id: int) -> None:
    """Throw the draft away."""
    with transaction.atomic():
        _locked(draft_id).delete()


def put_into_force(draft_id: int) -> Criteria:
    """Apply the draft from now on, also to leads that wait for it. Leads that are an MQL or SQL stay it; the version
    that made them is on record."""
    with transaction.atomic():
        made = publish_criteria(_locked(draft_id).pk)
        begin_applying(made)
        return made


def meeting(criteria: Criteria, reader: User, at: datetime) -> int:
    """How many of last month's leads that the reader may see meet the condition now, answers aside."""
    return meeting_leads(criteria, reader, at).count()


def meeting_leads(criteria: Criteria, reader: User, at: datetime) -> LeadQuerySet:
    """Those leads."""
    return recent_leads(reader, at).filter(parse(criteria.condition).to_q(at))


def recent_leads(reader: User, at: datetime) -> LeadQuerySet:
    """Last month's leads, history aside."""
    recent = Lead.objects.visible_to(reader).filter(is_history=False)
    return recent.seen_between(at - timedelta(days=DAYS), None)


def _locked(draft_id: int) -> Criteria:
    draft = Criteria.objects.select_for_update(of=("self",)).filter(pk=draft_id, status=Status.DRAFT).first()
    if draft is None:
        raise NoCriteriaDraft(_("This is no draft any more. Begin a new one."))
    return draft

"""Segments: described once, changed with everything that uses them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, ProtectedError
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError, InvalidInput
from leads.conditions import parse
from leads.models import Lead
from leads.models.lead import WORKING_STAGES
from qualification.models import Framework, Segment
from qualification.services.framework_editor import as_data, save_framework


class SegmentInUse(DomainError):
    """Something is asked of this segment, or planned for it."""

    code = "segment_in_use"


def save_segment(pk: int | None, name: str, condition: Mapping[str, Any]) -> Segment:
    """Write a segment. Frameworks in use that ask something of it are written anew: as a new version where answers were
    given, so that an old SQL stays what it was. Raises InvalidInput naming each field to mend."""
    wrong = {} if name.strip() else {"name": _("Give the segment a name.")}
    try:
        if parse(condition).is_always:
            wrong["condition"] = _("Say which leads belong to it.")
    except InvalidInput as error:
        wrong["condition"] = next(iter(error.fields.values()), str(error))
    if wrong:
        raise InvalidInput(_("The segment is not complete."), fields=wrong)
    with transaction.atomic():
        row = Segment.objects.select_for_update().get(pk=pk) if pk else Segment()
        row.name, row.condition = name.strip(), dict(condition)
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError:
            taken = {"name": _("Another segment has this name.")}
            raise InvalidInput(_("The segment is not complete."), fields=taken) from None
        for framework in Framework.objects.filter(is_active=True, questions__segment=row).distinct():
            _write_anew(framework)
    return row


def _write_anew(framework: Framework) -> None:
    questions = [as_data(question) for question in framework.questions.select_related("segment")]
    try:
        save_framework(framework.slug, framework.name, questions)
    except InvalidInput as error:
        remedy = next(iter(error.fields.values()), str(error))
        raise InvalidInput(str(error), fields={"condition": f"{framework.name}: {remedy}"}) from None


def delete_segment(pk: int) -> str:
    """Delete a segment; returns its name. Raises SegmentInUse where a question, also of an old version, or a step of a
    cadence is for it."""
    row = Segment.objects.get(pk=pk)
    try:
        row.delete()
    except ProtectedError as error:
        using = sorted({_user(one) for one in error.protected_objects})
        words = {"segment": row.name, "users": ", ".join(using[:5])}
        raise SegmentInUse(_("%(segment)s is used by %(users)s.") % words) from None
    return row.name


def _user(row: Any) -> str:
    return str(getattr(row, "framework", None) or getattr(row, "cadence", None) or row._meta.verbose_name)


def open_leads(segments: Sequence[Segment], at: datetime) -> dict[int, int]:
    """How many leads that are worked belong to each, in one query."""
    counts = {str(one.pk): Count("pk", filter=parse(one.condition).to_q(at)) for one in segments}
    rows = Lead.objects.filter(stage__in=WORKING_STAGES, is_history=False)
    return {int(pk): count for pk, count in rows.aggregate(**counts).items()} if counts else {}

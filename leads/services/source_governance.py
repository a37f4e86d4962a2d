"""Which sources there are: new spellings confirmed or folded into another, with everything that came by them."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Q
from django.utils.text import slugify
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError, InvalidInput
from leads.models import Campaign, Source, SourceAlias, SourceFold, User

# What hangs on a source, and what on a campaign.
OF_SOURCE = ("leads_lead", "leads_touchpoint", "leads_channel", "leads_sourcecost")
OF_CAMPAIGN = ("leads_lead", "leads_touchpoint", "leads_sourcecost")
FACT = "lead.source"


class SourceInUse(DomainError):
    """A rule or a condition asks for it by its short name."""

    code = "source_in_use"


def governed_sources() -> Any:
    """Every source that counts by itself, with how many leads and touches came by it."""
    return Source.objects.filter(folded_into=None).annotate(lead_count=Count("leads"))


def confirm_source(pk: int, *, name: str, kind: str) -> Source:
    """It is one of its own, called so. Raises InvalidInput naming the field."""
    wrong = {}
    if not name.strip():
        wrong["name"] = _("Give the source a name.")
    if kind not in Source.Kind.values:
        wrong["kind"] = _("Choose a family.")
    if wrong:
        raise InvalidInput(_("The source is not complete."), fields=wrong)
    with transaction.atomic():
        source = Source.objects.select_for_update().get(pk=pk)
        source.name, source.kind, source.is_confirmed = name.strip()[:120], kind, True
        source.save(update_fields=["name", "kind", "is_confirmed"])
        return source


def add_source(name: str, kind: str) -> Source:
    """A source that nothing has come by yet. Raises InvalidInput."""
    slug = slugify(name)[:80]
    wrong = {} if slug else {"name": _("Give the source a name.")}
    known = Source.objects.filter(Q(slug=slug) | Q(name__iexact=name.strip())).first()
    if known is not None:
        wrong["name"] = _("There is one of this name already.")
    if kind not in Source.Kind.values:
        wrong["kind"] = _("Choose a family.")
    if wrong:
        raise InvalidInput(_("The source is not complete."), fields=wrong)
    return Source.objects.create(slug=slug, name=name.strip()[:120], kind=kind)


def save_spellings(pk: int, lines: Iterable[str]) -> None:
    """The other spellings of a source, one a line. Raises InvalidInput for one that is another source's."""
    wanted = {line.strip()[:120].casefold(): line.strip()[:120] for line in lines if line.strip()}
    with transaction.atomic():
        source = Source.objects.select_for_update().get(pk=pk)
        for folded, text in wanted.items():
            other = (
                SourceAlias.objects.filter(alias__iexact=text).exclude(source=source).select_related("source").first()
            )
            if other is not None:
                told = _("“%(alias)s” is another name of %(source)s already.") % {"alias": text, "source": other.source}
                raise InvalidInput(told, fields={"spellings": told})
            if not source.aliases.filter(alias__iexact=folded).exists():
                SourceAlias.objects.create(source=source, alias=text)
        for alias in source.aliases.all():
            if alias.alias.casefold() not in wanted:
                alias.delete()


def fold_source(
    gone_id: int, kept_id: int, *, by: User | None, at: datetime, conditions: Iterable[object]
) -> SourceFold:
    """Everything that came by one source counts for another, also what comes from now on.

    Leads, touches, channels, costs and campaigns move in one transaction; campaigns of the same name become one. Raises
    SourceInUse where one of the ``conditions`` asks for the one that goes, InvalidInput for one that cannot.
    """
    if gone_id == kept_id:
        told = _("Choose another source.")
        raise InvalidInput(told, fields={"kept": told})
    with transaction.atomic():
        rows = {
            row.pk: row for row in Source.objects.select_for_update().filter(pk__in=[gone_id, kept_id]).order_by("pk")
        }
        gone, kept = rows.get(gone_id), rows.get(kept_id)
        if gone is None or kept is None or gone.folded_into_id or kept.folded_into_id:
            told = _("One of them counts for another already. Look again.")
            raise InvalidInput(told, fields={"kept": told})
        asked = [json.dumps(one) for one in conditions]
        if any(f'"{FACT}"' in one and f'"{gone.slug}"' in one for one in asked):
            raise SourceInUse(
                _("A rule, a score or criteria ask for %(source)s: change that first.") % {"source": gone}
            )
        moved: dict[str, Any] = {"campaigns": _fold_campaigns(gone, kept)}
        moved |= {table: _move(table, "source_id", gone.pk, kept.pk) for table in OF_SOURCE}
        # What counted for the one that goes counts where it counts now.
        moved["sources"] = _move("leads_source", "folded_into_id", gone.pk, kept.pk)
        gone.folded_into, gone.is_active, gone.is_confirmed = kept, False, True
        gone.save(update_fields=["folded_into", "is_active", "is_confirmed"])
        return SourceFold.objects.create(kept=kept, gone=gone, at=at, by=by, moved=moved)


def gather_late(_at: datetime) -> int:
    """Clock: what was on its way while two sources became one counts where the others do. Returns how many rows."""
    count = 0
    for fold in SourceFold.objects.filter(undone_at=None, gone__folded_into__isnull=False).order_by("pk"):
        with transaction.atomic():
            locked = SourceFold.objects.select_for_update().get(pk=fold.pk)
            late = {table: _move(table, "source_id", fold.gone_id, fold.kept_id) for table in OF_SOURCE}
            if not any(late.values()):
                continue
            locked.moved |= {table: [*locked.moved.get(table, []), *numbers] for table, numbers in late.items()}
            locked.save(update_fields=["moved"])
            count += sum(map(len, late.values()))
    return count


def unfold_source(pk: int, *, by: User | None, at: datetime) -> SourceFold:
    """Take two sources apart again: what was moved goes back; what has come since stays. Raises DomainError where one
    of them was folded further."""
    with transaction.atomic():
        fold = SourceFold.objects.select_for_update().get(pk=pk)
        gone, kept = (Source.objects.select_for_update().get(pk=key) for key in (fold.gone_id, fold.kept_id))
        if fold.undone_at or gone.folded_into_id != kept.pk:
            raise DomainError(_("They are apart already, or one of them counts for a third now."))
        for table in OF_SOURCE:
            _move_back(table, "source_id", fold.moved.get(table, []), kept.pk, gone.pk)
        _move_back("leads_source", "folded_into_id", fold.moved.get("sources", []), kept.pk, gone.pk)
        for one in fold.moved.get("campaigns", []):
            _part_campaign(one, gone, kept)
        gone.folded_into, gone.is_active = None, True
        gone.save(update_fields=["folded_into", "is_active"])
        fold.undone_at, fold.undone_by = at, by
        fold.save(update_fields=["undone_at", "undone_by"])
        return fold


def _fold_campaigns(gone: Source, kept: Source) -> list[dict[str, Any]]:
    known = dict(Campaign.objects.filter(source=kept).values_list("key", "pk"))
    found = []
    for campaign in Campaign.objects.filter(source=gone).order_by("pk"):
        same = known.get(campaign.key)
        one: dict[str, Any] = {"campaign": campaign.pk, "into": same}
        if same is None:
            campaign.source = kept
            campaign.save(update_fields=["source"])
        else:
            one["moved"] = {table: _move(table, "campaign_id", campaign.pk, same) for table in OF_CAMPAIGN}
        found.append(one)
    return found


def _part_campaign(one: dict[str, Any], gone: Source, kept: Source) -> None:
    if one["into"] is None:
        Campaign.objects.filter(pk=one["campaign"], source=kept).update(source=gone)
        return
    for table, numbers in one["moved"].items():
        _move_back(table, "campaign_id", numbers, one["into"], one["campaign"])


def _move(table: str, column: str, before: int, after: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {column} = %s WHERE {column} = %s RETURNING id",  # noqa: S608  # names of our own
            [after, before],
        )
        return sorted(number for (number,) in cursor.fetchall())


def _move_back(table: str, column: str, numbers: list[int], before: int, after: int) -> None:
    """Those that somebody has moved elsewhere since stay there."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {column} = %s WHERE id = ANY(%s) AND {column} = %s",  # noqa: S608  # names of our own
            [after, numbers, before],
        )

"""The built-in board's own server: the far side of the `local` adapter.

It stands for a CRM and knows nothing of leads, opportunities or connections. Each function is one request to it: its
own transaction, its own clock, its own version of every record. The adapter and the board's page come in through
these functions and touch `BoardDeal` no other way. A real CRM has a network in between; the sync engine does not know
the difference.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q

from crmsync.models import BoardDeal, BoardNote
from leadmgmt.core.kept_words import worded
from leadmgmt.core.now import now

FIELDS = (
    "name",
    "company",
    "contact",
    "contact_email",
    "contact_phone",
    "stage",
    "amount",
    "currency",
    "close_on",
    "owner_email",
    "lost_reason",
    "source",
    "campaign",
    "summary",
    "history",
    "consent",
    "link",
)


# The one kind of record that the board's callers see.
Deal = BoardDeal


class BoardRefusal(Exception):
    """The board does not take these values; ``fields`` says which and why."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {why}" for name, why in fields.items()))
        self.fields = dict(fields)


class NoSuchDeal(Exception):
    """The board has no deal with this id."""


class BoardConflict(Exception):
    """The deal has another version by now; ``current`` is the deal as it stands."""

    def __init__(self, current: BoardDeal) -> None:
        super().__init__("The deal changed meanwhile.")
        self.current = current


def clock() -> datetime:
    """The board's clock."""
    return now()


def upsert_deal(
    *,
    external_key: str,
    values: Mapping[str, Any],
    deal_id: str | None = None,
    if_version: int | None = None,
    only_create: bool = False,
    by: str = "",
) -> tuple[BoardDeal, bool]:
    """Create the deal with this key, or change the fields given. Returns the deal and whether it is new.

    ``only_create``: a deal that is there already comes back as it is, so that a repeated create overwrites nothing.

    Raises BoardConflict if ``if_version`` is another than the deal's, NoSuchDeal for an unknown id and
    BoardRefusal for values that it does not take. The key is unique: a second create becomes a change.
    """
    _check(values)
    try:
        with transaction.atomic():
            if deal_id:
                return _write(_locked(deal_id), values, if_version, by), False
            deal = BoardDeal.objects.select_for_update().filter(external_key=external_key).first()
            if deal is None:
                return _create(external_key, values, by), True
            return (deal if only_create else _write(deal, values, if_version, by)), False
    except IntegrityError:
        # Another request created it between our look and our insert; now it is there to be changed.
        with transaction.atomic():
            deal = BoardDeal.objects.select_for_update().get(external_key=external_key)
            return (deal if only_create else _write(deal, values, if_version, by)), False


def forget_notes(deal_id: str) -> int:
    """Drop what people wrote on a deal's card; its person was erased. Returns how many notes."""
    return BoardNote.objects.filter(deal__pk=deal_id).delete()[0]


def move_deal(
    deal_id: str,
    *,
    stage: str,
    by: str,
    amount: Decimal | None = None,
    lost_reason: str | None = None,
    close_on: date | None = None,
    if_version: int | None = None,
    note: str = "",
) -> BoardDeal:
    """Put a deal into another stage; what is None stays as it is. Raises as `upsert_deal` does."""
    given = {"stage": stage, "amount": amount, "lost_reason": lost_reason, "close_on": close_on}
    values = {name: value for name, value in given.items() if value is not None}
    _check(values)
    with transaction.atomic():
        deal = _write(_locked(deal_id), values, if_version, by)
        if note:
            BoardNote.objects.create(deal=deal, at=clock(), by=by, body=note)
    return deal


def read_deal(deal_id: str) -> BoardDeal:
    """One deal as it stands; NoSuchDeal where there is none."""
    try:
        return BoardDeal.objects.get(pk=deal_id)
    except (BoardDeal.DoesNotExist, ValidationError) as error:
        raise NoSuchDeal(deal_id) from error


def deals_with_key(external_key: str) -> list[BoardDeal]:
    """The deals that carry a caller's key: one at most, as the key is unique."""
    return list(BoardDeal.objects.filter(external_key=external_key))


def changes_since(lo: datetime, hi: datetime, *, after: tuple[datetime, str] | None, limit: int) -> list[BoardDeal]:
    """Deals changed within [lo, hi], oldest first, those behind ``after`` (time, id)."""
    found = BoardDeal.objects.filter(modified_at__gte=lo, modified_at__lte=hi)
    if after:
        at, last = after
        found = found.filter(Q(modified_at=at, id__gt=last) | Q(modified_at__gt=at))
    return list(found.order_by("modified_at", "id")[:limit])


def field_types() -> dict[str, tuple[str, int | None]]:
    """What a caller may write: each field with its type and longest length."""
    return {
        field.name: (field.get_internal_type(), field.max_length)
        for field in BoardDeal._meta.concrete_fields
        if field.name in FIELDS
    }


def _locked(deal_id: str) -> BoardDeal:
    try:
        return BoardDeal.objects.select_for_update().get(pk=deal_id)
    except (BoardDeal.DoesNotExist, ValidationError) as error:
        raise NoSuchDeal(deal_id) from error


def _check(values: Mapping[str, Any]) -> None:
    problems: dict[str, str] = {}
    known = field_types()
    for name, value in values.items():
        if name not in known:
            problems[name] = worded("The board has no such field.")
            continue
        _type, longest = known[name]
        if isinstance(value, str) and longest and len(value) > longest:
            problems[name] = worded("Longer than %(number)s characters.", number=longest)
        if isinstance(value, str) and "\0" in value:
            problems[name] = worded("Holds a character that cannot be stored.")
    if "stage" in values and not values["stage"]:
        problems["stage"] = worded("A deal needs a stage.")
    if problems:
        raise BoardRefusal(problems)


def _create(external_key: str, values: Mapping[str, Any], by: str) -> BoardDeal:
    if not values.get("name") or not values.get("stage"):
        raise BoardRefusal({"name": worded("A deal needs a name and a stage.")})
    at = clock()
    filled = {name: _stored(name, value) for name, value in values.items()}
    return BoardDeal.objects.create(
        external_key=external_key or None, created_at=at, modified_at=at, modified_by=by, **filled
    )


def _write(deal: BoardDeal, values: Mapping[str, Any], if_version: int | None, by: str) -> BoardDeal:
    """Change a locked deal. Nothing new leaves version and time as they are."""
    if if_version is not None and if_version != deal.version:
        raise BoardConflict(deal)
    changed = {
        name: stored for name, value in values.items() if getattr(deal, name) != (stored := _stored(name, value))
    }
    if not changed:
        return deal
    for name, value in changed.items():
        setattr(deal, name, value)
    deal.version += 1
    deal.modified_at = clock()
    deal.modified_by = by
    deal.save()
    return deal


def _stored(name: str, value: Any) -> Any:
    """What a cleared field holds: text is empty, the rest is unknown."""
    return "" if value is None and name not in ("amount", "close_on") else value

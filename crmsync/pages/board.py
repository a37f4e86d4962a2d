"""The built-in board: columns of deals, and how each stands with Leadmgmt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, F, Q, QuerySet, Sum, Window
from django.db.models.functions import RowNumber

from crmsync.models import BoardDeal, Connection, InboxEvent, Link, LossReasonMap, StageMap
from leadmgmt.core.permissions import ADMIN, MANAGER, has_role
from leads.models import Reason, User

MOST_CARDS = 40
# Won and lost deals stay on the board for so long; the reports know the others.
CLOSED_DAYS = timedelta(days=30)


@dataclass(frozen=True)
class Card:
    """One deal. ``sync``: synced, coming (the board is ahead), held, or alone (nobody is linked)."""

    deal: BoardDeal
    sync: str
    owner: User | None
    next_stage: str


@dataclass(frozen=True)
class Column:
    """One stage with its deals, newest change first; ``count`` and ``total`` speak of all of them."""

    stage: StageMap
    cards: list[Card]
    count: int
    total: Decimal


@dataclass(frozen=True)
class Board:
    """The page. ``closing``: the stages that end a deal."""

    columns: list[Column]
    owners: list[User]
    owner: str
    words: str
    reader_is_manager: bool
    strays: int
    closing: list[StageMap]


def local_connection() -> Connection | None:
    """The connection whose far side is this board."""
    return Connection.objects.filter(adapter="local").order_by("pk").first()


def deals_for(reader: User) -> QuerySet[BoardDeal]:
    """What this person may see and move: an AE their own deals, managers all."""
    if has_role(reader, MANAGER, ADMIN):
        return BoardDeal.objects.all()
    return BoardDeal.objects.filter(owner_email__iexact=reader.email)


def board_page(reader: User, *, owner: str, words: str, at: datetime) -> Board:
    """Columns in the order of the stage map, in a fixed number of queries."""
    connection = local_connection()
    stages = list(StageMap.objects.filter(connection=connection)) if connection else []
    visible = deals_for(reader)
    owners = {user.email: user for user in User.objects.filter(email__in=visible.values("owner_email"))}
    found = _narrow(visible, owner, words)
    shown = found.filter(_on_board(stages, at))
    sums = {row["stage"]: row for row in shown.values("stage").annotate(count=Count("pk"), total=Sum("amount"))}
    place = Window(RowNumber(), partition_by="stage", order_by=[F("modified_at").desc(), "id"])
    deals = list(shown.annotate(place=place).filter(place__lte=MOST_CARDS).order_by("place"))
    states = sync_states(connection, deals) if connection else {}
    columns = []
    for stage in stages:
        following = _next_open(stage, stages)
        cards = [
            Card(deal, states[str(deal.pk)], owners.get(deal.owner_email), following)
            for deal in deals
            if deal.stage == stage.remote
        ]
        summed = sums.get(stage.remote)
        count, total = (summed["count"], summed["total"]) if summed else (0, None)
        columns.append(Column(stage, cards, count, total or Decimal(0)))
    return Board(
        columns=columns,
        owners=sorted(owners.values(), key=str),
        owner=owner,
        words=words,
        reader_is_manager=has_role(reader, MANAGER, ADMIN),
        strays=found.exclude(stage__in=[stage.remote for stage in stages]).count(),
        closing=[stage for stage in stages if stage.meaning != StageMap.Meaning.OPEN],
    )


def _on_board(stages: list[StageMap], at: datetime) -> Q:
    """Open deals, and those closed lately."""
    is_open = [stage.remote for stage in stages if stage.meaning == StageMap.Meaning.OPEN]
    closed = [stage.remote for stage in stages if stage.meaning != StageMap.Meaning.OPEN]
    return Q(stage__in=is_open) | Q(stage__in=closed, modified_at__gte=at - CLOSED_DAYS)


def _narrow(deals: QuerySet[BoardDeal], owner: str, words: str) -> QuerySet[BoardDeal]:
    if owner:
        deals = deals.filter(owner_email__iexact=owner)
    for word in words.split():
        deals = deals.filter(Q(name__icontains=word) | Q(company__icontains=word) | Q(contact__icontains=word))
    return deals


def _next_open(stage: StageMap, stages: list[StageMap]) -> str:
    """The open stage that follows this one, if it is open itself."""
    if stage.meaning != StageMap.Meaning.OPEN:
        return ""
    later = [one for one in stages if one.meaning == StageMap.Meaning.OPEN and one.position > stage.position]
    return later[0].remote if later else ""


def sync_states(connection: Connection, deals: Sequence[BoardDeal]) -> dict[str, str]:
    """How each deal stands with Leadmgmt, in two queries."""
    ids = [str(deal.pk) for deal in deals]
    known = dict(
        Link.objects.filter(connection=connection, remote_id__in=ids).values_list("remote_id", "remote_version")
    )
    held = set(
        InboxEvent.objects.filter(
            connection=connection, remote_id__in=ids, state__in=[InboxEvent.State.WAITING, InboxEvent.State.DEAD]
        ).values_list("remote_id", flat=True)
    )
    return {str(deal.pk): _state(deal, known, held) for deal in deals}


def _state(deal: BoardDeal, known: dict[str | None, str], held: set[str]) -> str:
    key = str(deal.pk)
    if key in held:
        return "held"
    if key not in known:
        return "coming" if deal.external_key else "alone"
    return "synced" if known[key] == str(deal.version) else "coming"


def stage_choices(connection: Connection | None) -> dict[str, str]:
    """The stages that a deal may be moved to, with what they mean."""
    found = StageMap.objects.filter(connection=connection).values_list("remote", "meaning")
    return dict(found)


def reason_choices(connection: Connection | None) -> list[str]:
    """The loss reasons that the board offers: those that are mapped, so that none arrives as a riddle."""
    mapped = LossReasonMap.objects.filter(connection=connection, reason__kind=Reason.Kind.LOST)
    return list(
        mapped.exclude(reason__code="handoff-refused").order_by("reason__position").values_list("remote", flat=True)
    )

"""Channel health: counted hour by hour, compared with the channel's own weeks, and an alarm when it falls silent."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Max, Sum

from leads.models import Capture, Channel, ChannelError, ChannelHour, ChannelSilence

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
WEEKS = 4
# A silence that would come about by chance this seldom is an alarm.
UNLIKELY = 0.001
# Before that nobody can say what is usual.
LEAST_HISTORY = timedelta(days=14)
LEAST_BUSY_HOURS = 10
SPARK_DAYS = 14
# Fed by people when they feel like it: a pause says nothing.
BY_PEOPLE = (Channel.Kind.IMPORT, Channel.Kind.MANUAL)

COUNT = """
    INSERT INTO leads_channelhour (channel_id, hour, received, accepted, refused, failed, held, tests)
    SELECT channel.id, counted.* FROM leads_channel AS channel CROSS JOIN LATERAL (
        SELECT date_trunc('hour', received_at, 'UTC') AS hour, count(*),
            count(*) FILTER (WHERE status = 'accepted'), count(*) FILTER (WHERE status = 'refused'),
            count(*) FILTER (WHERE status = 'failed'), count(*) FILTER (WHERE status = 'quarantined'),
            count(*) FILTER (WHERE status IN ('test', 'ignored'))
        FROM leads_capture WHERE channel_id = channel.id AND received_at >= %s GROUP BY 1
    ) AS counted
    ON CONFLICT (channel_id, hour) DO UPDATE SET received = EXCLUDED.received, accepted = EXCLUDED.accepted,
        refused = EXCLUDED.refused, failed = EXCLUDED.failed, held = EXCLUDED.held, tests = EXCLUDED.tests
"""


@dataclass(frozen=True)
class Health:
    """One channel as it is doing. Counts are of the last 24 hours; ``usual`` are those of the same 24 hours in the
    weeks before, oldest first; ``days`` are the last fourteen, oldest first."""

    last_at: datetime | None = None
    today: int = 0
    usual: tuple[int, ...] = ()
    days: tuple[int, ...] = ()
    accepted: int = 0
    refused: int = 0
    failed: int = 0
    held: int = 0
    turned_away: int = 0
    silence: ChannelSilence | None = None

    @property
    def low(self) -> int:
        """The least that is usual."""
        return min(self.usual, default=0)

    @property
    def high(self) -> int:
        """The most that is usual."""
        return max(self.usual, default=0)


def hour_of(at: datetime) -> datetime:
    """The beginning of the hour."""
    return at.replace(minute=0, second=0, microsecond=0)


def roll_up(at: datetime) -> int:
    """Count the last hours again; everything of the last weeks where nothing is counted yet. Returns rows written."""
    if not ChannelHour.objects.exists():
        since = at - (WEEKS + 1) * WEEK
    else:
        # What was refused or held may have been mended or released since: looked at again once an hour.
        since = at - (3 * DAY if at.minute == 0 else 2 * HOUR)
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [hour_of(since)])
        return int(cursor.rowcount)


def chance_of_silence(busy: Collection[datetime], first: datetime, last: datetime, at: datetime) -> float:
    """How likely it is that nothing came in from after the hour ``last`` to ``at``, judged by earlier weeks.

    ``busy`` are the hours in which something came in, ``first`` the first of them. Each full hour of the silence is
    taken by itself: in how many of the four weeks before was the same hour of the week busy? One imagined week
    without anything is added, so that four busy weeks say 80 %, not certainty. The chances that each hour stays
    empty are multiplied; bursts do not count more than single submissions.
    """
    chance = 1.0
    hour = last + HOUR
    while hour + HOUR <= at:
        weeks = [earlier for week in range(1, WEEKS + 1) if first <= (earlier := hour - week * WEEK) <= last]
        busy_weeks = sum(earlier in busy for earlier in weeks)
        chance *= 1 - busy_weeks / (len(weeks) + 1)
        if chance < UNLIKELY / 1000:
            break
        hour += HOUR
    return chance


def judge_silences(at: datetime) -> tuple[list[ChannelSilence], list[ChannelSilence]]:
    """Raise the alarm for channels that fell silent, end it where they speak again. Returns the new and the ended."""
    channels = {one.pk: one for one in Channel.objects.filter(is_active=True).exclude(kind__in=BY_PEOPLE)}
    hours = _busy_hours(channels, at)
    with transaction.atomic():
        still = {one.channel_id: one for one in ChannelSilence.objects.select_for_update().filter(ended_at=None)}
        fresh, ended = [], []
        for key, silence in still.items():
            if key not in channels or max(hours.get(key, {silence.since}), default=silence.since) > silence.since:
                silence.ended_at = at
                silence.save(update_fields=["ended_at"])
                ended.append(silence)
        for key, busy in hours.items():
            if key not in still and (begun := _silence(channels[key], busy, at)):
                fresh.append(begun)
        made = ChannelSilence.objects.bulk_create(fresh, ignore_conflicts=True) if fresh else []
    return list(made), ended


def _silence(channel: Channel, busy: set[datetime], at: datetime) -> ChannelSilence | None:
    if len(busy) < LEAST_BUSY_HOURS or max(busy) - min(busy) < LEAST_HISTORY:
        return None
    last = max(busy)
    chance = chance_of_silence(busy, min(busy), last, at)
    if chance > UNLIKELY:
        return None
    return ChannelSilence(channel=channel, since=last, noticed_at=at, chance=chance)


def _busy_hours(channels: Iterable[int], at: datetime) -> dict[int, set[datetime]]:
    """The hours with something that counts. Tests are signs of life of the one who tests, not of the channel."""
    rows = ChannelHour.objects.filter(channel__in=list(channels), hour__gte=at - 2 * WEEKS * WEEK)
    busy: dict[int, set[datetime]] = defaultdict(set)
    for channel, hour, received, tests in rows.values_list("channel", "hour", "received", "tests"):
        if received > tests:
            busy[channel].add(hour)
    return busy


@dataclass
class _Tally:
    today: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    usual: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    days: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    first: datetime | None = None


def healths(channels: Iterable[Channel], at: datetime) -> dict[int, Health]:
    """How each of these channels is doing, in four queries."""
    keys = [channel.pk for channel in channels]
    tallies = _tallies(keys, at)
    last = dict(
        Capture.objects.filter(channel__in=keys).order_by().values_list("channel").annotate(last=Max("received_at"))
    )
    away = dict(
        ChannelError.objects.filter(channel__in=keys, last_at__gte=at - DAY)
        .order_by()
        .values_list("channel")
        .annotate(calls=Sum("count"))
    )
    silent = {one.channel_id: one for one in ChannelSilence.objects.filter(channel__in=keys, ended_at=None)}
    return {
        key: _health(tallies.get(key, _Tally()), last.get(key), away.get(key, 0), silent.get(key), at) for key in keys
    }


def _tallies(keys: list[int], at: datetime) -> Mapping[int, _Tally]:
    tallies: dict[int, _Tally] = defaultdict(_Tally)
    rows = ChannelHour.objects.filter(channel__in=keys, hour__gt=hour_of(at) - WEEKS * WEEK - DAY).order_by("hour")
    newest = hour_of(at)
    for row in rows:
        tally = tallies[row.channel_id]
        tally.first = tally.first or row.hour
        ago = (newest - row.hour) // HOUR
        if ago < 24:
            for name in ("received", "accepted", "refused", "failed", "held"):
                tally.today[name] += getattr(row, name)
        elif ago % (7 * 24) < 24:
            tally.usual[ago // (7 * 24)] += row.received
        if ago < SPARK_DAYS * 24:
            tally.days[ago // 24] += row.received
    return tallies


def _health(tally: _Tally, last: datetime | None, away: int, silence: ChannelSilence | None, at: datetime) -> Health:
    weeks = min(WEEKS, (hour_of(at) - tally.first) // WEEK) if tally.first else 0
    return Health(
        last_at=last,
        today=tally.today["received"],
        usual=tuple(tally.usual[week] for week in range(weeks, 0, -1)),
        days=tuple(tally.days[day] for day in reversed(range(SPARK_DAYS))),
        accepted=tally.today["accepted"],
        refused=tally.today["refused"],
        failed=tally.today["failed"],
        held=tally.today["held"],
        turned_away=away,
        silence=silence,
    )

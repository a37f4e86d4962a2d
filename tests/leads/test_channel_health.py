"""Channel health: counted by the hour, compared with the channel's own weeks, alarmed when it falls silent."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail

from leadmgmt.channel_watch import watch_channels
from leads.models import Capture, Channel, ChannelHour, ChannelSilence
from leads.services.channel_health import (
    HOUR,
    UNLIKELY,
    WEEK,
    chance_of_silence,
    healths,
    judge_silences,
    roll_up,
)
from routing.models import Notification
from tests.factories import make_user

AT = datetime(2026, 11, 25, 14, 20, tzinfo=UTC)
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def website() -> Channel:
    return Channel.objects.create(slug="website", name="Website", kind=Channel.Kind.API)


def received(channel: Channel, *times: datetime, status: str = "accepted") -> None:
    Capture.objects.bulk_create(
        Capture(channel=channel, received_at=at, occurred_at=at, payload={}, payload_hash="", status=status)
        for at in times
    )


def office_hours(at: datetime, weeks: int = 4, until: timedelta = timedelta(0)) -> list[datetime]:
    """One submission in each hour from 8 to 18 on working days, up to ``until`` before ``at``."""
    first = (at - weeks * WEEK).replace(minute=30)
    hours = (first + n * HOUR for n in range(weeks * 7 * 24))
    return [hour for hour in hours if hour <= at - until and hour.weekday() < 5 and 8 <= hour.hour < 18]


def test_hours_are_counted_by_what_became_of_the_submissions(website: Channel) -> None:
    received(website, AT, AT - HOUR, AT - HOUR)
    received(website, AT, status="refused")
    received(website, AT, status="quarantined")
    received(website, AT, status="test")

    assert roll_up(AT) == 2
    now, before = ChannelHour.objects.order_by("-hour")
    assert (now.received, now.accepted, now.refused, now.held, now.tests) == (4, 1, 1, 1, 1)
    assert (before.received, before.hour) == (2, AT.replace(minute=0) - HOUR)


def test_counting_again_corrects_instead_of_adding(website: Channel) -> None:
    received(website, AT, status="quarantined")
    roll_up(AT)
    Capture.objects.update(status="accepted")
    roll_up(AT)

    assert ChannelHour.objects.values_list("received", "accepted", "held").get() == (1, 1, 0)


def test_a_day_is_compared_with_the_same_day_of_the_weeks_before(website: Channel) -> None:
    received(website, AT, AT - HOUR)
    for week, count in ((1, 5), (2, 3), (3, 9)):
        received(website, *[AT - week * WEEK - number * HOUR for number in range(count)])
    received(website, AT - 3 * WEEK - timedelta(days=3))
    roll_up(AT)

    health = healths([website], AT)[website.pk]

    assert health.today == 2
    assert health.usual == (9, 3, 5)
    assert (health.low, health.high) == (3, 9)
    assert health.last_at == AT
    assert health.days[-1] == 2
    assert sum(health.days) == 2 + 5


def test_an_afternoon_without_anything_is_an_alarm_and_a_night_is_not(website: Channel) -> None:
    received(website, *office_hours(AT, until=timedelta(hours=5)))
    roll_up(AT)
    fresh, _ended = judge_silences(AT)
    assert [one.channel for one in fresh] == [website]
    assert fresh[0].chance <= UNLIKELY
    assert healths([website], AT)[website.pk].silence is not None

    ChannelSilence.objects.all().delete()
    morning = datetime(2026, 11, 25, 7, 30, tzinfo=UTC)
    Capture.objects.all().delete()
    ChannelHour.objects.all().delete()
    received(website, *office_hours(morning))
    roll_up(morning)
    assert judge_silences(morning) == ([], [])


def test_the_alarm_is_raised_once_and_ends_when_something_comes_in(website: Channel) -> None:
    received(website, *office_hours(AT, until=timedelta(hours=5)))
    roll_up(AT)
    judge_silences(AT)
    assert judge_silences(AT + timedelta(minutes=1)) == ([], [])

    received(website, AT + timedelta(minutes=2))
    roll_up(AT + timedelta(minutes=2))
    fresh, ended = judge_silences(AT + timedelta(minutes=2))

    assert (fresh, len(ended)) == ([], 1)
    assert ChannelSilence.objects.get().ended_at == AT + timedelta(minutes=2)


def test_a_test_is_no_sign_of_life(website: Channel) -> None:
    received(website, *office_hours(AT, until=timedelta(hours=5)))
    received(website, AT - timedelta(minutes=10), status="test")
    roll_up(AT)
    assert len(judge_silences(AT)[0]) == 1


@pytest.mark.parametrize("change", [{"is_active": False}, {"kind": "import"}, {"kind": "manual"}])
def test_who_is_switched_off_or_fed_by_people_may_be_silent(website: Channel, change: dict[str, object]) -> None:
    received(website, *office_hours(AT, until=timedelta(hours=8)))
    Channel.objects.update(**change)
    roll_up(AT)
    assert judge_silences(AT)[0] == []


def test_a_channel_of_last_week_has_no_habits_yet(website: Channel) -> None:
    received(website, *office_hours(AT, weeks=1, until=timedelta(hours=5)))
    roll_up(AT)
    assert judge_silences(AT)[0] == []


def test_admins_and_marketing_are_told_once(website: Channel) -> None:
    admin, marketing, rep = make_user("admin"), make_user("marketing", "admin"), make_user("sdr")
    received(website, *office_hours(AT, until=timedelta(hours=5)))

    watch_channels(AT)
    watch_channels(AT + timedelta(minutes=1))

    told = Notification.objects.filter(way="in_app").values_list("user", flat=True)
    assert sorted(told) == sorted([admin.pk, marketing.pk])
    assert rep.pk not in told


def test_the_mail_says_which_channel_and_leads_to_it(website: Channel) -> None:
    from routing.tasks import deliver_notification

    make_user("admin")
    received(website, *office_hours(AT, until=timedelta(hours=5)))
    watch_channels(AT)

    deliver_notification(Notification.objects.get(way="email").pk)

    assert mail.outbox[0].subject == "Website has fallen silent"
    assert "/setup/channels/website/" in mail.outbox[0].body


def weekly(draw: random.Random, rate: Callable[[datetime], float], start: datetime, weeks: int) -> set[datetime]:
    """Busy hours of a channel that delivers at random with this many an hour."""
    hours = (start + number * HOUR for number in range(weeks * 7 * 24))
    return {hour for hour in hours if draw.random() < 1 - 2.718281828 ** -rate(hour)}


@pytest.mark.parametrize("per_hour", [0.1, 0.5, 3.0])
def test_channels_that_go_on_as_before_raise_few_alarms(per_hour: float) -> None:
    """By office hours at three volumes: of 400 channels watched for a week each, at most one in a hundred is wrong."""

    def rate(hour: datetime) -> float:
        return per_hour if hour.weekday() < 5 and 8 <= hour.hour < 18 else per_hour / 20

    draw, wrong = random.Random(20261125), 0
    start = datetime(2026, 9, 7, tzinfo=UTC)
    for _channel in range(400):
        busy = weekly(draw, rate, start, 6)
        watched = start + 5 * WEEK
        alarms = False
        for number in range(0, 7 * 24, 3):
            at = watched + number * HOUR
            past = {hour for hour in busy if hour < at}
            alarms |= chance_of_silence(past, min(past), max(past), at) <= UNLIKELY
        wrong += alarms
    assert wrong <= 4

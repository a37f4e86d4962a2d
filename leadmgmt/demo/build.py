"""Builds the demo organisation: sets it up, then tells its last months."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.models import Count, Q, QuerySet

from leadmgmt.core.now import moment, now
from leadmgmt.core.permissions import ADMIN, AE, MANAGER, MARKETING, SDR, TEAM_LEAD
from leadmgmt.core.prepared import statements_prepared
from leadmgmt.core.tasks import inline
from leadmgmt.defaults import install_defaults
from leadmgmt.demo import organisation
from leadmgmt.demo.ae import Ae
from leadmgmt.demo.cast import Cast
from leadmgmt.demo.firms import know
from leadmgmt.demo.sdr import Sdr, Work
from leadmgmt.demo.timeline import Timeline
from leadmgmt.demo.visitors import Arrival, Crowd
from leads.models import Channel, Lead, Organisation, User
from leads.services.capture import receive
from leads.services.channels import create_api_key
from routing.models import Notification

Say = Callable[[str], None]

# Of the last minutes' leads nobody has been in touch with any yet: their promises run while somebody looks.
UNTOUCHED_MINUTES = 13
RECENT = (14, 26)
WEEK, CAMPAIGN = timedelta(days=6), 60
MAIL = "routing.tasks.deliver_notification"


def is_built() -> bool:
    """Whether there is an organisation already, a demo one or a real one."""
    return Organisation.objects.exclude(name=organisation.BEING_BUILT).exists() or (
        User.objects.exists() and not is_unfinished()
    )


def is_unfinished() -> bool:
    """Whether a demo organisation was begun and not finished."""
    return Organisation.objects.filter(name=organisation.BEING_BUILT).exists()


def build(leads: int, days: int, seed: int, say: Say) -> None:
    """Set up and tell the past, up to now."""
    at = now()
    if is_unfinished():
        say("  An unfinished demo organisation is taken away first …")
        empty()
    organisation.mark()
    with moment(at - timedelta(days=days + 2)):
        install_defaults()
        organisation.build(at, days)
    tell_past(leads, days, seed, say, at)
    organisation.finish()


def tell_past(leads: int, days: int, seed: int, say: Say, at: datetime) -> None:
    """So many leads in so many days, moved by the services at the times when it happened."""
    timeline, crowd, cast = Timeline(at, seed), Crowd(seed), Cast(at)
    ae = Ae(timeline, cast)
    sdr = Sdr(timeline, cast, ae.sold)
    ae.lost = sdr.leave
    doors = {channel.slug: channel for channel in Channel.objects.all()}
    for arrival in _arrivals(crowd, leads, days, at):
        timeline.plan(arrival.at, partial(arrive, arrival, doors, sdr))
    for day in range(days, -1, -1):
        timeline.tick(at - timedelta(days=day, minutes=2), "leadmgmt.leaks")
    progress = Progress(say, at - timedelta(days=days), at)
    with statements_prepared(), inline(skip=frozenset({MAIL})), quick_commits():
        timeline.run(progress.tell)
    # The mails of the past are past.
    Notification.objects.filter(way=Notification.Way.EMAIL, status=Notification.Status.WAITING).update(
        status=Notification.Status.SENT, sent_at=at
    )
    day_ago = at - timedelta(hours=20)
    Notification.objects.filter(way=Notification.Way.IN_APP, created_at__lt=day_ago).update(seen_at=at)


def _arrivals(crowd: Crowd, leads: int, days: int, at: datetime) -> list[Arrival]:
    start = at - timedelta(days=days)
    first, last = RECENT
    recent = min(first + last, leads // 4)
    # Last week's campaign: so that every rep has work in hand, also where few leads come.
    week = min(leads // 4, CAMPAIGN) if days > WEEK.days else 0
    found = list(crowd.arrivals(max(leads - recent - week, 0), start, at - timedelta(hours=3)))
    found += crowd.arrivals(week, at - WEEK, at - timedelta(hours=3))
    for number in range(recent):
        minutes = UNTOUCHED_MINUTES * crowd.chance.random() if number < first else 13 + 160 * crowd.chance.random()
        found.append(crowd.arrival(crowd.visitor(), at - timedelta(minutes=minutes)))
    return found


def arrive(arrival: Arrival, doors: dict[str, Channel], sdr: Sdr, at: datetime) -> None:
    """Somebody shows interest."""
    know(arrival.visitor.firm, at)
    receipt = receive(doors[arrival.channel], arrival.payload, received_at=at)
    lead_id = receipt.capture.lead_id
    if lead_id is None or lead_id in sdr.active:
        return
    if sdr.timeline.end - at < timedelta(minutes=UNTOUCHED_MINUTES):
        return
    sdr.timeline.plan(at + timedelta(seconds=20), partial(sdr.look, Work(lead_id, arrival.visitor)))


@contextmanager
def quick_commits() -> Iterator[None]:
    """Do not wait for the disk at each commit: a crash costs some of the demo, which is then built anew."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET synchronous_commit")


class Progress:
    """A line every tenth of the way."""

    def __init__(self, say: Say, start: datetime, end: datetime) -> None:
        self.say, self.start, self.span = say, start, end - start
        self.told = 0

    def tell(self, at: datetime) -> None:
        """Say how far the past is told, if that is worth a line."""
        tenth = int((at - self.start) / self.span * 10)
        if tenth > self.told:
            self.told = tenth
            self.say(f"  {at:%-d %B %Y}: {Lead.objects.count()} leads")


def next_seed(seed: int) -> int:
    """Other people than those who are there already."""
    return seed + Lead.objects.count() + 1


def empty() -> None:
    """Take away all rows of an unfinished demo, and nothing of anything else."""
    kept = {"django_migrations", "django_content_type", "auth_permission", "auth_group", "auth_group_permissions"}
    tables = [name for name in connection.introspection.table_names() if name not in kept]
    quoted = ", ".join(connection.ops.quote_name(name) for name in tables)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE " + quoted + " RESTART IDENTITY CASCADE")


def hand_out_keys(file: Path) -> dict[str, object]:
    """A sign-in per role and a key for the website's channel, kept in ``file`` for whoever runs this installation."""
    who = _who()
    # It captures on the website's channel, and reads and writes as the admin.
    _, token = create_api_key("Demo", channel=Channel.objects.get(slug="website"), user=who.get(ADMIN))
    accounts = {role: _account(user) for role, user in who.items()}
    note: dict[str, object] = {"url": settings.PUBLIC_URL, "api_key": token, "accounts": accounts}
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(note, indent=2))
    draft.chmod(0o600)
    draft.replace(file)
    return note


def _account(user: User) -> dict[str, str]:
    password = secrets.token_urlsafe(9)
    user.set_password(password)
    user.language = "en"
    user.save(update_fields=["password", "language"])
    return {"email": user.email, "password": password}


def _who() -> dict[str, User]:
    """One person per role: of the reps those with most to do right now, so that the first look shows something."""
    promised = Q(leads__sla_clocks__stopped_at__isnull=True, leads__sla_clocks__due_at__gt=now())
    running = Count("leads", filter=promised & Q(leads__stage__in=["new", "mql", "sql"]), distinct=True)
    sdr = _of(SDR).annotate(running=running).order_by("-running", "pk").first()
    offered = Count("handoffs", filter=Q(handoffs__status="offered"), distinct=True)
    found = {
        SDR: sdr,
        TEAM_LEAD: _of(TEAM_LEAD).filter(team=sdr.team_id if sdr else None).first() or _of(TEAM_LEAD).first(),
        AE: _of(AE).annotate(offered=offered).order_by("-offered", "pk").first(),
        **{role: _of(role).first() for role in (MARKETING, MANAGER, ADMIN)},
    }
    return {role: user for role, user in found.items() if user is not None}


def _of(role: str) -> QuerySet[User]:
    return User.objects.filter(groups__name=role).order_by("pk")

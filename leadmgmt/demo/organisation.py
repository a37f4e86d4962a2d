"""Sets the demo organisation up: people and their hours, sources and costs, ways in, promises, rules."""

from calendar import monthrange
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.contrib.auth.models import Group
from django.db import transaction

from leadmgmt.core.permissions import ADMIN
from leadmgmt.demo import areas, people, rules
from leadmgmt.demo.form import FORM
from leadmgmt.demo.market import ORIGINS, Origin
from leadmgmt.demo.people import AWAY_NOW, BOTH_POOLS, EVERYBODY, LEADERS, SDRS, TEAMS, Person
from leads.models import Campaign, Channel, Organisation, Source, SourceAlias, SourceCost, Team, User
from routing.models import Absence, ConfigHistory, Pool, PoolMember, Rep, Shift, SlaPolicy

BEING_BUILT = "Demo organisation, being built"


def mark() -> None:
    """Say that a demo is being built, before anything of it is there: only such an installation is ever emptied."""
    Organisation.objects.create(pk=1, name=BEING_BUILT)


@transaction.atomic
def build(at: datetime, days: int) -> None:
    """Everything that stands before the first lead comes; ``at`` is the present, ``days`` how far the past reaches."""
    organisation = Organisation.objects.get(pk=1)
    organisation.country, organisation.time_zone = "DE", "Europe/Berlin"
    organisation.expected_deal_value = Decimal(18_000)
    organisation.save()
    _people(at)
    _sources(at, days)
    _channels()
    _pools()
    areas.divide()
    rules.publish(at - timedelta(days=days + 1))
    # The past that is told now was like this from its first day.
    ConfigHistory.objects.update(at=None)


def finish() -> None:
    """Give the organisation its name: only a finished one has it."""
    Organisation.objects.filter(pk=1).update(name=people.COMPANY)


def _people(at: datetime) -> None:
    teams = {slug: Team.objects.create(slug=slug, name=name) for slug, name in TEAMS.items()}
    Team.objects.filter(slug="sdr-europe").update(converts_by_itself=False)
    groups = {group.name: group for group in Group.objects.all()}
    for person in EVERYBODY:
        user = User(
            email=person.email,
            first_name=person.first_name,
            last_name=person.last_name,
            team=teams.get(person.team),
            time_zone=person.time_zone,
            language=person.language,
            is_staff=person.role == ADMIN,
            is_superuser=person.role == ADMIN,
        )
        user.set_unusable_password()
        user.save()
        user.groups.add(groups.get(person.role) or Group.objects.get_or_create(name=person.role)[0])
        if person.hours:
            _rep(person, user, at)
    away = Rep.objects.get(user__first_name=AWAY_NOW)
    away.absences.update(cover=Rep.objects.get(user__email=SDRS[0].email))


def _rep(person: Person, user: User, at: datetime) -> None:
    rep = Rep.objects.create(
        user=user,
        is_accepting=person not in LEADERS,
        max_open_leads=person.max_open,
        max_per_day=person.max_day,
        languages=list(person.languages),
    )
    Shift.objects.bulk_create(
        Shift(rep=rep, weekday=day, starts_at=starts, ends_at=ends)
        for day in person.days
        for starts, ends in (person.friday if day == 4 and person.friday else person.hours)
    )
    for first, last, reason in ABSENCES.get(person.first_name, ()):
        Absence.objects.create(
            rep=rep, starts_at=at + timedelta(days=first), ends_at=at + timedelta(days=last), reason=reason
        )


# Days from now: begin, end, why.
ABSENCES: dict[str, tuple[tuple[float, float, str], ...]] = {
    "Nico": ((-2.4, 5.6, "Holiday"),),
    "Lena": ((-46, -39, "Holiday"),),
    "Chloé": ((-24, -22, "Training"),),
    "Owen": ((-61, -58, "Ill"), (11, 18, "Holiday")),
    "Stefan": ((-15, -12, "Customer visits"),),
}


def _sources(at: datetime, days: int) -> None:
    for origin in ORIGINS:
        source = Source.objects.get_or_create(slug=origin.slug, defaults={"name": origin.name, "kind": origin.kind})[0]
        for alias in origin.aliases:
            SourceAlias.objects.get_or_create(alias=alias, defaults={"source": source})
        campaigns = [
            Campaign.objects.get_or_create(source=source, key=key, defaults={"name": name})[0]
            for key, name in origin.campaigns
        ]
        for first, last in _months(at.date() - timedelta(days=days), at.date()):
            _cost(origin, source, campaigns, first, last)


def _cost(origin: Origin, source: Source, campaigns: list[Campaign], first: date, last: date) -> None:
    """One month's spending, shared out over the campaigns, a little different every month."""
    amount = Decimal(origin.monthly) * (100 + (first.month * 7 + origin.share) % 17 - 8) / 100
    shares: list[Campaign | None] = list(campaigns) or [None]
    for campaign in shares:
        SourceCost.objects.create(
            source=source,
            campaign=campaign,
            starts_on=first,
            ends_on=last,
            amount=(amount / len(shares)).quantize(Decimal("0.01")),
        )


def _months(first: date, last: date) -> list[tuple[date, date]]:
    """The calendar months that the period touches."""
    found, day = [], first.replace(day=1)
    while day <= last:
        end = day.replace(day=monthrange(day.year, day.month)[1])
        found.append((day, end))
        day = end + timedelta(days=1)
    return found


def _channels() -> None:
    Channel.objects.get_or_create(
        slug="website",
        defaults={"name": "Website", "kind": Channel.Kind.API},
    )
    Channel.objects.get_or_create(
        slug="demo",
        defaults={"name": "Demo request", "kind": Channel.Kind.FORM, "config": FORM},
    )
    Channel.objects.get_or_create(slug="files", defaults={"name": "Files", "kind": Channel.Kind.IMPORT})
    Channel.objects.get_or_create(slug="manual", defaults={"name": "By hand", "kind": Channel.Kind.MANUAL})


def _pools() -> None:
    reps = {rep.user.first_name: rep for rep in Rep.objects.select_related("user")}
    for slug, (name, team, members) in POOLS.items():
        pool = Pool.objects.create(slug=slug, name=name, team=Team.objects.get(slug=team))
        PoolMember.objects.bulk_create(
            PoolMember(pool=pool, rep=reps[first_name], weight=Decimal(weight)) for first_name, weight in members
        )
    # Its own promises instead of the one that every installation begins with.
    SlaPolicy.objects.filter(is_default=True).update(is_default=False)
    for name, minutes, is_default, (attempts, days) in PROMISES:
        SlaPolicy.objects.create(
            name=name,
            first_touch_minutes=minutes,
            in_working_time=True,
            is_default=is_default,
            attempts=attempts,
            attempt_days=days,
        )


def _members(team: str) -> list[tuple[str, str]]:
    return [(one.first_name, one.weight) for one in SDRS if one.team == team or one.first_name in BOTH_POOLS]


# Name, minutes to the first touch, whether it is the default, attempts within days of work.
PROMISES = ((rules.HOT, 15, False, (4, 7)), (rules.CALM, 240, True, (None, None)))
POOLS = {
    "dach": ("DACH", "sdr-dach", _members("sdr-dach")),
    "europe": ("Europe", "sdr-europe", _members("sdr-europe")),
    "large": ("Large companies", "sdr-dach", [("Jonas", "1"), ("Lena", "1"), ("Giulia", "0.7"), ("Maren", "0.5")]),
}

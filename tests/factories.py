"""The cast and the things of tests: plain functions with sensible values, everything can be said otherwise.

Names count up, so that two calls never meet in a unique field. The lead's stage goes in through the constructor, as
the lifecycle is what most tests want to look at, not to walk through.
"""

from datetime import datetime, time, timedelta
from itertools import count
from typing import Any

from django.contrib.auth.models import Group
from django.utils import timezone

from leads.models import Channel, Company, Contact, Lead, Organisation, Reason, Source, Team, Touchpoint, User
from routing.models import Assignment, Pool, PoolMember, Rep, Shift, SlaClock, SlaPolicy

PASSWORD = "correct horse battery"

_number = count(1)


def make_organisation(**fields: Any) -> Organisation:
    """The one organisation."""
    return Organisation.objects.update_or_create(id=1, defaults={"name": "Nordwind GmbH", **fields})[0]


def make_team(slug: str = "", **fields: Any) -> Team:
    """A team; the same slug twice is the same team."""
    slug = slug or f"team-{next(_number)}"
    return Team.objects.get_or_create(slug=slug, defaults={"name": slug.replace("-", " ").title(), **fields})[0]


def make_user(*roles: str, **fields: Any) -> User:
    """A person with these roles (default: sdr), who signs in with PASSWORD."""
    number = next(_number)
    fields.setdefault("email", f"person{number}@ours.example")
    fields.setdefault("first_name", "Person")
    fields.setdefault("last_name", str(number))
    user = User.objects.create_user(password=PASSWORD, **fields)
    user.groups.set([Group.objects.get_or_create(name=role)[0] for role in roles or ("sdr",)])
    return user


def make_rep(user: User | None = None, *, always: bool = True, **fields: Any) -> Rep:
    """Somebody who receives leads; ``always`` gives shifts around the clock."""
    rep, _ = Rep.objects.update_or_create(user=user or make_user("sdr"), defaults=fields)
    if always and not rep.shifts.exists():
        Shift.objects.bulk_create(
            Shift(rep=rep, weekday=day, starts_at=time(0, 0), ends_at=time(23, 59, 59, 999999)) for day in range(7)
        )
    return rep


def make_pool(*reps: Rep, **fields: Any) -> Pool:
    """A pool over these reps, all with weight 1."""
    number = next(_number)
    pool = Pool.objects.create(**{"slug": f"pool-{number}", "name": f"Pool {number}", **fields})
    PoolMember.objects.bulk_create(PoolMember(pool=pool, rep=rep) for rep in reps)
    return pool


def make_channel(slug: str = "", kind: str = Channel.Kind.API, **fields: Any) -> Channel:
    """A way in; the same slug twice is the same channel."""
    slug = slug or f"channel-{next(_number)}"
    return Channel.objects.get_or_create(slug=slug, defaults={"name": slug, "kind": kind, **fields})[0]


def make_source(slug: str = "", **fields: Any) -> Source:
    """A source; the same slug twice is the same source."""
    slug = slug or f"source-{next(_number)}"
    return Source.objects.get_or_create(slug=slug, defaults={"name": slug.replace("-", " ").title(), **fields})[0]


def make_reason(kind: str = Reason.Kind.DISQUALIFY, code: str = "", **fields: Any) -> Reason:
    """A governed reason; the same kind and code twice is the same reason."""
    code = code or f"reason-{next(_number)}"
    return Reason.objects.get_or_create(kind=kind, code=code, defaults={"label_en": code, **fields})[0]


def make_company(**fields: Any) -> Company:
    """A company with a domain of its own."""
    number = next(_number)
    fields = {"name": f"Company {number} GmbH", "domain": f"company{number}.example", "country": "DE", **fields}
    return Company.objects.create(**{"name_key": str(fields["name"]).casefold(), **fields})


def make_contact(**fields: Any) -> Contact:
    """A reachable person; ``email=""`` and ``phone=""`` make one that nobody can reach."""
    number = next(_number)
    fields = {
        "first_name": "Contact",
        "last_name": str(number),
        "email": f"contact{number}@company.example",
        "phone": f"+49721{number:07d}",
        "country": "DE",
        **fields,
    }
    return Contact.objects.create(**{"email_key": fields["email"].lower() or None, **fields})


def make_lead(*, stage: str = "new", at: datetime | None = None, **fields: Any) -> Lead:
    """A lead captured at ``at`` (default: now) in ``stage``; with an owner it also has its open assignment."""
    at = at or timezone.now()
    fields.setdefault("contact", None)
    fields["contact"] = fields["contact"] or make_contact()
    fields.setdefault("channel", None)
    fields["channel"] = fields["channel"] or make_channel("website")
    if stage in ("recycled", "disqualified"):
        fields.setdefault("reason", make_reason("recycle" if stage == "recycled" else "disqualify", "no-need"))
    for name in ("stage_at", "first_seen_at", "last_touch_at", "captured_at"):
        fields.setdefault(name, at)
    owner: User | None = fields.get("owner")
    if owner is not None:
        fields.setdefault("team", owner.team)
        fields.setdefault("owned_at", at)
        fields.setdefault("routed_at", at)
    lead = Lead.objects.create(stage=stage, **fields)
    if owner is not None and stage not in ("recycled", "disqualified"):
        Assignment.objects.create(lead=lead, user=owner, reason=Assignment.Reason.RULE, starts_at=at)
    return lead


def make_touchpoint(lead: Lead, *, at: datetime | None = None, **fields: Any) -> Touchpoint:
    """One marketing touch of the lead's person."""
    fields = {"kind": Touchpoint.Kind.FORM, "source": lead.source, "subject": "demo", **fields}
    return Touchpoint.objects.create(lead=lead, contact=lead.contact, at=at or lead.captured_at, **fields)


def make_policy(minutes: int = 15, **fields: Any) -> SlaPolicy:
    """A promise of a first touch within so many minutes, around the clock."""
    name = fields.pop("name", f"{minutes} minutes")
    defaults = {"first_touch_minutes": minutes, "in_working_time": False, **fields}
    return SlaPolicy.objects.get_or_create(name=name, defaults=defaults)[0]


def make_clock(lead: Lead, *, due_at: datetime | None = None, **fields: Any) -> SlaClock:
    """The running promise on a lead."""
    policy = fields.pop("policy", None) or make_policy()
    started = fields.pop("started_at", lead.captured_at)
    due = due_at or started + timedelta(minutes=policy.first_touch_minutes)
    return SlaClock.objects.create(lead=lead, policy=policy, started_at=started, due_at=due, **fields)

"""Signing in with e-mail and password, with a limit on how often it may fail."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth import authenticate
from django.db import connection, transaction
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from leads.models import SignInFailure, User

WINDOW = timedelta(minutes=15)
KEPT = timedelta(days=1)
PER_PERSON_AND_PLACE, PER_PERSON, PER_PLACE, LINKS = 5, 30, 100, 3


@dataclass(frozen=True)
class Limit:
    """How often one subject (a keyed hash, never the address itself) may fail within the window."""

    subject: str
    most: int


@dataclass(frozen=True)
class Attempt:
    """What came of a try: the person, or how many tries are left, or until when there are none."""

    user: User | None = None
    left: int = 0
    blocked_until: datetime | None = None


def try_sign_in(request: HttpRequest, *, email: str, password: str, place: str, at: datetime) -> Attempt:
    """Check the password unless too many tries have failed.

    A stranger's address counts like a known one, so that the answer does not tell who has an account. Tries at the
    same account from the same place queue up behind a lock: parallel guesses do not get past the limit. A guesser
    elsewhere does not lock the person out until there were many.
    """
    limits = _limits(email.strip().lower(), place)
    with transaction.atomic():
        _lock(limits[0].subject)
        if until := _blocked_until(limits, at):
            return Attempt(blocked_until=until)
        user = authenticate(request, username=email.strip(), password=password)
        if isinstance(user, User):
            SignInFailure.objects.filter(subject=limits[0].subject).delete()
            return Attempt(user=user)
        SignInFailure.objects.bulk_create(SignInFailure(subject=limit.subject, at=at) for limit in limits)
        SignInFailure.objects.filter(at__lt=at - KEPT).delete()
        return Attempt(left=limits[0].most - _failures(limits[0], at), blocked_until=_blocked_until(limits, at))


def may_send_link(email: str, *, at: datetime) -> bool:
    """Count one asked-for link; False once an address was asked for too often, so that nobody floods a mailbox."""
    limit = Limit(_subject(f"link:{email.strip().lower()}"), LINKS)
    with transaction.atomic():
        _lock(limit.subject)
        if _failures(limit, at) >= limit.most:
            return False
        SignInFailure.objects.create(subject=limit.subject, at=at)
    return True


def _limits(email: str, place: str) -> tuple[Limit, ...]:
    return (
        Limit(_subject(f"both:{email}:{place}"), PER_PERSON_AND_PLACE),
        Limit(_subject(f"person:{email}"), PER_PERSON),
        Limit(_subject(f"place:{place}"), PER_PLACE),
    )


def _subject(text: str) -> str:
    return salted_hmac("leads.signin", text, algorithm="sha256").hexdigest()


def _lock(subject: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(subject[:15], 16)])


def _failures(limit: Limit, at: datetime) -> int:
    return SignInFailure.objects.filter(subject=limit.subject, at__gt=at - WINDOW).count()


def _blocked_until(limits: tuple[Limit, ...], at: datetime) -> datetime | None:
    """When the failures no longer reach any limit."""
    ends = []
    for limit in limits:
        recent = SignInFailure.objects.filter(subject=limit.subject, at__gt=at - WINDOW).order_by("-at")
        decisive = recent.values_list("at", flat=True)[limit.most - 1 : limit.most]
        ends += [failed + WINDOW for failed in decisive]
    return max(ends, default=None)

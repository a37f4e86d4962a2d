"""Signs of life of an open lead page, so that two people notice each other."""

from datetime import datetime, timedelta

from leads.models import Lead, User
from qualification.models import Viewing

# Pages report every ten seconds; one that missed three is closed.
GONE_AFTER = timedelta(seconds=35)
KEPT_FOR = timedelta(hours=1)


def note_viewing(lead: Lead, user: User, at: datetime) -> list[User]:
    """This person has the lead open; returns who else has."""
    Viewing.objects.bulk_create(
        [Viewing(lead=lead, user=user, seen_at=at)],
        update_conflicts=True,
        unique_fields=["lead", "user"],
        update_fields=["seen_at"],
    )
    others = Viewing.objects.filter(lead=lead, seen_at__gt=at - GONE_AFTER).exclude(user=user)
    return [one.user for one in others.select_related("user").order_by("user__first_name", "user__last_name")]


def forget_viewings(at: datetime) -> int:
    """Clock work: drop signs of life that are long over."""
    return Viewing.objects.filter(seen_at__lt=at - KEPT_FOR).delete()[0]

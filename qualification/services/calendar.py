"""A rep's agreed call-backs and meetings as a calendar that their own program subscribes to."""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from icalendar import Alarm, Calendar, Event

from leadmgmt.core.secrets import hash_token
from leads.models import Lead, User
from qualification.models import Activity

# How long past appointments stay to be looked up.
KEPT = timedelta(days=30)
CALL_LASTS, MEETING_LASTS = timedelta(minutes=15), timedelta(minutes=30)
REMINDED_BEFORE = timedelta(minutes=10)
MOST = 500


def make_address(user: User) -> str:
    """A new secret address of this person's calendar; the one before leads nowhere from now on. Only its hash is kept,
    so that it is shown once."""
    token = secrets.token_urlsafe(32)
    user.calendar_hash = hash_token(token)
    user.save(update_fields=["calendar_hash"])
    return settings.PUBLIC_URL + reverse("qualification:calendar", args=[token])


def owner_of(token: str) -> User | None:
    """Whose calendar this is; None for one that nobody has, or whose owner has left."""
    return User.objects.filter(calendar_hash=hash_token(token), is_active=True).first()


def agreed(user: User, since: datetime) -> list[Activity]:
    """What this person's leads were promised and nothing has followed yet, soonest first."""
    later = Activity.objects.touches().filter(lead=OuterRef("lead"), at__gt=OuterRef("at"))
    open_ones = Activity.objects.filter(
        ~Exists(later),
        lead__in=Lead.objects.working().owned_by(user),
        disposition__in=[Activity.Disposition.CALL_BACK, Activity.Disposition.BOOKED],
        due_at__gte=since,
        undone_at__isnull=True,
    )
    return list(open_ones.select_related("lead__contact__company").order_by("due_at")[:MOST])


def feed(user: User, at: datetime) -> bytes:
    """The calendar, as RFC 5545 wants it, in its owner's language, with a reminder ten minutes before each."""
    with translation.override(user.language):
        calendar = Calendar()
        calendar.add("prodid", "-//Leadmgmt//EN")
        calendar.add("version", "2.0")
        calendar.add("x-wr-calname", _("Leads: what was agreed"))
        calendar.add("refresh-interval;value=duration", "PT15M")
        for one in agreed(user, at - KEPT):
            calendar.add_component(_event(one, at))
        found: bytes = calendar.to_ical()
        return found


def _event(one: Activity, at: datetime) -> Event:
    contact, is_meeting = one.lead.contact, one.kind == Activity.Kind.MEETING
    words = {"name": contact.name, "company": contact.company.name if contact.company else ""}
    title = _("Meeting with %(name)s") % words if is_meeting else _("Call %(name)s back") % words
    event = Event()
    event.add("uid", f"activity-{one.pk}@leadmgmt")
    event.add("dtstamp", at)
    event.add("dtstart", one.due_at)
    event.add("duration", MEETING_LASTS if is_meeting else CALL_LASTS)
    event.add("summary", f"{title}, {words['company']}" if words["company"] else title)
    link = settings.PUBLIC_URL + reverse("qualification:lead_detail", args=[one.lead_id])
    event.add("description", "\n".join(filter(None, (contact.phone, one.body.strip()[:1000], link))))
    event.add("url", link)
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("trigger", -REMINDED_BEFORE)
    alarm.add("description", title)
    event.add_component(alarm)
    return event

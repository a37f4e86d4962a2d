"""What a hosted form may promise: the usual time to a first touch, while somebody is there to keep it."""

from datetime import datetime, timedelta

from django.conf import settings

from leads.promises import Promise
from routing.calendar import present_until
from routing.hours import calendars_of
from routing.models import Rep, SlaPolicy

# A longer promise is none that one would put on a form.
LONGEST_MINUTES = 240
AROUND_THE_CLOCK = timedelta(hours=14)


def form_promise(at: datetime) -> Promise | None:
    """The default policy's minutes, until the last of those present goes; nothing where nobody could keep it."""
    policy = SlaPolicy.objects.filter(is_default=True, first_touch_minutes__lte=LONGEST_MINUTES).first()
    if policy is None:
        return None
    reps = Rep.objects.filter(is_accepting=True, user__is_active=True).select_related("user")
    ends = [end for one in calendars_of(reps, at).values() if (end := present_until(one, at))]
    last = max(ends, default=at)
    if last - at < timedelta(minutes=policy.first_touch_minutes):
        return None
    until = None if last - at > AROUND_THE_CLOCK else last
    return Promise(policy.first_touch_minutes, until, settings.TIME_ZONE)

"""The demo's people at work: their rows, their calendars, and how they are."""

from datetime import datetime, timedelta

from leadmgmt.demo.people import EVERYBODY, Person
from leads.models import User
from routing.calendar import Calendar, add_working, is_present
from routing.hours import calendars_by_number
from routing.models import Rep

NOBODY = Person("", "", "")


class Cast:
    """Looks people up without asking the database each time."""

    def __init__(self, at: datetime) -> None:
        self.users = {user.pk: user for user in User.objects.select_related("team")}
        by_email = {person.email: person for person in EVERYBODY}
        self._people = {user.pk: by_email.get(user.email, NOBODY) for user in self.users.values()}
        reps = {rep.pk: rep.user_id for rep in Rep.objects.all()}
        # Absences are read from 60 days before; the demo's past is longer.
        hours = calendars_by_number(reps, at - timedelta(days=30))
        self._calendars = {reps[rep]: calendar for rep, calendar in hours.items()}

    def person(self, user_id: int) -> Person:
        """How this user works."""
        return self._people[user_id]

    def named(self, first_name: str) -> User:
        """Somebody by first name."""
        return next(user for user in self.users.values() if user.first_name == first_name)

    def of_role(self, role: str) -> list[User]:
        """Everybody with this role."""
        return [user for user in self.users.values() if self._people[user.pk].role == role]

    def after(self, user_id: int, at: datetime, minutes: float) -> datetime | None:
        """When this user has worked so many minutes from ``at`` on."""
        calendar = self._calendars.get(user_id)
        return add_working([calendar], at, minutes * 60) if calendar else at + timedelta(minutes=minutes)

    def works(self, user_id: int, at: datetime) -> bool:
        """Whether this user is at work."""
        calendar: Calendar | None = self._calendars.get(user_id)
        return calendar is not None and is_present(calendar, at)

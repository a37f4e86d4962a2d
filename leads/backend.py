"""Who is signed in, loaded with what every page shows of them."""

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q

from leadmgmt.core.permissions import OWN_PERMISSIONS, remember_granted, remember_roles
from leads.models import User


class PersonBackend(ModelBackend):
    """Django's own, with team, roles and permissions of our own in the same query."""

    def get_user(self, user_id: int) -> User | None:
        """The person of a session, unless the account is closed."""
        roles = ArraySubquery(Group.objects.filter(user=OuterRef("pk")).values("name"))
        own = [permission.partition(".")[2] for permission in OWN_PERMISSIONS]
        theirs = Permission.objects.filter(Q(user=OuterRef("pk")) | Q(group__user=OuterRef("pk")), codename__in=own)
        granted = ArraySubquery(theirs.distinct().values("codename"))
        people = User.objects.select_related("team").annotate(role_names=roles, granted=granted)
        user = people.filter(pk=user_id).first()
        if user is None or not self.user_can_authenticate(user):
            return None
        remember_roles(user, user.role_names)
        remember_granted(user, user.granted)
        return user

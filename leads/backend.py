"""Who is signed in, loaded with what every page shows of them."""

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef

from leadmgmt.core.permissions import remember_roles
from leads.models import User


class PersonBackend(ModelBackend):
    """Django's own, with team and roles in the same query."""

    def get_user(self, user_id: int) -> User | None:
        """The person of a session, unless the account is closed."""
        roles = ArraySubquery(Group.objects.filter(user=OuterRef("pk")).values("name"))
        user = User.objects.select_related("team").annotate(role_names=roles).filter(pk=user_id).first()
        if user is None or not self.user_can_authenticate(user):
            return None
        remember_roles(user, user.role_names)
        return user

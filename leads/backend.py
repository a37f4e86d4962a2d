"""Who is signed in, loaded with what every page shows of them."""

from django.contrib.auth.backends import ModelBackend

from leads.models import User


class PersonBackend(ModelBackend):
    """Django's own, with the team in the same query."""

    def get_user(self, user_id: int) -> User | None:
        """The person of a session, unless the account is closed."""
        user = User.objects.select_related("team").filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None

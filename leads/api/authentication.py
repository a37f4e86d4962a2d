"""Bearer keys: `Authorization: Bearer <key>`."""

from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from leads.models import ApiKey, User
from leads.services.keys import WrongKey, digest_of, note_use


class ApiKeyAuthentication(BaseAuthentication):
    """Find the key by its hash; `request.auth` is the key, `request.user` its person or None."""

    def authenticate(self, request: Request) -> tuple[User | None, ApiKey] | None:
        """None where no bearer key was sent, so that a signed-in browser may be tried next."""
        try:
            digest = digest_of(get_authorization_header(request).decode("latin-1"))
        except WrongKey as error:
            raise AuthenticationFailed(str(error)) from None
        if not digest:
            return None
        key = ApiKey.objects.select_related("channel", "user").filter(key_hash=digest, revoked_at__isnull=True).first()
        if key is None or (key.user is not None and not key.user.is_active):
            raise AuthenticationFailed(_("This key is unknown or was revoked."))
        note_use(key.pk, key.last_used_at)
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return "Bearer"

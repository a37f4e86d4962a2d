"""Bearer keys: `Authorization: Bearer <key>`."""

from datetime import timedelta

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from leadmgmt.core.secrets import hash_token
from leads.models import ApiKey, User

USED_EVERY = timedelta(minutes=1)


class ApiKeyAuthentication(BaseAuthentication):
    """Find the key by its hash; `request.auth` is the key, `request.user` its person or None."""

    def authenticate(self, request: Request) -> tuple[User | None, ApiKey] | None:
        """None where no bearer key was sent, so that a signed-in browser may be tried next."""
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        if len(parts) != 2:
            raise AuthenticationFailed("Send the key as: Authorization: Bearer <key>.")
        digest = hash_token(parts[1].decode("latin-1"))
        key = ApiKey.objects.select_related("channel", "user").filter(key_hash=digest, revoked_at__isnull=True).first()
        if key is None or (key.user is not None and not key.user.is_active):
            raise AuthenticationFailed("This key is unknown or was revoked.")
        now = timezone.now()
        if key.last_used_at is None or now - key.last_used_at > USED_EVERY:
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return "Bearer"

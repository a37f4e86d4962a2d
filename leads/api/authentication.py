"""Bearer keys: `Authorization: Bearer <key>`."""

from datetime import timedelta

from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from leadmgmt.core.errors import DomainError
from leadmgmt.core.now import now
from leadmgmt.core.secrets import hash_token
from leads.models import ApiKey, User

USED_EVERY = timedelta(minutes=1)


class WrongKey(DomainError):
    """No key, or one that opens nothing."""

    status = 401
    code = "not_authenticated"


def find_key(authorization: str) -> ApiKey | None:
    """The key of an Authorization header, with its channel and person; None where no bearer key was sent.

    Raises WrongKey.
    """
    scheme, _blank, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer":
        return None
    if not token or " " in token.strip():
        raise WrongKey(_("Send the key as: Authorization: Bearer <key>."))
    digest = hash_token(token.strip())
    key = ApiKey.objects.select_related("channel", "user").filter(key_hash=digest, revoked_at__isnull=True).first()
    if key is None or (key.user is not None and not key.user.is_active):
        raise WrongKey(_("This key is unknown or was revoked."))
    at = now()
    if key.last_used_at is None or at - key.last_used_at > USED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=at)
    return key


class ApiKeyAuthentication(BaseAuthentication):
    """Find the key by its hash; `request.auth` is the key, `request.user` its person or None."""

    def authenticate(self, request: Request) -> tuple[User | None, ApiKey] | None:
        """None where no bearer key was sent, so that a signed-in browser may be tried next."""
        try:
            key = find_key(get_authorization_header(request).decode("latin-1"))
        except WrongKey as error:
            raise AuthenticationFailed(str(error)) from None
        return None if key is None else (key.user, key)

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return "Bearer"

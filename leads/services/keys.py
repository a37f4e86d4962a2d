"""Which channel a bearer key opens, asked for each submission and so in as few steps as can be."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError, NotPermitted
from leadmgmt.core.now import now
from leadmgmt.core.secrets import hash_token
from leads.models import ApiKey, Channel

USED_EVERY = timedelta(minutes=1)
# By the key's hash; columns as `opened` takes them.
SOURCE = """
    SELECT key.id AS key_id, key.last_used_at, channel.id AS channel_id, channel.slug, channel.kind, channel.is_active
    FROM leads_apikey AS key
    LEFT JOIN leads_channel AS channel ON channel.id = key.channel_id
    LEFT JOIN leads_user AS person ON person.id = key.user_id
    WHERE key.key_hash = %s AND key.revoked_at IS NULL AND (person.id IS NULL OR person.is_active)
"""


class WrongKey(DomainError):
    """No key, or one that opens nothing."""

    status = 401
    code = "not_authenticated"

    def __init__(self, message: str) -> None:
        super().__init__(message, fields={"Authorization": message})


def digest_of(authorization: str) -> str:
    """The hash of a bearer key, empty where none was sent. Raises WrongKey."""
    scheme, _blank, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer":
        return ""
    if not token or " " in token.strip():
        raise WrongKey(_("Send the key as: Authorization: Bearer <key>."))
    return hash_token(token.strip())


def capture_digest(authorization: str) -> str:
    """The hash of the key that a capture has to bring. Raises WrongKey."""
    digest = digest_of(authorization)
    if not digest:
        raise WrongKey(_("Send the channel's key as: Authorization: Bearer <key>."))
    return digest


def find_channel(authorization: str) -> Channel:
    """The channel that a key captures through. Raises WrongKey, NotPermitted."""
    with connection.cursor() as cursor:
        cursor.execute(SOURCE, [capture_digest(authorization)])
        return opened(cursor.fetchone())


def opened(found: Sequence[Any] | None) -> Channel:
    """The channel of a row of SOURCE, with id, slug and kind. Raises WrongKey, NotPermitted."""
    if found is None:
        raise WrongKey(_("This key is unknown or was revoked."))
    key_id, last_used_at, channel_id, slug, kind, is_active = found
    note_use(key_id, last_used_at)
    if channel_id is None:
        raise NotPermitted(_("This key belongs to no channel, so it cannot capture."))
    if not is_active:
        raise NotPermitted(_("The channel of this key is switched off."), code="channel_inactive")
    return Channel.from_db(connection.alias, ("id", "slug", "kind"), (channel_id, slug, kind))


def note_use(key_id: int, last_used_at: datetime | None) -> None:
    """Remember that the key is in use, once a minute."""
    at = now()
    if last_used_at is None or at - last_used_at > USED_EVERY:
        ApiKey.objects.filter(pk=key_id).update(last_used_at=at)

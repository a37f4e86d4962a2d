"""Channels made and switched, and keys for programs."""

from django.utils.translation import gettext as _

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.secrets import hash_token, new_token
from leads.models import ApiKey, Channel, User


def create_api_key(name: str, channel: Channel | None = None, user: User | None = None) -> tuple[ApiKey, str]:
    """A new key and its token, which is stored nowhere and can be shown only now.

    With a channel it may capture there, with a person it reads and writes as that person.
    """
    if channel is None and user is None:
        message = _("A key opens a channel, acts as a person, or both: choose one.")
        raise InvalidInput(message, fields={"channel": message})
    token = new_token("lm")
    key = ApiKey.objects.create(name=name, prefix=token[:10], key_hash=hash_token(token), channel=channel, user=user)
    return key, token


def create_channel(kind: str, name: str, slug: str) -> Channel:
    """A new way in. Raises InvalidInput where the short name is taken."""
    channel, is_new = Channel.objects.get_or_create(slug=slug, defaults={"name": name, "kind": kind})
    if not is_new:
        message = _("This short name is taken: “%(slug)s”.") % {"slug": slug}
        raise InvalidInput(message, fields={"slug": message})
    return channel


def switch_channel(channel: Channel, *, on: bool) -> None:
    """Open or close a way in; what arrives at a closed one is turned away, and counted."""
    channel.is_active = on
    channel.save(update_fields=["is_active"])

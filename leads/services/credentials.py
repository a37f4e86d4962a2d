"""Credentials of channels: encrypted where they lie, opened where they are needed, shown nowhere."""

import json
from collections.abc import Mapping

from leadmgmt.core.secrets import seal, unseal
from leads.channels.base import Setup
from leads.models import Channel


def credentials(channel: Channel) -> dict[str, str]:
    """A channel's credentials by name. Raises ConfigurationError where the key to open them is gone."""
    found = json.loads(unseal(channel.secrets)) if channel.secrets else {}
    return {str(name): str(value) for name, value in found.items()}


def put_credentials(channel: Channel, given: Mapping[str, str]) -> None:
    """Take over what is given; an empty one is left as it was. The caller saves the channel."""
    kept = credentials(channel) | {name: value for name, value in given.items() if value}
    channel.secrets = seal(json.dumps(kept)) if kept else ""


def drop_credential(channel: Channel, name: str) -> None:
    """Forget one. The caller saves the channel."""
    kept = credentials(channel)
    kept.pop(name, None)
    channel.secrets = seal(json.dumps(kept)) if kept else ""


def setup_of(channel: Channel) -> Setup:
    """What a hook reads its settings from."""
    config = channel.config if isinstance(channel.config, Mapping) else {}
    return Setup(config, credentials(channel))

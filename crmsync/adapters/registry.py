"""Which adapter speaks to a connection."""

from collections.abc import Callable, Mapping
from typing import Any

from crmsync.adapters.base import Adapter
from crmsync.adapters.local import LocalAdapter
from crmsync.models import Connection
from leadmgmt.core import secrets
from leadmgmt.core.errors import ConfigurationError

Factory = Callable[[Mapping[str, Any], str], Adapter]

_factories: dict[str, Factory] = {"local": LocalAdapter}


def register_adapter(name: str, factory: Factory) -> None:
    """Add an adapter: ``factory(config, secret)``. Registering a name again replaces it."""
    _factories[name] = factory


def adapter_names() -> list[str]:
    """What an admin may choose from."""
    return sorted(_factories)


def adapter_for(connection: Connection) -> Adapter:
    """The adapter of a connection, with its credentials; ConfigurationError where there is none."""
    factory = _factories.get(connection.adapter)
    if factory is None:
        raise ConfigurationError(f"There is no adapter called “{connection.adapter}”.")
    return factory(connection.config, secrets.unseal(connection.secret) if connection.secret else "")

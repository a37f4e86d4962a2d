"""Which adapter speaks to a connection."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from crmsync.adapters.base import Adapter
from crmsync.adapters.hubspot import HubspotAdapter
from crmsync.adapters.local import LocalAdapter
from crmsync.adapters.odoo import OdooAdapter
from crmsync.adapters.salesforce import SalesforceAdapter
from crmsync.adapters.tryton import TrytonAdapter
from crmsync.models import Connection
from crmsync.services.tokens import Granted, StoredTokens
from leadmgmt.core import secrets
from leadmgmt.core.errors import ConfigurationError

Factory = Callable[[Mapping[str, Any], str], Adapter]

_factories: dict[str, Factory] = {
    "local": LocalAdapter,
    "salesforce": SalesforceAdapter,
    "hubspot": HubspotAdapter,
    "odoo": OdooAdapter,
    "tryton": TrytonAdapter,
}


def register_adapter(name: str, factory: Factory) -> None:
    """Add an adapter: ``factory(config, secret)``. Registering a name again replaces it."""
    _factories[name] = factory


def adapter_names() -> list[str]:
    """What an admin may choose from."""
    return sorted(_factories)


def adapter_for(connection: Connection) -> Adapter:
    """The adapter of a connection, with its credentials and where its tokens are kept. Raises ConfigurationError."""
    factory = _factories.get(connection.adapter)
    if factory is None:
        raise ConfigurationError(f"There is no adapter called “{connection.adapter}”.")
    adapter = factory(connection.config, secrets.unseal(connection.secret) if connection.secret else "")
    if isinstance(adapter, Granted):
        adapter.use_tokens(StoredTokens(connection, adapter))
    return adapter


def hook_secrets(connection: Connection) -> list[str]:
    """What this connection's webhooks are signed with: two while one replaces the other. Raises ConfigurationError."""
    kept = json.loads(secrets.unseal(connection.secret)) if connection.secret else {}
    return [str(one) for one in kept.get("hooks", [])]

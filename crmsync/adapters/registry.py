"""Which adapter speaks to a connection."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from crmsync.adapters import setups
from crmsync.adapters.base import Adapter
from crmsync.adapters.hubspot import HubspotAdapter
from crmsync.adapters.local import LocalAdapter
from crmsync.adapters.odoo import OdooAdapter
from crmsync.adapters.salesforce import SalesforceAdapter
from crmsync.adapters.setup import Setup
from crmsync.adapters.tryton import TrytonAdapter
from crmsync.models import Connection
from crmsync.services.tokens import Granted, StoredTokens
from leadmgmt.core import secrets
from leadmgmt.core.errors import ConfigurationError
from leadmgmt.core.kept_words import worded

Factory = Callable[[Mapping[str, Any], str], Adapter]

UNREADABLE = worded("The credentials of this connection cannot be read: fill them in again in its setup.")

_factories: dict[str, Factory] = {
    "local": LocalAdapter,
    "salesforce": SalesforceAdapter,
    "hubspot": HubspotAdapter,
    "odoo": OdooAdapter,
    "tryton": TrytonAdapter,
}


_setups: dict[str, Setup] = {
    "local": setups.LOCAL,
    "salesforce": setups.SALESFORCE,
    "hubspot": setups.HUBSPOT,
    "odoo": setups.ODOO,
    "tryton": setups.TRYTON,
}


def register_adapter(name: str, factory: Factory, setup: Setup | None = None) -> None:
    """Add an adapter: ``factory(config, secret)``, and how it is set up. Registering a name again replaces it."""
    _factories[name] = factory
    _setups[name] = setup or Setup(name.capitalize(), "")


def setup_of(name: str) -> Setup:
    """How connections of this adapter are set up. Raises ConfigurationError for one that is not there."""
    if name not in _setups:
        raise ConfigurationError(worded("There is no adapter called “%(name)s”.", name=name))
    return _setups[name]


def adapter_names() -> list[str]:
    """What an admin may choose from."""
    return sorted(_factories)


def adapter_for(connection: Connection, *, with_paused: bool = False) -> Adapter:
    """The adapter of a connection, with its credentials and where its tokens are kept. Raises ConfigurationError.

    ``with_paused``: also with the fields that rest.
    """
    factory = _factories.get(connection.adapter)
    if factory is None:
        raise ConfigurationError(worded("There is no adapter called “%(name)s”.", name=connection.adapter))
    bend = _bent.get()
    config: Mapping[str, Any] = connection.config
    if connection.paused_fields and not with_paused:
        config = {**config, "paused": list(connection.paused_fields)}
    config = bend.config(config) if bend else config
    try:
        adapter = factory(config, secrets.unseal(connection.secret) if connection.secret else "")
    except ValueError as error:
        raise ConfigurationError(UNREADABLE) from error
    if isinstance(adapter, Granted):
        adapter.use_tokens(StoredTokens(connection, adapter))
    return bend.adapter(adapter) if bend else adapter


class Bend(Protocol):
    """What stands between an adapter and its CRM while a connection is put to the test."""

    def config(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Where the adapter is to call instead."""
        ...

    def adapter(self, adapter: Adapter) -> Adapter:
        """What speaks in its place."""
        ...


_bent: ContextVar[Bend | None] = ContextVar("bent", default=None)


@contextmanager
def bent(bend: Bend) -> Iterator[None]:
    """Within this block every adapter is handed out bent: for soak runs, never in service."""
    token = _bent.set(bend)
    try:
        yield
    finally:
        _bent.reset(token)


def opened(connection: Connection) -> dict[str, Any]:
    """The credentials of a connection by their names. Raises ConfigurationError where they cannot be read."""
    if not connection.secret:
        return {}
    try:
        kept = json.loads(secrets.unseal(connection.secret))
    except ValueError as error:
        raise ConfigurationError(UNREADABLE) from error
    return kept if isinstance(kept, dict) else {}


def hook_secrets(connection: Connection) -> list[str]:
    """What this connection's webhooks are signed with: two while one replaces the other. Raises ConfigurationError."""
    return [str(one) for one in opened(connection).get("hooks", [])]

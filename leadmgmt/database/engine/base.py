"""The backend: connects as Django's does, and sees to it that the own server runs."""

from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql import base
from psycopg import OperationalError

from leadmgmt.database.problems import Unusable
from leadmgmt.database.server import OwnServer


@cache
def own_server(control: str) -> OwnServer:
    """This process's view of the cluster under ``control``."""
    return OwnServer(Path(control))


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to the own server."""

    def get_connection_params(self) -> dict[str, Any]:
        """Filled in late: settings alone must not touch the disk."""
        settings = self.settings_dict
        try:
            server = own_server(settings["CLUSTER"])
        except Unusable as error:
            raise ImproperlyConfigured(str(error)) from None
        settings.update(server.parameters(settings["NAME"]))
        params: dict[str, Any] = super().get_connection_params()
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect, as a known user of the server; if it is not there, start it and connect again."""
        server = own_server(self.settings_dict["CLUSTER"])
        if server.joined:
            with suppress(OperationalError):
                return super().get_new_connection(conn_params)
        try:
            server.ensure_running(conn_params.get("dbname") or "postgres")
        except Unusable as error:
            raise ImproperlyConfigured(str(error)) from None
        return super().get_new_connection(conn_params)

"""Which PostgreSQL: the one DATABASE_URL names, or one of our own under var/ that is started when first needed."""

from pathlib import Path
from typing import Any

from leadmgmt.core.env import env_str
from leadmgmt.database.url import parse

OWN_ENGINE = "leadmgmt.database.engine"


def configuration(var: Path) -> dict[str, Any]:
    """Django's settings for the default database. Touches nothing: the own server starts at the first connection.

    CONN_MAX_AGE instead of a pool: psycopg's pool does not survive the fork of a worker.
    """
    common: dict[str, Any] = {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    url = env_str("DATABASE_URL")
    if url:
        return common | {"ENGINE": "django.db.backends.postgresql"} | parse(url)
    folder = Path(env_str("LEADMGMT_CLUSTER") or var / "postgres").absolute()
    return common | {"ENGINE": OWN_ENGINE, "NAME": env_str("LEADMGMT_DATABASE", "leadmgmt"), "CLUSTER": str(folder)}

"""Where an IP address is, by a file in MaxMind's format (GeoLite2-City.mmdb or the like) that the provider names."""

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import maxminddb
from django.utils.translation import gettext as _

from leads.enrichers.base import Known, Offered

KIND = "ip_place"
# Who works from home is near, who sits behind a firm's network is where that leaves the building.
CONFIDENCE = {"country": 0.6, "city": 0.4, "time_zone": 0.55}


@lru_cache(maxsize=4)
def _open(path: str, changed: float) -> maxminddb.Reader:
    return maxminddb.open_database(path, maxminddb.MODE_MMAP)


def check_file(config: Mapping[str, Any]) -> str:
    """What is wrong with the file that a configuration names; empty where nothing is."""
    path = config.get("file")
    if not isinstance(path, str) or not path:
        return _('Name the file on the server: {"file": "/etc/leadmgmt/GeoLite2-City.mmdb"}.')
    try:
        _open(path, Path(path).stat().st_mtime)
    except OSError:
        return _("The file is not there, or cannot be read.")
    except maxminddb.InvalidDatabaseError:
        return _("The file is not in MaxMind's format.")
    return ""


def look_up(address: str, config: Mapping[str, Any]) -> dict[str, str]:
    """Country, town and time zone of an address, as far as the file tells; nothing for private addresses."""
    try:
        number = ipaddress.ip_address(address)
        path = str(config.get("file") or "")
        row: Any = _open(path, Path(path).stat().st_mtime).get(str(number)) if number.is_global else None
    except (ValueError, OSError, maxminddb.InvalidDatabaseError):
        # A file that is gone must not stop the lead.
        return {}
    if not isinstance(row, dict):
        return {}
    found = {
        "country": _text(row, "country", "iso_code") or _text(row, "registered_country", "iso_code"),
        "city": _text(row, "city", "names", "en"),
        "time_zone": _text(row, "location", "time_zone"),
    }
    return {name: value for name, value in found.items() if value}


def _text(row: Any, *path: str) -> str:
    for name in path:
        row = row.get(name) if isinstance(row, dict) else None
    return row if isinstance(row, str) else ""


def enrich(known: Known) -> list[Offered]:
    """Where the newest touch came from."""
    if not known.address or not known.config.get("file"):
        return []
    found = look_up(known.address, known.config)
    return [Offered("contact", name, value, CONFIDENCE[name]) for name, value in found.items()]

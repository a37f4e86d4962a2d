"""Admin of routing: configuration, and what happened, read-only."""

from routing.admin import configuration, records

__all__ = ["configuration", "records"]

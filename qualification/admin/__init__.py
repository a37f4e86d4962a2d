"""Configuration and repair of qualification, for admins."""

from qualification.admin import criteria, frameworks, outcomes, scoring

__all__ = ["criteria", "frameworks", "outcomes", "scoring"]

"""Configuration and repair of qualification, for admins."""

from qualification.admin import criteria, frameworks, outcomes, prediction, scoring

__all__ = ["criteria", "frameworks", "outcomes", "prediction", "scoring"]

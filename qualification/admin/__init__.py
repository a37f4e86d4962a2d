"""Configuration and repair of qualification, for admins."""

from qualification.admin import criteria, frameworks, mail, outcomes, prediction, scoring

__all__ = ["criteria", "frameworks", "mail", "outcomes", "prediction", "scoring"]

"""Configuration and repair of qualification, for admins."""

from leads import admin_enrichment
from qualification.admin import criteria, frameworks, outcomes, scoring

__all__ = ["admin_enrichment", "criteria", "frameworks", "outcomes", "scoring"]

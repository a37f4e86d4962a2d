"""The admin of this app, one file per subject."""

from leads import admin_enrichment
from leads.admin import captures, channels, contacts, events, imports, people, reasons, sources

__all__ = [
    "admin_enrichment",
    "captures",
    "channels",
    "contacts",
    "events",
    "imports",
    "people",
    "reasons",
    "sources",
]

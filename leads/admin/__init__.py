"""The admin of this app, one file per subject."""

from leads.admin import captures, channels, contacts, enrichment, events, imports, people, reasons, sources

__all__ = [
    "captures",
    "channels",
    "contacts",
    "enrichment",
    "events",
    "imports",
    "people",
    "reasons",
    "sources",
]

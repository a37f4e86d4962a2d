"""Reports: one question per file, answered from events in a few set-based queries."""

"""Pages of this app, one file per question."""

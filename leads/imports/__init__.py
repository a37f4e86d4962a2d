"""Bringing files in: what kind of file, which column is what, and the rows in bulk."""

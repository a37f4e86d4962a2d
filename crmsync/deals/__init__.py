"""Outcomes of past leads from a file: which column is what, and the rows in bulk."""

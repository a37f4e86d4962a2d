"""The learned chance, without a database."""

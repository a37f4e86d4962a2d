"""Proving a connection under faults: a network that misbehaves, a mix of changes on both sides, a deep compare."""

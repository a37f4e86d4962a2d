"""Benchmarks: each compares things within one run and prints one JSON line per figure."""

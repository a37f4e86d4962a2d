"""Past decisions, made again by another version of the rules, with people, turns and counters as they were."""

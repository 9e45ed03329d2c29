"""Structured pruning: which units, how many, and the narrower network."""

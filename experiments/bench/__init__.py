"""Benchmarks: each measures both sides in one run, stores its raw results, and prints its claims as its last line."""

"""Benchmarks: each measures both sides in one run, keeps its raw figures, and prints its claims as its last line."""

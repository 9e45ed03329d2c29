"""Strategies: one published search algorithm a file, all judged by one ruler, `Problem.evaluate`."""

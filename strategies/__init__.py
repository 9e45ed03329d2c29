"""Strategies: one published search algorithm per file, all evaluated by the same function, `Problem.evaluate`."""

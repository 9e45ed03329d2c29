"""What a strategy is given: the problem, its objective, and the loop that runs a strategy on it."""

"""The interface of strategies: the problem, its objective, and the loop that runs a strategy."""

"""How good a search was: exact fronts, regret, shares of hypervolume."""

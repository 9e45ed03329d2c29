"""The quality of a search: exact fronts, regret, hypervolume ratio."""

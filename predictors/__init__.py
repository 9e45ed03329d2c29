"""Predictors: the latency table, the agent that measures it on the board, and the additive model that reads it."""

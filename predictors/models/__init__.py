"""Predictors of latency and of accuracy."""

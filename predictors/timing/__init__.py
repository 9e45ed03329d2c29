"""Measuring: rounds, the drift of the clock, disturbances, the verdict on a session."""

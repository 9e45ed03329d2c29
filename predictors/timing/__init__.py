"""Timing: interleaved rounds, drift correction, disturbances, and the verdict on a session."""

"""Sweeps of jobs that can be resumed."""

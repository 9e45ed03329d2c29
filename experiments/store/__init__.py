"""Stores the results of steps, finds them again, and verifies them."""

"""The device: an agent on it, and every way to reach it."""

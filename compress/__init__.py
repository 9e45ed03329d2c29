"""Squeezing a found network: structured pruning, distillation, static INT8, and the parity of network and file."""

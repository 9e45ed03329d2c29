"""Compression of a network: structured pruning, distillation, quantization, and the parity of network and file."""

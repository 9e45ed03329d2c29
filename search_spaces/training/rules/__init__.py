"""Training rules: which networks a supernet trains on each batch."""

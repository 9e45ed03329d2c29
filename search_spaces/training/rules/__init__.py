"""What a step of a supernet learns from."""

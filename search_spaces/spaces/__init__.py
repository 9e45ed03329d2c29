"""One search space a file; the function of the same name makes it."""

"""One search space per file, made by the function of the same name."""

"""One published search algorithm a file, or a package; the function of the same name is the strategy."""

"""One published search algorithm per file or package; the function of the same name is the strategy."""

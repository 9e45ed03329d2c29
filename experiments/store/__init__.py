"""Steps whose results are kept, found again, and verified."""

"""The latency table: how it is made of rounds, its file, its verification."""

"""The latency table: its assembly from rounds, its file, its verification."""

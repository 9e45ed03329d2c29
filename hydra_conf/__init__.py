"""Hydra's configuration groups; see experiments/config.py for the schema."""

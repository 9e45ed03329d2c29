"""Hydra's configuration groups; see experiments/config/__init__.py for the schema."""

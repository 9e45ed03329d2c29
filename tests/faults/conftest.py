"""Fixtures of other test files that the campaigns use too."""

from tests.test_devices import lab, quick  # noqa: F401

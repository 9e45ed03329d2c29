"""Fixtures of other test files that the campaigns use."""

from tests.predictors.test_devices import lab, quick  # noqa: F401

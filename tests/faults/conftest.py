"""Fixtures of other test files that the campaigns use."""

from tests.predictors.board.sshd_lab import lab, quick  # noqa: F401

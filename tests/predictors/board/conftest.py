"""A board behind a real sshd."""

from tests.predictors.board.sshd_lab import lab, quick  # noqa: F401

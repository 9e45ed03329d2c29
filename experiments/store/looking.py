"""Looking for finished steps without making any, for commands that only show something."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from search_spaces.errors import LutraError

_looking: ContextVar[bool] = ContextVar("looking", default=False)


class NotMade(LutraError):
    """A step is not finished, and the command only looks for it."""


@contextmanager
def looking() -> Iterator[None]:
    """In the `with` block, a step that is not finished raises NotMade instead of being run."""
    token = _looking.set(True)
    try:
        yield
    finally:
        _looking.reset(token)


def only_looks() -> bool:
    return _looking.get()

"""A cache that exists while a command runs, so that nothing is requested twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")
_known: ContextVar[dict[str, Any] | None] = ContextVar("known", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """Enables the cache while a command runs."""
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def remembered(name: str, make: Callable[[], T]) -> T:
    """The result of `make`, which is called once per command and name."""
    known = _known.get()
    if known is None:
        return make()
    if name not in known:
        known[name] = make()
    found: T = known[name]
    return found

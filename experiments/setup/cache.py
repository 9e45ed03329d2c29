"""What a command remembers while it runs, so that it asks for nothing twice; outside of one nothing is remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")
_known: ContextVar[dict[str, Any] | None] = ContextVar("known", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """While a command runs."""
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def remembered(name: str, make: Callable[[], T]) -> T:
    """What `make` gives, which a command calls once for a name."""
    known = _known.get()
    if known is None:
        return make()
    if name not in known:
        known[name] = make()
    found: T = known[name]
    return found

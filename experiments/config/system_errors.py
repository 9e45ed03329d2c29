"""Turns errors of memory and of files, which are not ours, into one line that says what to do."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from search_spaces.errors import LutraError

# torch and onnxruntime raise plain RuntimeErrors for a lack of memory, which only their words tell from others
ALLOCATION = re.compile(r"(can't|could not|unable to|failed to|cannot) allocate|out of memory|bad_alloc", re.IGNORECASE)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Raises LutraError for such an error; any other is raised as it is."""
    try:
        yield
    except Exception as error:  # torch and onnxruntime have their own exception types
        if isinstance(error, OSError) and error.filename is not None:
            raise LutraError(f"cannot use {error.filename}: {error.strerror}") from error
        reason = " ".join(str(error).split())
        if not (isinstance(error, MemoryError) or (ALLOCATION.search(reason) and not isinstance(error, LutraError))):
            raise
        raise LutraError(
            f"out of memory ({reason[:200] or type(error).__name__}): lower data.size, or the batch of the recipe "
            "(train.batch, retrain.batch), or free some memory; the same command continues from the finished steps"
        ) from error

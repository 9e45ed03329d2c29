"""What the folder of an unfinished step has besides its outputs: checkpoints, and how long commands worked on it."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

from experiments.store.disk import write
from search_spaces.errors import LutraError

CHECKPOINT, SECONDS = ".checkpoint", ".seconds"
INTERVAL = 10.0  # seconds; at most this much work is not counted if the process is killed


def earlier(checkpoint: Path) -> Path:
    """The path of the checkpoint before this one."""
    return checkpoint.with_name(f"{checkpoint.name}-before")


def files(folder: Path) -> tuple[Path, ...]:
    """The files' paths, whether they exist or not."""
    return folder / CHECKPOINT, earlier(folder / CHECKPOINT), folder / SECONDS


def remove(folder: Path) -> None:
    """Removes the files, once the step is finished; on a read-only disk they stay."""
    for path in files(folder):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def counted(folder: Path, before: float) -> Iterator[Callable[[], float]]:
    """Yields a function that returns the seconds of work on the step so far, those of earlier commands included.

    `before`: those of the finished step that is continued; 0 for one that was never finished.
    """
    begun, known, ended = monotonic(), max(_saved(folder), before), threading.Event()

    def seconds() -> float:
        return known + monotonic() - begun

    def save() -> None:
        with contextlib.suppress(LutraError, OSError):  # the work itself says why it cannot write
            write(folder / SECONDS, f"{seconds()}\n")

    def save_regularly() -> None:
        while not ended.wait(INTERVAL):
            save()

    save()
    saving = threading.Thread(target=save_regularly, daemon=True)
    saving.start()
    try:
        yield seconds
    finally:
        ended.set()
        saving.join()
        save()


def _saved(folder: Path) -> float:
    """The seconds that earlier commands saved; 0 if there are none."""
    with contextlib.suppress(OSError, ValueError):
        found = float((folder / SECONDS).read_text())
        return found if 0 <= found < math.inf else 0.0
    return 0.0

"""What TensorBoard shows: `tensorboard --logdir experiments/runs`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter


@contextmanager
def writer(folder: Path, begun: int = 0) -> Iterator[SummaryWriter]:
    """A step's event file; what a killed try left is replaced, or kept up to the step from which this one goes on.

    Raises OSError where the disk is full.
    """
    if not begun:
        for old in folder.glob("events.out.tfevents.*"):
            old.unlink()
    report = threading.excepthook
    # the writer's own thread would print a traceback of what is also raised here
    threading.excepthook = lambda failed: None if isinstance(failed.exc_value, OSError) else report(failed)
    try:
        with SummaryWriter(str(folder), purge_step=begun or None) as board:
            yield board
    finally:
        threading.excepthook = report

"""What TensorBoard shows: `tensorboard --logdir experiments/runs`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter


@contextmanager
def writer(folder: Path) -> Iterator[SummaryWriter]:
    """A step's event file; one that a killed try left is replaced."""
    for old in folder.glob("events.out.tfevents.*"):
        old.unlink()
    board = SummaryWriter(str(folder))
    try:
        yield board
    finally:
        board.close()

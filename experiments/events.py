"""What TensorBoard shows: `tensorboard --logdir experiments/runs`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from matplotlib.figure import Figure
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


def figures(board: SummaryWriter, results: Path, draws: Mapping[str, Callable[[Path], Figure]]) -> None:
    """Each figure drawn from the CSV files of `results`."""
    for name, draw in draws.items():
        board.add_figure(name, draw(results))


def hparams(board: SummaryWriter, chosen: Mapping[str, str | int | float], metrics: Mapping[str, float]) -> None:
    """One row of the HPARAMS tab for this folder."""
    board.add_hparams(dict(chosen), dict(metrics), run_name=".")

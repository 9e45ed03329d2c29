"""TensorBoard's content for one run or a whole sweep: `tensorboard --logdir experiments/runs`."""

from __future__ import annotations

import dataclasses
import io
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

from experiments.compute import process_group
from experiments.config import Config
from experiments.steps.settings import Search
from experiments.store.disk import write
from paper.figures import style
from paper.rows import Stage
from search_spaces.networks.network import Network, device_of

LAYOUT = {  # the tab Custom Scalars: category -> chart -> the only tag, because curves of one run have one colour
    "training": {
        "loss": ["Multiline", ["train/loss"]],
        "learning rate": ["Multiline", ["train/learning_rate"]],
        "validation accuracy, largest network": ["Multiline", ["validation/largest"]],
        "validation accuracy, smallest network": ["Multiline", ["validation/smallest"]],
        "validation accuracy, reference": ["Multiline", ["validation/reference"]],
    },
    "search": {
        "validation accuracy of each candidate": ["Multiline", ["candidate/accuracy"]],
        "latency of each candidate (ms)": ["Multiline", ["candidate/latency_ms"]],
        "best score so far": ["Multiline", ["candidate/best_score"]],
    },
    "compression": {
        "test accuracy after each stage": ["Multiline", ["stage/test_accuracy"]],
        "measured latency after each stage (ms)": ["Multiline", ["stage/latency_ms"]],
        "file after each stage (kB)": ["Multiline", ["stage/file_kb"]],
    },
}

METRICS = (  # the columns of the tab HParams
    "best/accuracy",
    "best/latency_ms",
    "best/score",
    "final/test_accuracy",
    "final/latency_ms",
    "final/share",
    "final/regret",
    "final/seconds",
)


@contextmanager
def writer(folder: Path, begun: int = 0) -> Iterator[SummaryWriter]:
    """A step's event file. Replaces the events of a killed attempt, or keeps those before step `begun`.

    Raises OSError if the disk is full.
    """
    if not begun:
        for old in folder.glob("events.out.tfevents.*"):
            old.unlink()
    with _without_traceback(), SummaryWriter(str(folder), purge_step=begun or None) as board:
        board.add_custom_scalars(LAYOUT)
        yield board


@contextmanager
def _without_traceback() -> Iterator[None]:
    """Suppresses the writer thread's traceback of an OSError, because the caller's thread raises it too."""
    report = threading.excepthook
    threading.excepthook = lambda failed: None if isinstance(failed.exc_value, OSError) else report(failed)
    try:
        yield
    finally:
        threading.excepthook = report


def show_figure(board: SummaryWriter, folder: Path, name: str, drawn: Figure) -> None:
    """Shows a figure in TensorBoard, and saves it with the step's files as NAME.pdf and NAME.png."""
    for suffix in ("pdf", "png"):
        write(folder / f"{name}.{suffix}", style.rendered(drawn, suffix))
    _show_image(board, name, (folder / f"{name}.png").read_bytes())


def show_picture(board: SummaryWriter, name: str, drawn: Figure) -> None:
    """Shows a figure in TensorBoard alone."""
    _show_image(board, name, style.rendered(drawn, "png"))


def _show_image(board: SummaryWriter, name: str, png: bytes) -> None:
    with Image.open(io.BytesIO(png)) as drawing:
        board.add_image(name, np.asarray(drawing.convert("RGB")), dataformats="HWC")


def show_hparams(board: SummaryWriter, config: Config | Search, metrics: Mapping[str, float]) -> None:
    """Adds a row to the tab HParams."""
    chosen = {name: getattr(config, name).name for name in ("space", "data", "strategy", "objective")}
    chosen["data"] = config.data.names.title
    show_choices(board, {**chosen, "seed": config.seed}, metrics)


def show_choices(board: SummaryWriter, chosen: Mapping[str, str | int], metrics: Mapping[str, float]) -> None:
    """Adds a row with the columns that all steps declare: TensorBoard reads those of one step, and hides any others."""
    assert board.file_writer is not None
    for summary in hparams(chosen, dict.fromkeys(METRICS, 0.0)):
        board.file_writer.add_summary(summary)
    for name, value in metrics.items():
        board.add_scalar(name, value)


def show_graph(board: SummaryWriter, network: Network) -> None:
    """Shows the network's modules and the data flow between them."""
    first = network.specs[0]
    image = torch.zeros(1, first.in_channels, first.resolution, first.resolution, device=device_of(network))
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # from torch.jit
        board.add_graph(torch.jit.trace(network.eval(), image, check_trace=False), image)  # the writer traces twice


def show_stages(board: SummaryWriter, stages: Sequence[Stage]) -> None:
    """Shows the results of each stage of compression, as a table and as curves over the stages' numbers.

    Each value stands for two steps: TensorBoard cuts the highest and lowest twentieth of a curve's values off.
    """
    rows = [
        {
            "stage": number,
            "network": f"{one.stage} ({one.precision})",
            "test_accuracy": one.test_accuracy,
            "latency_ms": 1e3 * one.latency_median_s,
            "file_kb": one.file_bytes / 1e3,
        }
        for number, one in enumerate(stages)
    ]
    board.add_text("stages", markdown([{key: _short(value) for key, value in row.items()} for row in rows]))
    for number, row in enumerate(rows):
        for key in ("test_accuracy", "latency_ms", "file_kb"):
            for step in (2 * number, 2 * number + 1):
                board.add_scalar(f"stage/{key}", row[key], step)


@contextmanager
def more(folder: Path) -> Iterator[SummaryWriter]:
    """One more event file for a step."""
    with _without_traceback(), SummaryWriter(str(folder)) as board:
        yield board


def add_config(folder: Path, config: Config) -> None:
    """Shows the configuration with a step's events; only the first process does."""
    if not process_group.leading():
        return
    with more(folder) as board:
        show_config(board, config)


def show_config(board: SummaryWriter, config: Config) -> None:
    """Shows the configuration as a table; values that differ from the defaults come first, in bold."""
    usual, values = (dict(flat(dataclasses.asdict(one))) for one in (Config(), config))
    changed = [key for key in values if values[key] != usual.get(key)]
    rows = [{"key": key, "value": f"**{values[key]}**"} for key in changed]
    rows += [{"key": key, "value": values[key]} for key in values if key not in changed]
    board.add_text("config", markdown(rows))


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows with the same columns as a table."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _short(value: Any) -> Any:
    return f"{value:.4g}" if isinstance(value, float) else value


def flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting of a nested configuration, by its dotted key."""
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value

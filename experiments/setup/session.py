"""One session on the device: files are timed together, compared with the host, measured in memory, and evaluated.

This is the only place that uses the test images. Accuracies are those of the same files that are timed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from compress.files.size import compressed_bytes
from compress.pruning.depgraph import size
from experiments.config import DataConfig
from experiments.data.dataset import Dataset
from experiments.display.image_charts import show
from experiments.display.progress import say, track
from experiments.setup.devices import board_of
from experiments.setup.golden_outputs import difference
from experiments.setup.images import dataset_of
from experiments.setup.predicted_classes import balanced, correct, predict, save, validated
from experiments.setup.predicted_latency import predicted_seconds
from experiments.setup.reference_networks import reference_networks
from experiments.setup.session_record import Session, write_rows
from experiments.setup.session_step import RECORD, Settings, Timed
from experiments.stages import int8_record
from experiments.stages.int8_record import InFloat
from experiments.stages.quantizing import array, fp32_file
from experiments.steps.measure import followed
from experiments.steps.train import prepare
from experiments.store import artefacts
from experiments.store.step import Means
from experiments.store.weights import load_network
from paper.compression_rows import Stage
from predictors.agent.runtimes import RUNTIMES
from predictors.board.device import Board
from predictors.board.fingerprint import PRECISIONS
from predictors.board.memory import Memory, peak_memory
from predictors.tables.table import LatencyTable
from predictors.tables.table_file import read_table
from predictors.timing.rounds import Round, summarize
from predictors.timing.slowdown import Slowdown, slowdowns
from predictors.timing.verdict import verdict
from search_spaces.documents import sha256
from search_spaces.networks.network import Network

GOLDEN = 8  # validation images on which device and host are compared


@dataclass(frozen=True)
class Item:
    """A file to time, and the network that it was written from."""

    name: str
    precision: str
    network: nn.Module
    file: bytes
    steps: int  # of training, from random weights
    all_images: bool  # whether it was trained on validation images too
    seconds: float = 0.0
    parent: str = ""
    in_float: Sequence[InFloat] = ()  # layers of an INT8 file
    deployed: bool = False


def work(settings: Settings, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Writes all files and their record to the folder; networks of the tables measure the machine's current speed."""
    prepare(1, settings.seed)
    others = {name: path for name, path in files.items() if name not in settings.timed}
    tables = [
        read_table(path) for path in dict.fromkeys(others[name] for name in others if not name.startswith(RECORD))
    ]
    names = {f"{one.name}.{one.precision}": one for one in _items(settings, means)}
    data, measure = dataset_of(settings.data.at(means)), settings.measure
    for name, one in names.items():
        artefacts.write(folder / f"{name}{RUNTIMES[settings.device.library].SUFFIX}", one.file)
    again = [reference_networks(table, label=f"reference {number}") for number, table in enumerate(tables)]
    timed = {name: one.file for name, one in names.items()}
    for known, _ in again:
        timed |= known
    with board_of(settings.device.at(means), folder) as board:
        few = data.fixed(data.validation, GOLDEN, settings.seed)[0]
        images = few.raw(slice(None)).numpy() if settings.inside else array(few)
        golden = difference(images, board, {name: one.file for name, one in names.items()})
        rounds = list(followed(board, timed, measure, "timing stages", each=True))
        memory = _memory(board, names) if settings.memory else {}
    values = summarize(rounds)
    slower = [slowdowns(values, then) for _, then in again]
    worth = verdict(rounds, measure, {name: name for name in names})
    for line in worth.lines():
        say(line)
    predicted = {
        name: predict(one.file, data, data.test) for name, one in track(names.items(), "evaluating files", len(names))
    }
    save(folder, {sha256(one.file): predicted[name] for name, one in names.items()})
    deployed = next((name for name, one in names.items() if one.deployed), next(iter(names)))
    show(folder, data, deployed, predicted[deployed])
    factors = list(zip(tables, slower))
    rows = [
        _row(data, one, predicted[name], (values[name].seconds, _percentile(rounds, name)), memory.get(name), factors)
        for name, one in names.items()
    ]
    intervals = {sha256(one.file): (values[name].low, values[name].high) for name, one in names.items()}
    write_rows(folder, rows, Session(slower[0] if slower else {}, worth.state, worth.reasons, intervals), golden)


def _items(settings: Settings, means: Means) -> Iterator[Item]:
    """Every file that is timed; for a network, the fp32 file that is written from it."""
    images = settings.data.at(means)
    for one in track(settings.timed.values(), "writing files", len(settings.timed)):
        yield _item(one, images, settings)


def _item(one: Timed, images: DataConfig, settings: Settings) -> Item:
    made = one.made
    parent = "" if made.parent is None else artefacts.sha256(made.parent)
    facts = made.steps, made.all_images, one.seconds, parent
    if made.deployed:
        assert made.parent is not None
        in_float = int8_record.load(made.path.parent).in_float
        return Item(one.row, made.precision, load_network(made.parent), made.path.read_bytes(), *facts, in_float, True)
    network = load_network(made.path)
    file = fp32_file(images, settings.seed, network, settings.device.library, settings.inside)
    return Item(one.row, "fp32", network, file, *facts)


def _memory(board: Board, items: Mapping[str, Item]) -> dict[str, Memory]:
    found: dict[str, Memory] = {}
    for name, one in track(items.items(), "measuring memory", len(items)):
        found |= peak_memory(board, {name: one.file})
    return found


def _percentile(rounds: list[Round], name: str) -> float:
    singles = [r.singles[r.order.index(name)] for r in rounds if name in r.order]
    return float(np.percentile(np.concatenate(singles), 90))


def _row(
    data: Dataset,
    one: Item,
    predicted: np.ndarray,
    times: tuple[float, float],
    memory: Memory | None,
    tables: Sequence[tuple[LatencyTable, Mapping[str, Slowdown]]],
) -> Stage:
    """A file's row. `predicted`: classes of the test images; `times`: median and 90th percentile, in seconds."""
    cost = size(one.network, data.shape.image)
    specs = one.network.specs if isinstance(one.network, Network) and one.precision in PRECISIONS else None
    return Stage(
        stage=one.name,
        precision=one.precision,
        validation_accuracy=None if one.all_images else validated(one.file, data),
        test_accuracy=correct(predicted, data.test),
        latency_median_s=times[0],
        latency_p90_s=times[1],
        predicted_s=None if specs is None else predicted_seconds(specs, one.precision, one.in_float, tables),
        file_bytes=len(one.file),
        compressed_bytes=compressed_bytes(one.file),
        peak_bytes=None if memory is None else memory.peak_bytes,
        runtime_bytes=None if memory is None else memory.runtime_bytes,
        macs=cost.macs,
        parameters=cost.parameters,
        steps=one.steps,
        seconds=one.seconds,
        parent=one.parent,
        sha256=sha256(one.file),
        balanced_accuracy=balanced(predicted, data),
    )

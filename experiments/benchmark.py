"""python -m experiments.benchmark: every stage's file on the device: accuracy, latency, size, memory, prediction.

This is the only place where the test images are looked at. The accuracies are of the very files that are timed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from rich.table import Table
from torch import nn

from compress.depgraph import size
from compress.parity import onnx_logits
from compress.size import compressed_bytes
from experiments import artefacts, command
from experiments.choices import dataset_of, space_of
from experiments.compress import Made, chain, found_by
from experiments.config import Config
from experiments.data import Dataset, Split
from experiments.devices import board_of, live
from experiments.keys import data_key, passport_key
from experiments.measure import followed, measure, read_table
from experiments.progress import track
from experiments.sentinels import sentinels, slowdown
from experiments.stages.quantizing import array, fp32_file, int8_file
from experiments.train import prepare, retrain
from experiments.weights import load_network
from predictors.rounds import Round, summarize
from predictors.table import LatencyTable
from search_spaces.evaluation import accuracy
from search_spaces.network import Network
from search_spaces.space import Arch, SearchSpace

COMPARED = ("reference", "random", "retrained")  # in INT8 too, beside the file that is deployed


@dataclass(frozen=True)
class Row:
    """One file of the final table. Accuracies are fractions."""

    stage: str
    precision: str
    validation_accuracy: float
    test_accuracy: float
    latency_median_s: float  # median over rounds of the median inference of a sample
    latency_p90_s: float  # 90th percentile over all single inferences, as they were
    predicted_s: float | None  # by a table, at the speed the machine had here; None where a layer was not measured
    file_bytes: int
    compressed_bytes: int  # by a lossless compressor
    macs: int
    parameters: int
    seconds: float  # that making the network took
    parent: str  # sha256 of the file that the network was made from
    sha256: str  # of this file


@dataclass(frozen=True)
class Item:
    """A file to be timed, and the network that it was written from."""

    name: str
    precision: str
    network: nn.Module
    onnx: bytes
    seconds: float = 0.0
    parent: str = ""


def benchmark(config: Config) -> Path:
    """The folder of benchmark.json and of every stage's ONNX file."""
    live(config.device)
    made, others = chain(config), _others(config)
    tables = {"table": measure(config)} if config.model == "winner" else {}
    tables |= {f"table of {one.name}": one.table for one in made if one.table is not None}
    files = {one.name: one.path for one in made} | others
    settings = {
        "device": asdict(config.device),
        "measure": asdict(config.measure),
        "data": data_key(config.data),
        "seed": config.seed,
        "calibration": config.compress.calibration,
    }
    inputs = {name: artefacts.sha256(path) for name, path in {**tables, **files}.items()}
    inputs["passport"] = passport_key(config.device)
    label = f"{config.space.name if config.model == 'winner' else config.model}-{config.data.name}-seed{config.seed}"

    def work(folder: Path) -> None:
        prepare(config.threads, config.seed)
        count = len(files) + len({*COMPARED} & {*files})
        items = list(track(_items(config, made, others), "writing files", count))
        record = timed(config, items, [read_table(path) for path in tables.values()], folder)
        artefacts.write(folder / "benchmark.json", json.dumps(record, indent=1) + "\n")

    return artefacts.step(Path(config.runs), "benchmark", label, settings, inputs, work)


def read_rows(folder: Path) -> tuple[list[Row], float]:
    """The rows, and how much longer everything took than when the table was measured (1.1: 10 % longer)."""
    record = json.loads((folder / "benchmark.json").read_text())
    return [Row(**row) for row in record["rows"]], record["slowdown"]


def show_rows(rows: Sequence[Row], title: str, names: Mapping[str, str] = {}) -> Table:
    """The rows for people: milliseconds, percent, kilobytes."""
    columns = ("stage", "", "val %", "test %", "median ms", "p90 ms", "predicted ms", "KB", "MMACs", "params")
    table = Table(*columns, title=title)
    for column in table.columns[2:]:
        column.justify = "right"
    for row in rows:
        accuracies = [f"{100 * value:.2f}" for value in (row.validation_accuracy, row.test_accuracy)]
        seconds = (row.latency_median_s, row.latency_p90_s, row.predicted_s)
        latencies = ["" if value is None else f"{1e3 * value:.3f}" for value in seconds]
        sizes = [f"{row.file_bytes / 1e3:.1f}", f"{row.macs / 1e6:.2f}", f"{row.parameters:,}"]
        table.add_row(names.get(row.stage, row.stage), row.precision, *accuracies, *latencies, *sizes)
    return table


def _others(config: Config) -> dict[str, Path]:
    """Networks to hold the winner against, by name. Retraining is the same for all architectures."""
    if config.model != "winner":
        return {}
    space = space_of(config)
    return {
        "reference": retrain(config, space.reference),
        "random": retrain(config, random_arch(config, space)),
        "inherited": found_by(config) / "inherited.safetensors",
    }


def random_arch(config: Config, space: SearchSpace) -> Arch:
    return space.sample(Random(f"a random architecture {config.seed}"))


def _items(config: Config, made: Sequence[Made], others: dict[str, Path]) -> Iterator[Item]:
    """fp32 of every network, the file that is deployed, and INT8 of the networks to compare it with."""
    for name, path in others.items():
        network = load_network(path)
        yield Item(name, "fp32", network, fp32_file(config, network))
    for one in made:
        yield item(config, one)
    for name, path in {**others, "retrained": made[0].path}.items():
        if name in COMPARED:
            network = load_network(path)
            yield Item(name, "int8", network, int8_file(config, network))


def item(config: Config, made: Made) -> Item:
    """What a stage has made, to be timed."""
    seconds = artefacts.manifest(made.path.parent)["seconds"]
    parent = "" if made.parent is None else artefacts.sha256(made.parent)
    if made.path.suffix == ".onnx":
        assert made.parent is not None
        name, network = made.path.stem, load_network(made.parent)
        return Item(name, name, network, made.path.read_bytes(), seconds, parent)
    network = load_network(made.path)
    return Item(made.name, "fp32", network, fp32_file(config, network), seconds, parent)


def timed(config: Config, items: Sequence[Item], tables: Sequence[LatencyTable], folder: Path) -> dict[str, object]:
    """The record of all files, timed together; the tables' networks say how fast the machine is now."""
    names = {f"{one.name}.{one.precision}": one for one in items}
    for name, one in names.items():
        artefacts.write(folder / f"{name}.onnx", one.onnx)
    again = [sentinels(table, label=f"sentinel {number}") for number, table in enumerate(tables)]
    files = {name: one.onnx for name, one in names.items()}
    for known, _ in again:
        files |= known
    with board_of(config.device, folder) as board:
        rounds = list(followed(board, files, config.measure, "timing stages", each=True))
    values = summarize(rounds)
    slower = [slowdown(values, then) for _, then in again]
    rows = [
        _row(config, one, values[name].seconds, _percentile(rounds, name), list(zip(tables, slower)))
        for name, one in track(names.items(), "evaluating files", len(names))
    ]
    return {"slowdown": slower[0] if slower else 1.0, "rows": [asdict(row) for row in rows]}


def _percentile(rounds: list[Round], name: str) -> float:
    singles = [r.singles[r.order.index(name)] for r in rounds if name in r.order]
    return float(np.percentile(np.concatenate(singles), 90))


def _row(
    config: Config, one: Item, seconds: float, percentile: float, tables: Sequence[tuple[LatencyTable, float]]
) -> Row:
    data = dataset_of(config.data)
    cost = size(one.network, data.shape.image)
    return Row(
        stage=one.name,
        precision=one.precision,
        validation_accuracy=_accuracy(one.onnx, data, data.validation),
        test_accuracy=_accuracy(one.onnx, data, data.test),
        latency_median_s=seconds,
        latency_p90_s=percentile,
        predicted_s=_predicted(one, tables),
        file_bytes=len(one.onnx),
        compressed_bytes=compressed_bytes(one.onnx),
        macs=cost.macs,
        parameters=cost.parameters,
        seconds=one.seconds,
        parent=one.parent,
        sha256=hashlib.sha256(one.onnx).hexdigest(),
    )


def _predicted(one: Item, tables: Sequence[tuple[LatencyTable, float]]) -> float | None:
    """By the first table that knows all its layers, at the speed of now."""
    if not isinstance(one.network, Network) or one.precision not in ("fp32", "int8"):
        return None
    specs = one.network.specs
    known = (
        slower * table.latency(specs, one.precision) for table, slower in tables if table.covers(specs, one.precision)
    )
    return next(known, None)


def _accuracy(onnx: bytes, data: Dataset, split: Split) -> float:
    """Fraction of a split's images that the file classifies right."""
    images, labels = data.fixed(split, 0, 0)
    return accuracy(torch.from_numpy(onnx_logits(onnx, array(images))), labels)


if __name__ == "__main__":
    command.run(benchmark)

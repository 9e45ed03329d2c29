"""python -m experiments.benchmark: every stage's file on the device: accuracy, latency, size, predicted latency.

This is the only place where the test images are looked at. The accuracies are of the very files that are timed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch

from compress.parity import onnx_logits
from experiments import artefacts, command
from experiments.choices import dataset_of, space_of
from experiments.compress import array, compress, fp32_file, int8_file
from experiments.config import Config
from experiments.data import Dataset, Split
from experiments.devices import board_of, live
from experiments.keys import data_key, passport_key
from experiments.measure import followed, measure, read_table
from experiments.progress import track
from experiments.search import read_winner, search
from experiments.sentinels import sentinels, slowdown
from experiments.train import prepare, retrain
from experiments.weights import load_network
from predictors.rounds import Round, summarize
from predictors.table import LatencyTable
from search_spaces.evaluation import accuracy
from search_spaces.space import Arch, SearchSpace
from search_spaces.spec import Spec, macs, parameters

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
    predicted_s: float | None  # by the table, at the speed the machine had here; None where a layer was not measured
    file_bytes: int
    macs: int
    parameters: int
    sha256: str


@dataclass(frozen=True)
class Stage:
    """A file to be timed, and the layers it computes."""

    name: str
    precision: str
    specs: tuple[Spec, ...]
    onnx: bytes


def benchmark(config: Config) -> Path:
    """The folder of benchmark.json and of every stage's ONNX file."""
    live(config.device)
    table, found = measure(config), search(config)
    files = _weights(config, found)
    int8 = compress(config) / "int8.onnx"
    settings = {
        "device": asdict(config.device),
        "measure": asdict(config.measure),
        "data": data_key(config.data),
        "seed": config.seed,
        "calibration": config.compress.calibration,
    }
    inputs = {name: artefacts.sha256(path) for name, path in {"table": table, "int8": int8, **files}.items()}
    inputs["passport"] = passport_key(config.device)
    label = f"{config.space.name}-{config.data.name}-seed{config.seed}"

    def work(folder: Path) -> None:
        stages = list(track(_stages(config, files, int8), "writing files", len(files) + 1 + len(COMPARED)))
        _benchmark(config, read_table(table), stages, folder)

    return artefacts.step(Path(config.runs), "benchmark", label, settings, inputs, work)


def read_rows(folder: Path) -> tuple[list[Row], float]:
    """The rows, and how much longer everything took than when the table was measured (1.1: 10 % longer)."""
    record = json.loads((folder / "benchmark.json").read_text())
    return [Row(**row) for row in record["rows"]], record["slowdown"]


def _weights(config: Config, found: Path) -> dict[str, Path]:
    """The weights of every network, by stage. Retraining is the same for all architectures."""
    space = space_of(config)
    squeezed = compress(config)
    return {
        "reference": retrain(config, space.reference),
        "random": retrain(config, random_arch(config, space)),
        "inherited": found / "inherited.safetensors",
        "retrained": retrain(config, read_winner(found).arch),
        "pruned": squeezed / "pruned.safetensors",
        "finetuned": squeezed / "finetuned.safetensors",
    }


def random_arch(config: Config, space: SearchSpace) -> Arch:
    return space.sample(Random(f"a random architecture {config.seed}"))


def _stages(config: Config, files: dict[str, Path], int8: Path) -> Iterator[Stage]:
    """fp32 of every stage, the INT8 file that is deployed, and INT8 of the networks to compare it with."""
    prepare(config.threads, config.seed)
    networks = {name: load_network(path) for name, path in files.items()}
    for name, network in networks.items():
        yield Stage(name, "fp32", network.specs, fp32_file(config, network))
    yield Stage("int8", "int8", networks["finetuned"].specs, int8.read_bytes())
    for name in COMPARED:
        yield Stage(name, "int8", networks[name].specs, int8_file(config, networks[name]))


def _benchmark(config: Config, table: LatencyTable, stages: list[Stage], folder: Path) -> None:
    names = {f"{stage.name}.{stage.precision}": stage for stage in stages}
    for name, stage in names.items():
        artefacts.write(folder / f"{name}.onnx", stage.onnx)
    again, then = sentinels(table, space_of(config))
    files = {**{name: stage.onnx for name, stage in names.items()}, **again}
    with board_of(config.device, folder) as board:
        rounds = list(followed(board, files, config.measure, "timing stages", each=True))
    values = summarize(rounds)
    slower = slowdown(values, then)
    rows = [
        _row(config, table, stage, values[name].seconds, _percentile(rounds, name), slower)
        for name, stage in track(names.items(), "evaluating files", len(names))
    ]
    record = {"slowdown": slower, "rows": [asdict(row) for row in rows]}
    artefacts.write(folder / "benchmark.json", json.dumps(record, indent=1) + "\n")


def _percentile(rounds: list[Round], name: str) -> float:
    singles = [r.singles[r.order.index(name)] for r in rounds if name in r.order]
    return float(np.percentile(np.concatenate(singles), 90))


def _row(config: Config, table: LatencyTable, stage: Stage, seconds: float, percentile: float, slower: float) -> Row:
    data, known = dataset_of(config.data), table.covers(stage.specs, stage.precision)
    return Row(
        stage=stage.name,
        precision=stage.precision,
        validation_accuracy=_accuracy(stage, data, data.validation),
        test_accuracy=_accuracy(stage, data, data.test),
        latency_median_s=seconds,
        latency_p90_s=percentile,
        predicted_s=slower * table.latency(stage.specs, stage.precision) if known else None,
        file_bytes=len(stage.onnx),
        macs=macs(stage.specs),
        parameters=parameters(stage.specs),
        sha256=hashlib.sha256(stage.onnx).hexdigest(),
    )


def _accuracy(stage: Stage, data: Dataset, split: Split) -> float:
    """Fraction of a split's images that the file classifies right."""
    images, labels = data.fixed(split, 0, 0)
    return accuracy(torch.from_numpy(onnx_logits(stage.onnx, array(images))), labels)


if __name__ == "__main__":
    command.run(benchmark)

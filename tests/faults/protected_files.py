"""Files of all kinds with their writers and readers: those that a hash protects, and the others."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from experiments.comparison.published_latencies import read_measurements
from experiments.config import FidelityConfig
from experiments.setup.session_record import read_rows
from experiments.stages.int8_record import load as read_answers
from experiments.store import artefacts, checkpoints, journal
from experiments.store.disk import sha256
from experiments.store.provenance import whole
from experiments.store.weights import load_network, load_supernet
from experiments.store.winner import read_winner
from experiments.studies.exact import read_front
from experiments.sweep import jobs
from paper import agreement, checksums, macros
from paper.build import HERE
from predictors.board.classifier import Classifier
from predictors.board.offline_files import opened
from predictors.board.offline_job import JOB, read_results
from predictors.tables.table_file import dump, read_table
from search_spaces.spaces.tiny import tiny
from strategies.problems.tabular_problem import read_csv as read_networks
from tests.experiments.test_checkpoints import training
from tests.faults.written_files import (
    write_begun,
    write_carried,
    write_checkpoint,
    write_front,
    write_journal,
    write_measurements,
    write_network,
    write_onnx,
    write_quantization,
    write_result,
    write_results,
    write_session,
    write_supernet,
    write_table,
    write_winner,
)

FILES = HERE / "results"
Read = Callable[[Path], Any]  # returns what a program reads from a file, in a form that can be compared


def step(write: Callable[[Path, int], Path], read: Read) -> tuple[Callable[[Path, int], Path], Read]:
    """Returns the writer and the reader of a file in a finished step's folder, which is verified before it is read."""

    def made(folder: Path, number: int) -> Path:
        path = write(folder / "beside", number)

        def work(step: Path) -> None:
            shutil.copy(path, step / path.name)
            artefacts.declare(step / path.name)

        return artefacts.step(folder, "demo", "demo", {"number": number}, {}, work) / path.name

    def verified(path: Path) -> Any:
        whole(path.parent)
        return read(path)

    return made, verified


def published(name: str) -> tuple[Callable[[Path, int], Path], Read]:
    """Returns the writer and the reader of a file of the committed results, with all the others in its folder."""

    def write(folder: Path, number: int) -> Path:
        shutil.copytree(FILES, folder)
        other = next(path.name for path in sorted(FILES.glob("*.csv")) if path.name != name)
        if number and name.endswith(".csv"):
            shutil.copy(FILES / other, folder / name)
        elif number:
            artefacts.write(folder / name, checksums.dump({other: sha256(FILES / other)}))
        return folder / name

    def read(path: Path) -> Any:
        checksums.check(path.parent)
        agreement.check(path.parent)
        return macros.numbers(path.parent)

    return write, read


def state(module: nn.Module) -> dict[str, list[float]]:
    return {name: tensor.flatten().tolist() for name, tensor in module.state_dict().items()}


def read_checkpoint(path: Path) -> Any:
    checkpoints.restore(made := training(), path)
    return made.losses, state(made.model)


def read_measured(path: Path) -> Any:
    found = read_measurements(path, FidelityConfig(options="ops", latency="latency", unit="ms"))
    return found.archs.tolist(), found.seconds.tolist()


def read_tabular(path: Path) -> Any:
    table = read_networks(path, "ops", "accuracy", "latency")
    return table.accuracy, table.latency


PROTECTED: dict[str, tuple[Callable[[Path, int], Path], Read]] = {
    "manifest": (
        lambda folder, number: step(write_winner, read_winner)[0](folder, number).parent / artefacts.MANIFEST,
        lambda path: whole(path.parent),
    ),
    "winner": step(write_winner, lambda path: read_winner(path.parent)),
    "journal": step(write_journal, journal.read),
    "table of a step": step(write_table, lambda path: dump(read_table(path))),
    "table": (write_table, lambda path: dump(read_table(path))),
    "session": step(write_session, lambda path: read_rows(path.parent)),
    "quantization": step(write_quantization, lambda path: read_answers(path.parent)),
    "network": step(write_network, lambda path: state(load_network(path))),
    "supernet": step(write_supernet, lambda path: state(load_supernet(path, tiny(1, 16, 10)))),
    "onnx": step(write_onnx, lambda path: path.read_bytes()),
    "front": step(write_front, read_front),
    "checkpoint": (write_checkpoint, read_checkpoint),
    "begun job": (write_begun, lambda path: jobs.look(path.parent)),
    "result of a job": (write_result, lambda path: jobs.look(path.parent)),
    "bundle": (write_carried, lambda path: opened(path, JOB)),
    "results of a bundle": (write_results, read_results),
    "hashes": published(checksums.LIST),
    **{path.name: published(path.name) for path in sorted(FILES.glob("*.csv"))},
}
UNPROTECTED: dict[str, tuple[Callable[[Path, int], Path], Read]] = {  # no hash protects their values
    "winner": (write_winner, lambda path: read_winner(path.parent)),
    "journal": (write_journal, journal.read),
    "session": (write_session, lambda path: read_rows(path.parent)),
    "quantization": (write_quantization, lambda path: read_answers(path.parent)),
    "network": (write_network, lambda path: state(load_network(path))),
    "supernet": (write_supernet, lambda path: state(load_supernet(path, tiny(1, 16, 10)))),
    "onnx": (write_onnx, lambda path: Classifier(path.read_bytes(), str(path), 1, [0.5], [0.5]).classes),
    "front": (write_front, read_front),
    "measurements": (write_measurements, read_measured),
    "networks": (write_measurements, read_tabular),
}

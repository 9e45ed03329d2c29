"""Campaign on damaged files: one line reports the damage, or the values are unchanged. None changes unreported."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from torch import nn

from experiments.comparison.published_latencies import read_measurements
from experiments.config import FidelityConfig
from experiments.setup.session_record import Session, read_rows, write_rows
from experiments.stages.int8_record import Answers
from experiments.stages.int8_record import load as read_answers
from experiments.stages.int8_record import save as write_answers
from experiments.store import artefacts, checkpoints, journal
from experiments.store.candidate_records import to_json
from experiments.store.disk import sha256, write_csv
from experiments.store.provenance import whole
from experiments.store.weights import load_network, load_supernet, save_network, save_supernet
from experiments.store.winner import Winner, read_winner
from experiments.studies.exact import read_front
from experiments.sweep import jobs
from paper import agreement, checksums, macros
from paper.build import HERE
from paper.compression_rows import Stage
from predictors.agent import passport
from predictors.board.classifier import Classifier
from predictors.board.offline_files import opened, sealed
from predictors.board.offline_job import JOB, RESULTS, contents, read_results
from predictors.tables.table_file import dump, read_table
from predictors.timing.rounds import Protocol
from predictors.timing.slowdown import Slowdown
from search_spaces.errors import LutraError
from search_spaces.networks.network import Network
from search_spaces.networks.onnx_writer import write as onnx
from search_spaces.networks.supernet import Supernet
from search_spaces.spaces.tiny import tiny
from strategies.problems.tabular_problem import read_csv as read_networks
from tests.experiments.test_checkpoints import training
from tests.faults.campaign import Figures, campaign
from tests.faults.mutations import mutation
from tests.networks import small
from tests.predictors.tables.simulated_table import simulated_table

EACH = 6  # mutations per trial
FILES = HERE / "results"
Read = Callable[[Path], Any]
"""Returns what a program reads from a file, in a form that can be compared."""


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


def write_winner(folder: Path, number: int) -> Path:
    winner = Winner((0, 1, 2), 0.5 + number / 10, {"latency": 1e-3}, 0.4, "bounded")
    artefacts.write(folder / "winner.json", json.dumps(to_json(winner)))
    return folder / "winner.json"


def write_journal(folder: Path, number: int) -> Path:
    folder.mkdir(parents=True)
    for index in range(5):
        journal.append(folder / "candidates.jsonl", {"arch": [0, index, number], "accuracy": index / 7})
    return folder / "candidates.jsonl"


def write_table(folder: Path, number: int) -> Path:
    artefacts.write(folder / "table.json", dump(simulated_table(seed=number)))
    return folder / "table.json"


def write_session(folder: Path, number: int) -> Path:
    more = {"compressed_bytes": 90, "steps": 3, "seconds": 1.5, "parent": "a"}
    row = Stage("int8", "int8", 0.9, 0.8, 1e-3, 2e-3, None, 100, 10, 5, "b", **more)
    write_rows(folder, [row, row], Session({"int8": Slowdown(1.0 + number, 0.1)}, "clean", ["a"]), 0.01)
    return folder / "benchmark.json"


def write_quantization(folder: Path, number: int) -> Path:
    write_answers(folder, Answers("int8", 100 + number, 0.99, "", {"0": 0.1}, ""))
    return folder / "int8.json"


def numbered(number: int) -> Network:
    network = small()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += number
    return network


def write_network(folder: Path, number: int) -> Path:
    save_network(folder / "network.safetensors", numbered(number))
    return folder / "network.safetensors"


def write_supernet(folder: Path, number: int) -> Path:
    torch.manual_seed(number)
    save_supernet(folder / "supernet.safetensors", Supernet(tiny(1, 16, 10)))
    return folder / "supernet.safetensors"


def write_onnx(folder: Path, number: int) -> Path:
    network = numbered(number)
    artefacts.write(folder / "int8.onnx", onnx(network.specs, network.folded()))
    return folder / "int8.onnx"


def write_front(folder: Path, number: int) -> Path:
    rows = [{"arch": f"0-{i}", "accuracy": 0.5 + i / 9, "accuracy_at_most": 0.9, "latency_s": 1e-3} for i in range(4)]
    write_csv(folder / "front.csv", [*rows, rows[number]])
    return folder / "front.csv"


def write_checkpoint(folder: Path, number: int) -> Path:
    checkpoints.save(training(number + 1), folder / ".checkpoint")
    return folder / ".checkpoint"


def write_begun(folder: Path, number: int) -> Path:
    jobs.begin(made := folder / f"job{number}", ["search", f"seed={number}"])
    return made / jobs.BEGUN


def write_result(folder: Path, number: int) -> Path:
    jobs.begin(made := folder / f"job{number}", ["search", f"seed={number}"])
    found = write_winner(folder, number)
    jobs.finish(made, found, 3.0 + number)
    return made / jobs.RESULT


def write_carried(folder: Path, number: int) -> Path:
    for name, data in contents({"a": b"1"}, Protocol(), 1 + number):
        artefacts.write(folder / name, data)
    return folder / "job.json"


def write_results(folder: Path, number: int) -> Path:
    state = {"before": {}, "after": {}, "seconds": [0.1, 0.2], "order": ["a", "b"]}
    found = {"schema": RESULTS, "job": "1", "passport": {**passport(), "threads": 1}, "rounds": [state] * (1 + number)}
    artefacts.write(folder / "results.json", sealed({**found, "finished": True}))
    return folder / "results.json"


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


def write_measurements(folder: Path, number: int) -> Path:
    rows = [{"ops": f"{i}{(i + number) % 3}1", "accuracy": 50 + i, "latency": 1.5 + i} for i in range(3)]
    write_csv(folder / "board.csv", rows)
    return folder / "board.csv"


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
ALONE = [f"mutations-{kind}" for kind in ("table", "bundle", "results of a bundle")]
"""Files that identify themselves, so a user may replace one by another as a whole."""
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


@pytest.mark.parametrize("kind", PROTECTED)
def test_a_changed_file_is_refused_or_read_as_before(kind: str, tmp_path: Path) -> None:
    survive(f"mutations-{kind}", *PROTECTED[kind], tmp_path, protected=True)


@pytest.mark.parametrize("kind", UNPROTECTED)
def test_a_file_without_a_hash_is_read_or_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    survive(f"mutations-bare-{kind}", *UNPROTECTED[kind], tmp_path, protected=False)


def survive(name: str, write: Callable[[Path, int], Path], read: Read, folder: Path, protected: bool) -> None:
    path, another = write(folder / "one", 0), write(folder / "other", 1)
    content, other, right = path.read_bytes(), another.read_bytes(), [read(path)]
    assert content != other
    if name in ALONE:
        right.append(read(another))

    def damage(rng: Random) -> Figures:
        refused = 0
        for _ in range(EACH):
            changed = mutation(path, rng)
            path.write_bytes(data := changed(content, other, rng))
            same, told = False, ""
            try:
                same = read(path) in right
            except LutraError as error:
                told = str(error)
            except Exception as error:
                raise AssertionError(f"{changed.__name__}: {type(error).__name__}: {error}; {data[:200]!r}") from error
            finally:
                path.write_bytes(content)
            refused += bool(told)
            assert "\n" not in told, f"{changed.__name__}: more than a line: {told}"
            assert same or told or not protected, f"{changed.__name__}: read as another value: {data[:300]!r}"
        return {"mutations": EACH, "refused": refused}

    campaign(name, "mutations", 96, EACH, damage)

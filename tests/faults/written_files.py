"""Writes a file of each kind that commands read."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from experiments.setup.session_record import Session, write_rows
from experiments.stages.int8_record import Answers
from experiments.stages.int8_record import save as write_answers
from experiments.store import artefacts, checkpoints, journal
from experiments.store.candidate_records import to_json
from experiments.store.disk import write_csv
from experiments.store.weights import save_network, save_supernet
from experiments.store.winner import Winner
from experiments.sweep import jobs
from paper.compression_rows import Stage
from predictors.agent import passport
from predictors.board.offline_files import sealed
from predictors.board.offline_job import RESULTS, contents
from predictors.tables.table_file import dump
from predictors.timing.rounds import Protocol
from predictors.timing.slowdown import Slowdown
from search_spaces.networks.network import Network
from search_spaces.networks.onnx_writer import write as onnx
from search_spaces.networks.supernet import Supernet
from search_spaces.spaces.tiny import tiny
from tests.experiments.test_checkpoints import training
from tests.networks import small
from tests.predictors.tables.simulated_table import simulated_table


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


def write_measurements(folder: Path, number: int) -> Path:
    rows = [{"ops": f"{i}{(i + number) % 3}1", "accuracy": 50 + i, "latency": 1.5 + i} for i in range(3)]
    write_csv(folder / "board.csv", rows)
    return folder / "board.csv"

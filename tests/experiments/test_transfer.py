"""Tests the study of transfer between targets: winners, losses, and the command."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.comparison.pooled_candidates import Pool
from experiments.config import Config, SearchConfig, TransferConfig
from experiments.setup.deployment_targets import targets_of
from experiments.studies.transfer import lost, transfer
from paper import checksums
from paper import transfer as text
from paper.rows import read
from paper.transfer_rows import MACS, PARAMETERS, Transferred
from predictors.timing.values import Value
from search_spaces.errors import LutraError
from tests.commands import Finished, Here, copy_steps

FAST, SMALL = "onnxruntime fp32 1 thread", "onnxruntime int8 1 thread"


def pool(accuracies: list[float], costs: dict[str, list[float]], least: float) -> Pool:
    archs = [(index,) for index in range(len(accuracies))]
    return Pool(archs, np.array(accuracies), least, {name: np.array(cost) for name, cost in costs.items()})


def test_a_winner_is_the_fastest_that_is_accurate_enough() -> None:
    costs = {"a": [1, 4, 3, 2], "b": [1, 2, 3, 3], MACS: [9, 9, 9, 9]}
    made = pool([0.5, 0.9, 0.8, 0.8], costs, 0.8)
    assert made.winners == {"a": 3, "b": 1, MACS: 1}  # of equal ones the most accurate
    assert pool([0.5, 0.9, 0.8, 0.8], costs, 0.0).winners["a"] == 0


def test_winners_do_not_depend_on_the_order_of_the_pool() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        accuracies, cost = rng.random(8), rng.random(8)
        order = rng.permutation(8)
        one = pool(accuracies.tolist(), {"a": cost.tolist()}, float(np.median(accuracies)))
        other = pool(accuracies[order].tolist(), {"a": cost[order].tolist()}, one.least)
        assert order[other.winners["a"]] == one.winners["a"]


def test_losses_and_their_intervals() -> None:
    own = Value(1e-3, 0.99e-3, 1.01e-3)
    assert lost(own, own) == (0, 0, 0)
    loss, low, high = lost(Value(2e-3, 2e-3, 2e-3), own)  # only the own winner's error is left
    assert (loss, low, high) == pytest.approx((1, 2 / 1.01 - 1, 2 / 0.99 - 1))
    loss, low, high = lost(Value(2e-3, 1.9e-3, 2.1e-3), own)
    assert low < 2 / 1.01 - 1 < loss < 2 / 0.99 - 1 < high
    assert lost(Value(0.5e-3, 0.5e-3, 0.5e-3), own)[0] == pytest.approx(-0.5)  # the table chose wrongly


def test_no_target_trains_finalists() -> None:
    asked = Config(
        search=SearchConfig(finalists=8), transfer=TransferConfig(targets=["precision=fp32", "precision=int8"])
    )
    assert {one.search.finalists for one in targets_of(asked).values()} == {0}


def targets(*texts: str) -> dict[str, Config]:
    return targets_of(replace(Config(), transfer=TransferConfig([*texts])))


def test_without_targets_there_are_all_runtimes_precisions_and_one_or_two_threads() -> None:
    found = targets()
    assert len({*found}) in (4, 8)
    asked = {(one.device.library, one.precision, one.device.threads) for one in found.values()}
    assert len(asked) == len(found)
    assert {(library, precision) for library, precision, _ in asked} == {
        (library, precision) for library in ("onnxruntime", "litert") for precision in ("fp32", "int8")
    }


def test_a_target_may_be_any_device() -> None:
    found = targets("precision=fp32 device.name=ssh device.host=pi5", "device.library=litert precision=int8")
    assert [*found] == ["pi5 onnxruntime fp32 1 thread", "litert int8 1 thread"]
    assert [(one.device.name, one.device.host) for one in found.values()] == [("ssh", "pi5"), ("local", "")]


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (("precision=fp32",), "two targets or more"),
        (("precision=fp32", "precision=fp32"), "two targets called onnxruntime fp32 1 thread"),
        (("precision=fp16", "precision=fp32"), "fp16"),
        (("device.thread=2", "precision=fp32"), "did you mean 'device.threads'"),
        (("device.threads=many", "precision=fp32"), "device.threads=many"),
        (("seed=1", "precision=fp32"), "setting of a target"),
        (("device.name=simulated", "precision=fp32"), "simulated"),
        (("device.threads=1000", "precision=fp32"), "cores"),
    ],
)
def test_wrong_targets_get_one_line(texts: tuple[str, ...], told: str) -> None:
    with pytest.raises(LutraError, match=told) as error:
        targets(*texts)
    assert "\n" not in str(error.value)


def test_one_table_is_not_that_of_every_target() -> None:
    with pytest.raises(LutraError, match="leave table= and run= out"):
        targets_of(replace(Config(), table="table.json"))


def test_the_command_times_each_winner_on_each_target(finished: Finished, here: Here, tmp_path: Path) -> None:
    """A smoke test of the real command: so short a measurement has no meaning."""
    copy_steps(finished, tmp_path, "measure", "train", "search")
    asked = "transfer.targets=['precision=fp32','precision=int8','device.library=litert precision=int8']"
    arguments = (*finished.arguments, f"runs={tmp_path}", f"results={tmp_path / 'results'}", asked)
    done = here(transfer, *arguments, "publish=true")
    assert done.code == 0, done.err
    (folder,) = tmp_path.glob("transfer/tiny-*")
    rows = read(folder, Transferred)
    names = [FAST, SMALL, "litert int8 1 thread"]
    assert [(row.target, row.chosen_for) for row in rows] == [
        (target, chosen) for target in names for chosen in (*names, MACS, PARAMETERS)
    ]
    assert all(row.loss == 0 for row in rows if row.target == row.chosen_for)
    assert len({*(row.arch for row in rows if row.chosen_for == MACS)}) == 1
    assert len([*tmp_path.glob("transfer_timing/*")]) == 2  # both precisions of a runtime share a session
    assert len([*tmp_path.glob("train/*")]) == 1
    least = min(json.loads(path.read_text())["accuracy"] for path in tmp_path.glob("search/*/winner.json"))
    assert all(row.accuracy >= least for row in rows)
    checksums.check(tmp_path / "results")
    shutil.copy(tmp_path / "results" / "transfer_setup.csv", tmp_path / "results" / "setup.csv")
    assert text.published(tmp_path / "results")
    text.check(tmp_path / "results")
    steps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("manifest.json")}
    assert here(transfer, *arguments).code == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("manifest.json")} == steps

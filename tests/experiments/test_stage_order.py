"""Tests which stages may follow which: an order is accepted if the later stage keeps what the earlier one made."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from compress.quantization.sensitivity import Sensitivity
from compress.weights.cluster import weighted_layers
from compress.weights.sparsify import layers_to_prune, two_of_four
from experiments.config import Config, stage_order
from experiments.config.compression import CompressConfig, PruneConfig, SparsifyConfig
from experiments.config.stage_order import CLUSTER, LOWRANK, PRUNE, QAT, QUANTIZE, SPARSIFY, STAGES
from experiments.setup.images import dataset_of
from experiments.stages import NETWORK, pruning, quantizing
from experiments.stages import STAGES as RUNNING
from experiments.stages.inputs import learned
from experiments.stages.task import Task
from experiments.steps.compress import settings_of
from experiments.steps.train import calibrated
from experiments.store.step import Means
from experiments.store.weights import load_network, save_network
from search_spaces.errors import LutraError
from search_spaces.layers import LowRankHead, LowRankMBConv
from search_spaces.networks.network import Network
from search_spaces.spaces.tiny import tiny
from search_spaces.training.recipe import NetworkRecipe

SPACE = tiny(1, 16, 10)
SHORT = NetworkRecipe(3, 16, 0.05, weight_decay=0.01, amp=False)
VALUES = 8  # distinct values of a clustered layer
ALL_FACTORISED = SimpleNamespace(
    predictor=lambda space, precision: SimpleNamespace(lowest=[len(options) - 1 for options in space.layers])
)


def config(pattern: str) -> Config:
    compress = CompressConfig(
        prune=PruneConfig("uniform", "l1", keep=0.5),
        energy=0.5,
        finetune=SHORT,
        distillation=0.0,
        sparsify=SparsifyConfig(0.5, pattern),
        clusters=VALUES,
        qat=SHORT,
        calibration=64,
    )
    return dataclasses.replace(Config(), compress=compress)


def after(stage: str, parent: Path, folder: Path, pattern: str) -> Path:
    """Runs a stage on a network's file, whether the order is accepted or not; returns its file."""
    asked = config(pattern)
    inputs = learned(parent) | {"table": Path()}
    RUNNING[stage].run(Task(settings_of(asked, stage), Means.of(asked), parent, inputs, folder))
    return folder / "int8.onnx" if stage == QUANTIZE else folder / NETWORK


def weights(path: Path, cut: bool) -> list[np.ndarray]:
    """Returns the weights [outputs, inputs, ...] of the layers that are cut, or of all layers."""
    if path.suffix == ".onnx":
        tensors = map(numpy_helper.to_array, onnx.load(path).graph.initializer)
        return [array for array in tensors if array.ndim > 1 and (not cut or array.shape[2:] in ((), (1, 1)))]
    network = load_network(path)
    assert isinstance(network, Network)
    layers = layers_to_prune(network) if cut else weighted_layers(network)
    return [layer.weight.detach().numpy() for layer in layers]


def zeros_held(path: Path) -> bool:
    found = weights(path, cut=True)
    return sum(int((array == 0).sum()) for array in found) > 0.3 * sum(array.size for array in found)


def groups_held(path: Path) -> bool:
    found = [array for array in weights(path, cut=True) if array.shape[1] % 4 == 0]
    return all((array[two_of_four(torch.from_numpy(array), 0.5).numpy() == 0] == 0).all() for array in found)


def shared_values_held(path: Path) -> bool:
    """Whether each layer has few distinct values (in ONNX files each channel, as batch norms are folded)."""
    rows = [row for array in weights(path, cut=False) for row in (array if path.suffix == ".onnx" else [array])]
    return all(len(np.unique(row)) <= VALUES for row in rows)


def specs_held(kinds: tuple[type, ...]) -> Callable[[Path], bool]:
    def held(path: Path) -> bool:
        network = load_network(path)
        return isinstance(network, Network) and any(isinstance(spec, kinds) for spec in network.specs)

    return held


def narrow(path: Path) -> bool:
    network = load_network(path)
    assert isinstance(network, Network)
    return max(conv.out_channels for spec in network.specs[:-1] for conv in spec.convs) <= 72


def ranges_held(path: Path) -> bool:
    return path.suffix == ".onnx" or "ranges" in learned(path)


MADE: dict[tuple[str, str], Callable[[Path], bool]] = {  # stage and pattern -> whether a later file still has it
    (SPARSIFY, "smallest"): zeros_held,
    (SPARSIFY, "two_of_four"): groups_held,
    (CLUSTER, "smallest"): shared_values_held,
    (LOWRANK, "smallest"): specs_held((LowRankMBConv, LowRankHead)),
    (PRUNE, "smallest"): narrow,
    (QAT, "smallest"): ranges_held,
}
PAIRS = [(*made, second) for made in MADE for second in STAGES if second != made[0]]


@pytest.fixture(autouse=True)
def factorising_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "read_table", lambda path: ALL_FACTORISED)
    one = Sensitivity(0, 1.0, 30.0)
    monkeypatch.setattr(quantizing, "sensitivities", lambda *arguments: [one])  # otherwise one more file for each layer


@pytest.fixture(scope="module")
def retrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("retrained") / NETWORK
    shallow = (0, 1, 4, 1, 4, 4, 0)  # one block for each of the two widths
    save_network(path, calibrated(Network(SPACE.decode(shallow)), dataset_of(Config().data)))
    return path


@pytest.fixture(scope="module")
def firsts() -> dict[Any, Path]:
    return {}


@pytest.mark.parametrize(("first", "pattern", "second"), PAIRS)
def test_an_order_is_accepted_where_it_loses_nothing(
    first: str, pattern: str, second: str, retrained: Path, firsts: dict[Any, Path], tmp_path: Path
) -> None:
    held = MADE[first, pattern]
    if (first, pattern) not in firsts:
        firsts[first, pattern] = after(first, retrained, retrained.parent / f"{first} {pattern}", pattern)
    made = firsts[first, pattern]
    assert held(made)
    assert not (first in (SPARSIFY, CLUSTER, QAT) and held(retrained))
    path = after(second, made, tmp_path, pattern)
    if first in (PRUNE, LOWRANK) and second == QUANTIZE:
        path = made  # the next file is written from it
    assert accepted([first, second], pattern) == held(path)


def accepted(stages: list[str], pattern: str = "smallest") -> bool:
    try:
        stage_order.check(stages, pattern)
    except LutraError:
        return False
    return True


def test_other_stages_between_two_change_nothing() -> None:
    for first, middle, last in permutations(STAGES, 3):
        pairs = ([first, middle], [middle, last], [first, last])
        assert accepted([first, middle, last]) == all(map(accepted, pairs))


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_twice_in_a_row_is_refused(stage: str) -> None:
    assert not accepted([stage, stage])


def test_training_and_pruning_may_take_turns() -> None:
    assert accepted(["prune", "finetune", "prune", "finetune", "sparsify", "finetune", "qat", "quantize"])
    assert not accepted(["sparsify", "finetune", "sparsify"])
    assert not accepted(["qat", "quantize", "qat"])

"""Stages that train: what a cut has cost is learned again, and weights learn to be few, or coarse."""

from __future__ import annotations

import json
from pathlib import Path

from torch import nn

from compress.cluster import cluster, entropy_coded_bytes, sharing
from compress.finetune import distillation
from compress.qat import QuantizationAware
from compress.sparsify import PATTERNS, Schedule, holding_zeros, sparsified, sparsifying
from experiments import artefacts
from experiments.accelerator import accelerator
from experiments.choices import space_of
from experiments.config import Config
from experiments.fitting import run_steps
from experiments.progress import console
from experiments.provenance import FASTER
from experiments.stages.int8_agreement import faster
from experiments.stages.task import NETWORK, Task
from experiments.steps.train import calibrated, train
from experiments.weights import load_supernet, save_network
from search_spaces.costs import parameters
from search_spaces.training import Backward, Recipe, cross_entropy

RANGES = "ranges.json"  # of activations, as quantization-aware training has learned them
FLOATS = "floats.json"  # the layers that it has left in float


def finetune(task: Task) -> None:
    network = task.load(task.parent)
    _learn(task, network, holding_zeros(_backward(task, network), network), task.config.compress.finetune, "finetuning")
    task.keep(network)


def sparsify(task: Task) -> None:
    chosen, recipe, network = task.config.compress.sparsify, task.config.compress.finetune, task.network
    schedule = Schedule(chosen.sparsity, recipe.steps)
    backward = sparsifying(_backward(task, network), network, schedule, PATTERNS[chosen.pattern])
    _learn(task, network, backward, recipe, "sparsifying")
    task.keep(sparsified(network))


def share(task: Task) -> None:
    network = cluster(task.network, task.config.compress.clusters)
    _learn(task, network, sharing(_backward(task, network), network), task.config.compress.finetune, "clustering")
    sizes = {"entropy_coded_bytes": entropy_coded_bytes(network), "float32_bytes": 4 * parameters(network.specs)}
    artefacts.write(task.folder / "sizes.json", json.dumps(sizes) + "\n")
    console.print(f"entropy-coded: {sizes['entropy_coded_bytes']:,} of {sizes['float32_bytes']:,} bytes")
    task.keep(network)


def qat(task: Task) -> None:
    """Trains for the file that `quantize` writes: the same bits, the same layers in float."""
    kept, reduced = [one.layer for one in faster(task.inputs)], task.config.compress.quantize.reduce_range
    aware = QuantizationAware(task.network, float_layers=kept, reduce_range=reduced)
    backward = holding_zeros(_backward(task, aware), aware)
    _learn(task, aware, backward, task.config.compress.qat, "quantization-aware training")
    save_network(task.folder / NETWORK, calibrated(aware, task.data).network)  # its statistics are of rounded inputs
    artefacts.write(task.folder / RANGES, json.dumps(aware.ranges(), indent=1) + "\n")
    if FASTER in task.inputs:
        artefacts.write(task.folder / FLOATS, task.inputs[FASTER].read_bytes())


def learned(parent: Path) -> dict[str, Path]:
    """What quantization-aware training has left for the file, where it has made the network of `parent`."""
    files = {"ranges": parent.parent / RANGES, FASTER: parent.parent / FLOATS}
    return {name: path for name, path in files.items() if path.exists()}


def _learn(task: Task, network: nn.Module, backward: Backward, recipe: Recipe, name: str) -> None:
    config = task.config
    run_steps(network, task.data, recipe, config.seed, backward, task.folder, name, config.checkpoint_seconds)


def _backward(task: Task, network: nn.Module) -> Backward:
    chosen = task.config.compress
    smoothing = chosen.finetune.label_smoothing
    if not chosen.distillation:
        return cross_entropy(network, smoothing)
    return distillation(network, _teacher(task), chosen.temperature, chosen.distillation, smoothing)


def _teacher(task: Task) -> nn.Module:
    if "supernet" not in task.inputs:
        return task.load(task.inputs["teacher"])
    space = space_of(task.config)
    supernet = load_supernet(task.inputs["supernet"], space).to(accelerator(task.config.accelerator))
    return supernet.extract(space.largest)  # it normalises by the batch


def teachers(config: Config, root: Path, parent: Path) -> dict[str, Path]:
    """Whose soft labels a training learns: the file of the unpruned network, or the supernet's largest."""
    if not config.compress.distillation:
        return {}
    return {"teacher": root} if config.compress.teacher == "winner" else {"supernet": train(config)}

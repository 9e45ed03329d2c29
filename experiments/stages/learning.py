"""Stages that train: recovering accuracy, sparse weights, shared weights, quantization-aware training."""

from __future__ import annotations

import json
from typing import TypeVar

from torch import nn

from compress.quantization.qat import QuantizationAware
from compress.weights.cluster import cluster, entropy_coded_bytes, sharing
from compress.weights.finetune import distillation
from compress.weights.sparsify import PATTERNS, Schedule, holding_zeros, sparsified, sparsifying
from experiments.compute.accelerator import accelerator
from experiments.compute.resumable_training import run_steps
from experiments.display.progress import console
from experiments.stages.inputs import FLOATS, NETWORK, RANGES
from experiments.stages.int8_record import faster
from experiments.stages.settings import Cluster, Finetune, Qat, Sparsify, Stage
from experiments.stages.task import Task
from experiments.steps.train import calibrated
from experiments.store import artefacts
from experiments.store.provenance import FASTER_IN_FLOAT
from experiments.store.weights import load_supernet, save_network
from search_spaces.costs import parameters
from search_spaces.training.loop import Backward, cross_entropy
from search_spaces.training.recipe import NetworkRecipe

S = TypeVar("S", bound=Stage)
F = TypeVar("F", bound=Finetune)


def finetune(task: Task[Finetune]) -> None:
    network = task.load(task.parent)
    _learn(task, network, holding_zeros(_backward(task, network), network), task.settings.finetune, "finetuning")
    task.keep(network)


def sparsify(task: Task[Sparsify]) -> None:
    chosen, recipe, network = task.settings.sparsify, task.settings.finetune, task.network
    schedule = Schedule(chosen.sparsity, recipe.steps)
    backward = sparsifying(_backward(task, network), network, schedule, PATTERNS[chosen.pattern])
    _learn(task, network, backward, recipe, "sparsifying")
    task.keep(sparsified(network))


def share(task: Task[Cluster]) -> None:
    network = cluster(task.network, task.settings.clusters)
    _learn(task, network, sharing(_backward(task, network), network), task.settings.finetune, "clustering")
    sizes = {"entropy_coded_bytes": entropy_coded_bytes(network), "float32_bytes": 4 * parameters(network.specs)}
    artefacts.write(task.folder / "sizes.json", json.dumps(sizes) + "\n")
    console.print(f"entropy-coded: {sizes['entropy_coded_bytes']:,} of {sizes['float32_bytes']:,} bytes")
    task.keep(network)


def qat(task: Task[Qat]) -> None:
    """Trains for the file that `quantize` writes: with the same bits, and the same layers in float."""
    kept, reduced = [one.layer for one in faster(task.inputs)], task.settings.reduce_range
    aware = QuantizationAware(task.network, float_layers=kept, reduce_range=reduced)
    backward = holding_zeros(_backward(task, aware), aware)
    _learn(task, aware, backward, task.settings.qat, "quantization-aware training")
    save_network(task.folder / NETWORK, calibrated(aware, task.data).network)  # its statistics came from rounded inputs
    artefacts.write(task.folder / RANGES, json.dumps(aware.ranges(), indent=1) + "\n")
    if FASTER_IN_FLOAT in task.inputs:
        artefacts.write(task.folder / FLOATS, task.inputs[FASTER_IN_FLOAT].read_bytes())


def _learn(task: Task[S], network: nn.Module, backward: Backward, recipe: NetworkRecipe, name: str) -> None:
    seed, every = task.settings.seed, task.means.checkpoint_seconds
    data = task.data.joined if recipe.all_images else task.data
    run_steps(network, data, recipe, seed, backward, task.folder, name, every)


def _backward(task: Task[F], network: nn.Module) -> Backward:
    chosen = task.settings
    smoothing = chosen.finetune.label_smoothing
    if isinstance(chosen, Qat) and chosen.smoothing is not None:
        smoothing = chosen.smoothing
    if not chosen.distillation:
        return cross_entropy(network, smoothing)
    return distillation(network, _teacher(task), chosen.temperature, chosen.distillation, smoothing)


def _teacher(task: Task[F]) -> nn.Module:
    space = task.settings.space
    if "supernet" not in task.inputs or space is None:
        return task.load(task.inputs["teacher"])
    supernet = load_supernet(task.inputs["supernet"], space).to(accelerator(task.settings.accelerator))
    return supernet.extract(space.largest)  # in training mode, so it normalises by the batch

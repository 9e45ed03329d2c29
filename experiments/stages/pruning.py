"""Stages that make a network narrower, by measured latencies."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from compress.pruning.depgraph import prune_groups
from compress.pruning.importance import Importances, batch_norm_scale, l1, taylor
from compress.pruning.prune import (
    global_widths,
    kept_importance,
    uniform_widths,
    widths_of,
)
from compress.pruning.rounds import in_rounds
from compress.pruning.widths import width_space
from compress.weights.lowrank import energy_ranks, low_rank_space, lowrank
from experiments.display.progress import console
from experiments.stages.settings import Factorise, Prune
from experiments.stages.task import Task
from experiments.steps.train import calibrated
from experiments.store.weights import load_network
from predictors.costs import LATENCY
from predictors.tables.table_file import read_table
from search_spaces.errors import LutraError
from search_spaces.networks.evaluation import batches
from search_spaces.networks.network import Network
from search_spaces.space import SearchSpace
from strategies.quality.exact import exact_front


def prune(task: Task[Prune]) -> None:
    chosen = task.settings.prune
    if chosen.rule == "depgraph":
        return task.keep(prune_groups(task.load(task.parent), task.data.shape.image, chosen.keep))
    network = task.network
    estimate, widths = partial(_importances, task), partial(_chosen_widths, task, network)
    task.keep(in_rounds(network, estimate, widths, chosen.rounds, lambda left: calibrated(left, task.data)))


def _importances(task: Task[Prune], network: Network) -> Importances:
    name, count = task.settings.prune.importance, task.settings.prune.images
    if name != "taylor":
        return {"batch_norm": batch_norm_scale, "l1": l1}[name](network)
    images, labels = task.data.fixed(task.data.train, count, task.settings.seed)
    return taylor(network, zip(batches(images), batches(labels)))


def _chosen_widths(task: Task[Prune], network: Network, importances: Importances, part: float) -> dict[int, int]:
    """The hidden channels to keep, by layer: the least loss within the target, or a rule that ignores the device.

    `part`: the fraction of the whole reduction in latency or channels to make now.
    """
    chosen = task.settings.prune
    keep = _towards(1.0, chosen.keep, part)
    if chosen.rule == "uniform":
        return uniform_widths(network.specs, keep)
    if chosen.rule == "global":
        return global_widths(importances, network.specs, keep)
    space = width_space(network.specs, chosen.widths)
    latency = read_table(task.inputs["table"]).predictor(space, task.settings.precision)
    whole, narrowest = latency(space.reference), latency(latency.lowest)
    saved = narrowest + (1 - chosen.saved) * (whole - narrowest)
    target = max(saved, narrowest) if chosen.target_ms is None else chosen.target_ms / 1e3
    if target < narrowest:
        raise LutraError(
            f"no pruned network is as fast as {1e3 * target:.4g} ms in {task.settings.precision}: the narrowest takes "
            f"{1e3 * narrowest:.4g} ms, the whole {1e3 * whole:.4g} ms; raise compress.prune.target_ms"
        )
    target = _towards(whole, target, part)
    kept = kept_importance(importances, space, comparable=chosen.importance == "taylor")
    front = exact_front(kept, {LATENCY: latency})
    seconds = front.costs[LATENCY]
    within = np.flatnonzero(seconds <= max(target, seconds[0]))  # two sums for one network may round differently
    console.print(
        f"pruning: from {1e3 * whole:.4g} ms to {1e3 * seconds[within[-1]]:.4g} ms, predicted", highlight=False
    )
    return widths_of(space, tuple(front.archs[within[-1]].tolist()))


def _towards(start: float, end: float, part: float) -> float:
    """The value after a fraction `part` of the way from start to end; exactly the end if `part` is 1."""
    return end if part == 1 else start + part * (end - start)


def factorise(task: Task[Factorise]) -> None:
    network, energy = task.network, task.settings.energy
    ranks = energy_ranks(network, energy)
    if not ranks:
        console.print("no convolution is cheaper factorised")
        return task.keep(network)
    space = low_rank_space(network.specs, ranks)
    picks = read_table(task.inputs["table"]).predictor(space, task.settings.precision).lowest
    faster = {layer: ranks[layer] for layer, pick in enumerate(picks) if pick}
    console.print(f"factorised where the device is faster: {len(faster)} of {len(ranks)} layers")
    task.keep(lowrank(network, faster))


def space_of_ranks(parent: Path, energy: float) -> SearchSpace | None:
    """The space with each convolution unchanged or factorised; None if factorising makes none cheaper."""
    network = load_network(parent)
    assert isinstance(network, Network)  # ensured by `compression.check`
    ranks = energy_ranks(network, energy)
    return low_rank_space(network.specs, ranks) if ranks else None

"""The true accuracies for a ranking: networks trained one by one, or a published file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np

from experiments.compute.accelerator import accelerator
from experiments.config import Config
from experiments.setup.images import placed
from experiments.steps.plan import retrain
from experiments.steps.train import prepare
from experiments.store.weights import load_network
from experiments.studies.fidelity import fresh_archs
from search_spaces.errors import LutraError
from search_spaces.networks.evaluation import accuracy, predict
from search_spaces.space import Arch, SearchSpace
from strategies.problems.tabular_problem import read_csv

NETWORKS = 12  # trained from scratch by default


def trained_alone(config: Config, space: SearchSpace) -> dict[Arch, float]:
    """Test accuracies of random networks, each trained by the step `retrain` unless it already was."""
    prepare(config.threads, config.seed)  # the accuracies are part of the step's hash
    data, found, device = placed(config.data, config.accelerator), {}, accelerator(config.accelerator)
    images, labels = data.fixed(data.test, 0, 0)
    for arch in fresh_archs(space, set(), config.ranking.networks or NETWORKS, config.seed, "ranking.networks"):
        found[arch] = accuracy(predict(load_network(retrain(config, arch)).to(device), images), labels)
    return found


def published(config: Config, space: SearchSpace) -> dict[Arch, float]:
    """Accuracies from a file with one digit per searched layer: the mean over the rows of each network.

    NAS-Bench-Macro trained networks separately that differ only in the place of a Skip. Raises LutraError if the file
    is for another space.
    """
    path, chosen = Path(config.ranking.csv), config.ranking
    table = read_csv(path, chosen.options, chosen.accuracy, latency=chosen.accuracy)  # its latencies are not used
    searched = tuple(count for count in space.options if count > 1)
    if table.space.options != searched:
        raise LutraError(
            f"{path} has {len(table.space.options)} layers with {table.space.options} options, but {space.name} has "
            f"{searched}: NAS-Bench-Macro's file needs space=nasbench_macro"
        )
    trainings: dict[Arch, list[float]] = {}
    for picks, fraction in table.accuracy.items():
        trainings.setdefault(space.canonical(_whole(picks, space)), []).append(fraction)
    archs = sorted(trainings)
    if chosen.networks:
        archs = sorted(Random(config.seed).sample(archs, min(chosen.networks, len(archs))))
    return {arch: float(np.mean(trainings[arch])) for arch in archs}


def _whole(picks: Sequence[int], space: SearchSpace) -> Arch:
    """The architecture including the layers with a single option."""
    rest = iter(picks)
    return tuple(next(rest) if count > 1 else 0 for count in space.options)

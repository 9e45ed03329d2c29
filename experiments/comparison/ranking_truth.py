"""The true accuracies for a ranking: networks trained one by one, with one or several seeds, or a published file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

import numpy as np

from experiments.comparison.fresh_networks import fresh_archs
from experiments.comparison.published_space import accuracies, whole
from experiments.compute.accelerator import accelerator
from experiments.compute.parallel_training import train_all
from experiments.config import Config
from experiments.setup.images import dataset_of, placed
from experiments.setup.recipes import shortened
from experiments.setup.targets import costs_of, target_of
from experiments.steps.plan import plan_of, retrain
from experiments.steps.train import prepare
from experiments.store.weights import load_network
from predictors.costs import LATENCY
from predictors.tables.table_file import read_table
from search_spaces.errors import LutraError
from search_spaces.networks.evaluation import accuracy, predict
from search_spaces.space import Arch, SearchSpace

NETWORKS = 12  # trained from scratch by default
DRAWS = 1000  # random networks tried for each that is wanted


Truth = Mapping[Arch, tuple[float, ...]]  # the accuracy of each training of a network, as a fraction


def trained_alone(config: Config, space: SearchSpace) -> Truth:
    """Test accuracies of random networks, each trained by the step `retrain` unless it already was.

    The first training of each has the seed `seed`, the next ones those after it.
    """
    config = shortened(config, config.ranking.passes, "ranking.passes")
    archs, seeds = archs_of(config, space), range(config.seed, config.seed + config.ranking.seeds)
    train_all([partial(retrain, replace(config, seed=seed), arch) for seed in seeds for arch in archs], config.jobs)
    prepare(config.threads, config.seed)  # the accuracies are part of the step's hash
    data, device = placed(config.data, config.accelerator), accelerator(config.accelerator)
    images, labels = data.fixed(data.test, 0, 0)

    def judged(arch: Arch, seed: int) -> float:
        network = load_network(retrain(replace(config, seed=seed), arch))
        return accuracy(predict(network.to(device), images), labels)

    return {arch: tuple(judged(arch, seed) for seed in seeds) for arch in archs}


def passes_of(config: Config) -> float:
    """The length of each training, in passes over the training images."""
    recipe, data = shortened(config, config.ranking.passes, "ranking.passes").retrain, dataset_of(config.data)
    images = len(data.train.labels) + len(data.validation.labels) * recipe.all_images
    return recipe.steps * recipe.batch / images


def facts(config: Config) -> dict[str, str]:
    """What the paper says of the networks and their training."""
    asked = config.ranking
    if asked.csv:
        return {}
    found = {"trainings": str(asked.seeds), "passes": f"{passes_of(config):.6g}"}
    if asked.band is None:
        return found
    space = plan_of(config).space
    target = target_of(config.objective, config.precision, space, read_table(plan_of(config).table))
    return found | {"band": f"{asked.band:g}", "target_ms": str(1e3 * target), "precision": config.precision}


def archs_of(config: Config, space: SearchSpace) -> list[Arch]:
    """Random networks; with `ranking.band`, only those whose latency is about the target.

    Raises LutraError if the space has too few, or if hardly any random network has such a latency.
    """
    asked, band = config.ranking.networks or NETWORKS, config.ranking.band
    if band is None:
        return fresh_archs(space, set(), asked, config.seed, "ranking.networks")
    table = read_table(plan_of(config).table)
    latency = costs_of(replace(config.objective, costs=[LATENCY]), config.precision, space, table)[LATENCY]
    target = target_of(config.objective, config.precision, space, table)
    rng, found = Random(f"ranking {config.seed}"), list[Arch]()
    for _ in range(DRAWS * asked):
        arch = space.sample(rng)
        if abs(latency(arch) / target - 1) <= band and arch not in found:
            found.append(arch)
        if len(found) == asked:
            return found
    raise LutraError(
        f"only {len(found)} of {DRAWS * asked} random networks in {space.name} have a latency within "
        f"{100 * band:g} % of {1e3 * target:.4g} ms: raise ranking.band, or lower ranking.networks"
    )


def published(config: Config, space: SearchSpace) -> Truth:
    """Accuracies from a file with one digit per searched layer: the mean over the rows of each network.

    NAS-Bench-Macro trained networks separately that differ only in the place of a Skip. Raises LutraError if the file
    is for another space.
    """
    chosen = config.ranking
    table = accuracies(Path(chosen.csv), chosen.options, chosen.accuracy, space)
    trainings: dict[Arch, list[float]] = {}
    for picks, fraction in table.accuracy.items():
        trainings.setdefault(space.canonical(whole(picks, space)), []).append(fraction)
    archs = sorted(trainings)
    if chosen.networks:
        archs = sorted(Random(config.seed).sample(archs, min(chosen.networks, len(archs))))
    return {arch: (float(np.mean(trainings[arch])),) for arch in archs}

"""The finalists of a search: its best candidates, each trained from scratch for a short time; the best of them wins.

A supernet ranks networks only roughly. One short training of each ranks them better, but takes longer: so the supernet
chooses which networks are trained (as DARTS, Liu et al. 2019, trains the results of four searches and keeps the best).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from experiments.compute.accelerator import accelerator
from experiments.compute.parallel_training import train_all
from experiments.config.reference import Reference
from experiments.data.dataset import Dataset
from experiments.steps.settings import Alone, Search
from experiments.store.step import Means, Step
from experiments.store.weights import load_network
from search_spaces.networks.evaluation import accuracy, predict
from search_spaces.space import Arch, SearchSpace
from strategies.problems.problem import Candidate


def finalists(space: SearchSpace, found: Sequence[Candidate], count: int) -> list[Candidate]:
    """The best feasible candidates that differ from each other in at least half of the searched layers.

    A search ends among near copies of its best candidate, which a short training would not tell apart. If only fewer
    than `count` candidates differ that much, the required number of layers is lowered, one by one, until enough do.
    """
    searched = sum(options > 1 for options in space.options)
    ranked = sorted(filter(lambda one: one.feasible, found), key=lambda one: one.score, reverse=True)
    chosen: list[Candidate] = []
    for layers in range((searched + 1) // 2, 0, -1):
        chosen = []
        for one in ranked:
            if len(chosen) < count and all(differing_layers(one.arch, other.arch) >= layers for other in chosen):
                chosen.append(one)
        if len(chosen) == count:
            break
    return chosen


def differing_layers(one: Arch, other: Arch) -> int:
    """The number of layers with different options."""
    return sum(a != b for a, b in zip(one, other, strict=True))


def trained_accuracies(settings: Search, means: Means, data: Dataset, found: Sequence[Candidate]) -> dict[Arch, float]:
    """Trains the finalists by `retrain`, `means.training_jobs` at a time; their fractions of the validation images.

    Empty if there are fewer than two.
    """
    chosen = finalists(settings.space, found, settings.search.finalists)
    if len(chosen) < 2:
        return {}
    steps = {one.arch: _retrain(settings, one.arch) for one in chosen}
    train_all([partial(step.made, means) for step in steps.values()], means.training_jobs)
    images, labels = data.fixed(data.validation, settings.search.validation, settings.seed)
    device, judged = accelerator(settings.accelerator), dict[Arch, float]()
    for arch, step in steps.items():
        network = load_network(step.made(means) / "network.safetensors").to(device)
        judged[arch] = accuracy(predict(network, images), labels)
    return judged


def _retrain(settings: Search, arch: Arch) -> Step:
    assert settings.retrain is not None  # set together with the number of finalists
    common = (settings.data, settings.seed, settings.threads, settings.retrain, settings.accelerator)
    alone = Alone(*common, settings.space, arch)
    return Step("retrain", alone, {}, Reference("experiments.steps.train:alone"), label=f"finalist-{alone.label}")

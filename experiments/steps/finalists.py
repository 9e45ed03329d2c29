"""The finalists of a search: its best candidates, each trained alone for a short time; the most accurate one wins.

A supernet ranks networks only roughly. One short training of each ranks them better, but takes longer: so the supernet
chooses which networks are trained (as DARTS, Liu et al. 2019, trains the results of four searches and keeps the best).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from experiments.compute.accelerator import accelerator
from experiments.compute.parallel_training import train_all
from experiments.config.reference import Reference
from experiments.data.dataset import Dataset
from experiments.steps.settings import Alone, Search
from experiments.store.step import Means, Step
from experiments.store.weights import load_network
from paper.rows import Candidate as Row
from paper.rows import read
from search_spaces.networks.evaluation import accuracy, predict
from search_spaces.space import Arch
from strategies.problems.problem import Candidate

Trained = Mapping[Arch, float]  # validation accuracies after the short training, as fractions


def finalists(found: Sequence[Candidate], count: int) -> list[Candidate]:
    """The best feasible candidates, each of which differs from all better ones in at least half of the layers.

    A search ends among near copies of its best candidate, which a short training would not tell apart. Fewer than
    `count` if there are no more.
    """
    chosen: list[Candidate] = []
    for one in sorted(filter(lambda one: one.feasible, found), key=lambda one: one.score, reverse=True):
        if len(chosen) < count and all(2 * _differing(one.arch, other.arch) >= len(one.arch) for other in chosen):
            chosen.append(one)
    return chosen


def _differing(one: Arch, other: Arch) -> int:
    return sum(a != b for a, b in zip(one, other))


def trained(settings: Search, means: Means, data: Dataset, found: Sequence[Candidate]) -> Trained:
    """Trains the finalists as `retrain` does, `means.trainings` at a time, and evaluates them on validation images."""
    if settings.retrain is None:
        return {}
    steps = {one.arch: _alone(settings, one.arch) for one in finalists(found, settings.search.finalists)}
    train_all([partial(step.made, means) for step in steps.values()], means.trainings)
    images, labels = data.fixed(data.validation, settings.search.validation, settings.seed)
    device, judged = accelerator(settings.accelerator), dict[Arch, float]()
    for arch, step in steps.items():
        network = load_network(step.made(means) / "network.safetensors").to(device)
        judged[arch] = accuracy(predict(network, images), labels)
    return judged


def _alone(settings: Search, arch: Arch) -> Step:
    recipe = settings.retrain
    assert recipe is not None
    common = (settings.data, settings.seed, settings.threads, recipe, settings.accelerator)
    alone = Alone(*common, settings.space, settings.space.canonical(arch))
    return Step("retrain", alone, {}, Reference("experiments.steps.train:alone"), label=f"finalist-{alone.label}")


def merit(one: Candidate, trained: Trained) -> tuple[float, bool, float]:
    """The winner has the highest: its trained accuracy if there are finalists, else feasibility, then the score."""
    return trained.get(one.arch, 0.0), one.feasible, one.score


def read_trained(folder: Path) -> Trained:
    """Of the search that made the folder."""
    if not (folder / "candidates.csv").exists():
        return {}
    rows = read(folder, Row)
    found = ((tuple(map(int, one.arch.split("-"))), one.trained_accuracy) for one in rows)
    return {arch: accuracy for arch, accuracy in found if accuracy is not None}

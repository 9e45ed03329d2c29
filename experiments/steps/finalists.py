"""The finalists of a search: its best candidates, each trained from scratch for a short time; the best of them wins.

A supernet ranks networks only roughly. One short training of each ranks them better, but takes longer: so the supernet
chooses which networks are trained (as DARTS, Liu et al. 2019, trains the results of four searches and keeps the best).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from experiments.compute.accelerator import accelerator
from experiments.compute.parallel_training import train_all
from experiments.config.reference import Reference
from experiments.display import events
from experiments.display.progress import say
from experiments.setup.images import placed
from experiments.setup.recipes import of_finalists
from experiments.steps.plan import Plan, retrain
from experiments.steps.settings import Search
from experiments.steps.train import prepare
from experiments.steps.winner_files import write_files
from experiments.store import artefacts
from experiments.store.artefacts import MANIFEST
from experiments.store.candidate_journal import read_candidates
from experiments.store.step import Means, Step
from experiments.store.weights import load_network, load_supernet
from experiments.store.winner import CANDIDATES, FINALIST, SEARCH
from predictors.tables.table_file import read_table
from search_spaces.networks.evaluation import accuracy, predict
from search_spaces.space import Arch, SearchSpace
from strategies.problems.problem import Candidate


def best_finalist(plan: Plan, search: Path, inputs: Mapping[str, Path | str]) -> Path:
    """A folder like that of the finished `search`, but with the best finalist as the winner.

    It is `search` itself if there are fewer than two finalists. `inputs`: the files that the search read.
    """
    config, count = of_finalists(plan.config), plan.config.search.finalists
    found = finalists(plan.space, read_candidates(search / CANDIDATES), count)
    if len(found) < 2:
        if count > 1:
            say(f"no finalists are trained, as the candidates within the bounds are too few: {len(found)}")
        return search
    trainings = [partial(retrain, config, one.arch, "finalist") for one in found]
    train_all(trainings, config.jobs)
    networks = {_name(place): train() for place, train in enumerate(trainings)}
    budget = replace(plan.searching.search, finalists=count, finalist_passes=config.search.finalist_passes)
    settings = replace(plan.searching, search=budget)
    files = {**inputs, SEARCH: search / MANIFEST, **networks}
    return plan.folder(Step("finalists", settings, files, Reference(f"{__name__}:work")))


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


def work(settings: Search, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Judges the trained finalists by the search's validation images."""
    prepare(settings.threads, settings.seed)
    device, data = accelerator(settings.accelerator), placed(settings.data.at(means), settings.accelerator)
    images, labels = data.fixed(data.validation, settings.search.validation, settings.seed)
    log, trained = files[SEARCH].parent / CANDIDATES, dict[Arch, float]()
    found = read_candidates(log)
    for place, one in enumerate(finalists(settings.space, found, settings.search.finalists)):
        network = load_network(files[_name(place)]).to(device)
        trained[one.arch] = accuracy(predict(network, images), labels)
    artefacts.write(folder / CANDIDATES, log.read_bytes())
    net = load_supernet(files["supernet"], settings.space).to(device)
    calibration = data.fixed(data.train, settings.search.calibration, settings.seed)[0]
    with events.writer(folder):
        pass  # removes those of a killed attempt
    write_files(settings, read_table(files["table"]), net, calibration, found, trained, folder)


def _name(place: int) -> str:
    return f"{FINALIST}{place}"

"""Measures the file of every stage on the device: accuracy, latency, size, memory and predicted latency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from experiments.compute.parallel_training import Training, train_all
from experiments.config import Config
from experiments.display.progress import console
from experiments.setup.devices import live
from experiments.setup.session_record import read_rows, show_rows
from experiments.setup.session_step import Timed, timing
from experiments.setup.targets import costs_of, objective_of
from experiments.steps.compress import (
    Made,
    arch_of,
    chain,
    folder_of_search,
    made_by,
    root_of,
    training_runs,
    unpruned_chain,
    unpruned_stages,
)
from experiments.steps.plan import plan_of, train
from experiments.store import artefacts
from predictors.models.layer_costs import LayerCost
from predictors.tables.table_file import read_table
from search_spaces.space import Arch, SearchSpace
from strategies.problems.feasible import Feasible
from strategies.problems.objective import Objective

INHERITED = "inherited"  # the winner with the supernet's weights, which is never deployed


@dataclass(frozen=True)
class Bounds(Feasible):
    """The space, bounds and costs of a search: draws feasible networks without loading torch."""

    space: SearchSpace
    objective: Objective
    costs: Mapping[str, LayerCost]


def benchmark(config: Config, baselines: bool = True) -> Path:
    """The folder holding benchmark.json and every stage's file; without `baselines`, only those of the winner."""
    live(config.device)
    if config.run and config.model == "winner":
        train(config)  # the given search's supernet: if it is missing, that is an error before training
    train_all(trainings(config, baselines), config.jobs)
    plan, made, others = plan_of(config), chain(config), {one.name: one for one in _others(config, baselines)}
    tables = {"table": plan.table} if config.model == "winner" else {}
    tables |= {f"table of {one.name}": one.table for one in made if one.table is not None}
    compared = {name: one.path for name, one in others.items() if name != INHERITED} | {made[0].name: made[0].path}
    quantized = {name: unpruned_chain(config, path)[-1] for name, path in compared.items()}
    if quantized[made[0].name].path == made[-1].path:  # without pruning it is the deployed file itself
        del quantized[made[0].name]
    timed = {name: Timed(name, one) for name, one in others.items()}
    timed |= {one.name: Timed(one.row, one, one.seconds) for one in made}
    timed |= {f"{name} quantized": Timed(name, one, one.seconds) for name, one in quantized.items()}
    return plan.folder(timing(config, "benchmark", timed, tables, "experiments.setup.session:work"))


def retrain(config: Config) -> Path:
    """Trains the network to compress and those to compare it with, `jobs` at a time; the file of the first."""
    train_all(trainings(config), config.jobs)
    return root_of(config, arch_of(config))


def trainings(config: Config, baselines: bool = True) -> list[Training]:
    """The trainings that depend only on the search: of each network from scratch, and of its unpruned chain."""
    archs = {"winner": arch_of(config)} | (_baselines(config) if baselines else {})
    unpruned = unpruned_stages(config)
    first = next((end for start, end in training_runs(config, unpruned) if start == 0), 0)
    roles = {arch: name for name, arch in reversed(archs.items())}  # each architecture once
    return [partial(made_by, config, arch, unpruned[:first], name) for arch, name in reversed(roles.items())]


def _baselines(config: Config) -> dict[str, Arch]:
    """The networks to compare the winner with; a hand-made network has none."""
    if config.model != "winner":
        return {}
    return {"reference": plan_of(config).space.reference, "random": random_network(config)}


def _others(config: Config, baselines: bool) -> Iterator[Made]:
    """Networks beside the winner's chain. The baselines are trained with the same recipe."""
    if config.model != "winner":
        return
    for name, arch in (_baselines(config) if baselines else {}).items():
        file, recipe = plan_of(config).retrained(arch, name), config.retrain
        yield Made(name, file, steps=recipe.steps, all_images=recipe.all_images)
    trained = artefacts.manifest(plan_of(config).supernet.parent)["config"]["train"]
    yield Made(INHERITED, folder_of_search(config) / "inherited.safetensors", steps=trained["steps"])


def random_network(config: Config) -> Arch:
    """A random network, drawn as random search draws: within the objective's bounds."""
    plan, goal, precision = plan_of(config), config.objective, config.precision
    known = goal, precision, plan.space, read_table(plan.table)
    bounds = Bounds(plan.space, objective_of(*known), costs_of(*known))
    return bounds.sample(Random(f"a random architecture {config.seed}"))


def shown(config: Config) -> Path:
    """Prints the rows and returns the folder."""
    folder = benchmark(config)
    console.print(show_rows(read_rows(folder)[0], folder.name))
    return folder

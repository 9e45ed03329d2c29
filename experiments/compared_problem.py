"""What strategies are compared on: a trained supernet with a latency table, or a file of published networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments import artefacts
from experiments.accelerator import accelerator
from experiments.choices import objective_of, space_of, training_data
from experiments.config import Config
from experiments.keys import accelerator_key, data_key, search_key, space_key
from experiments.measure import measure, read_table
from experiments.search import problem_of
from experiments.train import prepare, train
from experiments.weights import load_supernet
from search_spaces.errors import LutraError
from strategies.objective import Bounded, MnasNet, Objective, Pareto
from strategies.problem import Candidate, Problem
from strategies.tabular_problem import Table, read_csv


@dataclass(frozen=True)
class ComparedProblem:
    problem: Problem
    networks: int  # that there are
    worst: float  # seconds, where the hypervolume ends
    exact: Sequence[Candidate]  # the front; empty where nobody knows it


@dataclass(frozen=True)
class ProblemSource:
    """An compared that is not built yet, and all that its results depend on."""

    label: str  # in the folder's name
    title: str  # for readers
    settings: Mapping[str, Any]
    inputs: Mapping[str, str]  # file -> sha256
    build: Callable[[], ComparedProblem]


def of_supernet(config: Config) -> ProblemSource:
    """Measures and trains what is not there yet. Raises LutraError for a target that no network meets."""
    table = measure(config)
    objective_of(config, space_of(config), read_table(table))
    supernet = train(config)
    settings = {
        "space": space_key(config),
        "data": data_key(config.data),
        "search": search_key(config.search),
        "precision": config.precision,
        "threads": config.threads,
        **accelerator_key(config),
    }
    inputs = {"table": artefacts.sha256(table), "supernet": artefacts.sha256(supernet)}
    label = f"{config.space.name}-{config.data.name}"
    title = f"{config.space.name} on {config.data.name}, latency in {config.precision}"

    def build() -> ComparedProblem:
        prepare(config.threads, config.seed)
        space, data, latencies = space_of(config), training_data(config), read_table(table)
        calibration = data.fixed(data.train, config.search.calibration, config.seed)[0]
        net = load_supernet(supernet, space).to(accelerator(config.accelerator))
        problem = problem_of(config, data, net, latencies, calibration)
        predictor = latencies.predictor(space, config.precision)
        return ComparedProblem(problem, space.size, predictor(predictor.slowest), ())

    return ProblemSource(label, title, settings, inputs, build)


def of_published(config: Config) -> ProblemSource:
    """Raises LutraError for a file that cannot be read, or a target that no network of it meets."""
    path, asked = Path(config.compare.csv), config.compare
    table = read_csv(path, asked.options, asked.accuracy, asked.latency)
    objective = published_objective(config, table)

    def build() -> ComparedProblem:
        networks, worst = len(table.latency), max(table.latency.values())
        return ComparedProblem(table.problem(objective), networks, worst, table.front(objective))

    settings = {"budget": config.search.budget}
    return ProblemSource(path.stem, path.stem, settings, {"csv": artefacts.sha256(path)}, build)


def published_objective(config: Config, table: Table) -> Objective:
    """The objective, `target_fraction` being one of the most accurate network's latency."""
    chosen = config.objective
    if chosen.name == "pareto":
        return Pareto(max(table.latency.values()))
    target = chosen.target_fraction * table.latency[table.space.reference]
    if chosen.target_ms is not None:
        target = chosen.target_ms / 1e3
    fastest = min(table.latency.values())
    if target < fastest:
        raise LutraError(
            f"no network of {table.space.name} takes {1e3 * target:.4g} ms, the fastest takes {1e3 * fastest:.4g} ms; "
            "raise objective.target_ms or objective.target_fraction"
        )
    return Bounded(target) if chosen.name == "bounded" else MnasNet(target, chosen.weight)

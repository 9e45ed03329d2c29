"""What strategies are compared on: a trained supernet with a latency table, or a file of published networks.

On a supernet every accuracy is one of the validation images: nothing in a search sees a test image, and nothing here
does. Published networks are chosen by the column that a search may see, and judged by the one that is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.compute.accelerator import accelerator
from experiments.config import Config
from experiments.config.choices import space_of
from experiments.display.progress import console
from experiments.setup.images import training_data
from experiments.setup.targets import beyond_reach, chosen, given, objective_of, target_of
from experiments.steps.plan import measure, plan_of, train
from experiments.steps.search import problem_of
from experiments.steps.train import prepare
from experiments.store import artefacts
from experiments.store.keys import accelerator_key, data_key, search_key, space_key
from experiments.store.weights import load_supernet
from predictors.board.fingerprint import runtime_of
from predictors.costs import LATENCY
from predictors.tables.table import LatencyTable
from predictors.tables.table_file import read_table
from search_spaces.errors import LutraError
from search_spaces.space import SearchSpace
from strategies.problems.objective import Objective, Pareto
from strategies.problems.problem import Candidate, Problem
from strategies.problems.published_columns import MEAN, accuracy_columns, note
from strategies.problems.tabular_problem import Table, read_csv
from strategies.quality.regret import Report, as_seen

KEYS = ("compare.accuracy", "compare.report")


@dataclass(frozen=True)
class ComparedProblem:
    problem: Problem
    networks: int  # that there are
    exact: Sequence[Candidate]  # the front, by reported accuracies; empty where nobody knows it
    report: Report  # a candidate as it is reported


@dataclass(frozen=True)
class ProblemSource:
    """A problem that is not built yet, and all that its results depend on."""

    label: str  # in the folder's name
    title: str  # for readers
    settings: Mapping[str, Any]
    inputs: Mapping[str, str]  # file -> sha256
    facts: Mapping[str, Any]  # for the setup file
    build: Callable[[], ComparedProblem]


def of_supernet(config: Config) -> ProblemSource:
    """Measures and trains what is not there yet. Raises LutraError for a target that no network meets."""
    table = measure(config)
    space, latencies = space_of(config), read_table(table)
    objective_of(config.objective, config.precision, space, latencies)
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
        plan = plan_of(config)
        prepare(config.threads, config.seed)
        data = training_data(config)
        calibration = data.fixed(data.train, config.search.calibration, config.seed)[0]
        net = load_supernet(supernet, space).to(accelerator(config.accelerator))
        return ComparedProblem(
            problem_of(plan.searching, plan.means, data, net, latencies, calibration),
            space.size,
            (),
            as_seen,
        )

    return ProblemSource(label, title, settings, inputs, _facts(config, space, latencies), build)


def _facts(config: Config, space: SearchSpace, latencies: LatencyTable) -> dict[str, Any]:
    aim, passport = config.objective, latencies.passport
    target = "" if aim.name == "pareto" else 1e3 * target_of(aim, config.precision, space, latencies)
    return {
        "space": space.name,
        "data": config.data.name,
        "data_file": Path(config.data.path).name if config.data.name == "image_folder" else "",
        "resolution": space.layers[0][0].resolution,
        "precision": config.precision,
        "target_ms": target,
        "device": latencies.device,
        **{key: passport[key] for key in ("cpu", "machine", "threads", runtime_of(passport))},
    }


def of_published(config: Config) -> ProblemSource:
    """Raises LutraError for a file that cannot be read, or a target that no network of it meets."""
    path, asked = Path(config.compare.csv), config.compare
    columns = accuracy_columns(path, asked.accuracy, asked.report, KEYS)
    if line := note(path, columns, KEYS):
        console.print(line, highlight=False, soft_wrap=True)
    reported = MEAN.join(columns.reported)
    table = read_csv(path, asked.options, columns.seen, asked.latency, reported=reported)
    objective = published_objective(config, table)

    def build() -> ComparedProblem:
        return ComparedProblem(
            table.problem(objective), len(table.latency), table.front(objective), table.report(objective)
        )

    settings = {"budget": config.search.budget, "seen": columns.seen, "reported": reported}
    facts = {
        "space": path.stem,
        "data_file": path.name,
        "accuracy_seen": columns.seen,
        "accuracy_reported": reported,
        "target_ms": "" if objective.front else 1e3 * target_of_published(config, table),
    }
    return ProblemSource(path.stem, path.stem, settings, {"csv": artefacts.sha256(path)}, facts, build)


def published_objective(config: Config, table: Table) -> Objective:
    """Raises LutraError where no network is as fast as the target."""
    if config.objective.costs != [LATENCY]:
        raise LutraError(f"compare.csv= has a latency and no other cost: give objective.costs=[{LATENCY}]")
    if config.objective.name == "pareto":
        return Pareto({LATENCY: max(table.latency.values())})
    target, fastest = target_of_published(config, table), min(table.latency.values())
    if target < fastest:
        raise beyond_reach(table.space.name, LATENCY, target, "one has", fastest)
    return chosen(config.objective, {LATENCY: target})


def target_of_published(config: Config, table: Table) -> float:
    """Seconds: as given, or a fraction of the latency of the network that is the most accurate for a search."""
    asked = config.objective
    return given(asked, LATENCY, asked.target_fraction * table.latency[table.space.reference])

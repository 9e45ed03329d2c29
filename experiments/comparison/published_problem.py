"""The problem of comparing strategies on a file of published networks: searched by one column, judged by another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from experiments.comparison.compared_problem import ComparedProblem, Settings, machine
from experiments.comparison.published_space import accuracies, with_latencies
from experiments.config import Config, ObjectiveConfig
from experiments.config.reference import Reference
from experiments.display.progress import console
from experiments.setup.targets import beyond_reach, chosen, given
from experiments.steps.plan import plan_of
from experiments.store.key_fields import unless
from experiments.store.step import Means, Step
from predictors.costs import LATENCY
from predictors.tables.table_file import read_table
from search_spaces.errors import LutraError
from search_spaces.space import SearchSpace
from strategies.problems.objective import Objective, Pareto
from strategies.problems.published_columns import MEAN, accuracy_columns, note
from strategies.problems.tabular_problem import Table, read_csv

TABLE = "table"  # as compare.latency: predicted by our latency table
KEYS = ("compare.accuracy", "compare.report")


@dataclass(frozen=True, kw_only=True)
class OnPublished(Settings):
    budget: int
    seen: str
    reported: str
    space: SearchSpace | None = unless(None)  # ours, if latencies are from its table
    precision: str = unless("")  # likewise
    title: str = unless("")


def of_published(config: Config, common: Mapping[str, Any]) -> Step:
    """Raises LutraError for a file that cannot be read."""
    path, wanted = Path(config.compare.csv), config.compare
    columns = accuracy_columns(path, wanted.accuracy, wanted.report, KEYS)
    if line := note(path, columns, KEYS):
        console.print(line, highlight=False, soft_wrap=True)
    reported = MEAN.join(columns.reported)
    settings = OnPublished(
        **common,
        budget=config.search.budget,
        seen=columns.seen,
        reported=reported,
        title=config.data.title,
        source=path.stem,
    )
    inputs = {"csv": path}
    if wanted.latency == TABLE:
        plan = plan_of(config)
        accuracies(path, wanted.options, columns.seen, plan.space, reported)  # a wrong file is refused before measuring
        settings = replace(settings, space=plan.space, precision=config.precision)
        inputs["latencies"] = plan.table
    return Step("compare", settings, inputs, Reference("experiments.studies.compare:on_published"))


def on_published(settings: OnPublished, files: Mapping[str, Path], means: Means) -> ComparedProblem:
    """Raises LutraError for a target that no network of the file meets."""
    path, table = files["csv"], read_published(settings, files)
    objective = published_objective(settings.objective, table)
    facts = {
        "space": path.stem,
        "data_file": path.name,
        "data_title": settings.title,
        "accuracy_seen": settings.seen,
        "accuracy_reported": settings.reported,
        "target_ms": "" if objective.front else 1e3 * target_of_published(settings.objective, table),
        "evaluations": settings.budget,
        "precision": settings.precision,
        **(machine(read_table(files["latencies"])) if "latencies" in files else {}),
    }
    return ComparedProblem(
        settings.title or path.stem,
        facts,
        table.problem(objective),
        min(settings.budget, len(table.latency)),
        table.front(objective),
        table.report(objective),
    )


def read_published(settings: OnPublished, files: Mapping[str, Path]) -> Table:
    """The file's networks; their latencies are those of its column, or of our latency table."""
    path, wanted = files["csv"], settings.compare
    if settings.space is None:
        return read_csv(path, wanted.options, settings.seen, wanted.latency, reported=settings.reported)
    seconds = read_table(files["latencies"]).predictor(settings.space, settings.precision)
    known = accuracies(path, wanted.options, settings.seen, settings.space, settings.reported)
    return with_latencies(known, settings.space, seconds)


def published_objective(goal: ObjectiveConfig, table: Table) -> Objective:
    """Raises LutraError if no network is as fast as the target."""
    if goal.costs != [LATENCY]:
        raise LutraError(f"with compare.csv=, latency is the only cost: give objective.costs=[{LATENCY}]")
    if goal.name == "pareto":
        return Pareto({LATENCY: max(table.latency.values())})
    target, fastest = target_of_published(goal, table), min(table.latency.values())
    if target < fastest:
        raise beyond_reach(table.space.name, LATENCY, target, "", fastest)
    return chosen(goal, {LATENCY: target})


def target_of_published(goal: ObjectiveConfig, table: Table) -> float:
    """The target in seconds: the given one, or a fraction of the latency of the most accurate network in a search."""
    return given(goal, LATENCY, goal.target_fraction * table.latency[table.space.reference])

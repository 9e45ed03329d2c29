"""The problem on which strategies are compared, and that of a supernet with a latency table.

Accuracies are measured on the validation images; neither a search nor the comparison uses test images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.compute.accelerator import accelerator
from experiments.config import CompareConfig, Config, ObjectiveConfig, StrategyConfig
from experiments.config.choices import images_shape
from experiments.config.image_names import names
from experiments.config.reference import Reference
from experiments.display.run_setup import space_facts
from experiments.setup.images import placed
from experiments.setup.targets import objective_of, target_of
from experiments.steps.plan import plan_of
from experiments.steps.search import problem_of
from experiments.steps.settings import Budget, Images, Search
from experiments.steps.train import prepare
from experiments.store.key_fields import FOLDER, implied, unless
from experiments.store.step import Means, Step
from experiments.store.weights import load_supernet
from predictors.board.fingerprint import runtime_of
from predictors.tables.table import LatencyTable
from predictors.tables.table_file import read_table
from search_spaces.space import SearchSpace
from strategies.problems.problem import Candidate, Problem
from strategies.quality.regret import Report, as_seen

SEARCHED = ("space", "data", "search", "precision", "threads", "accelerator", "batch")  # shared with a search


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a comparison."""

    strategies: list[StrategyConfig]
    objective: ObjectiveConfig
    compare: CompareConfig  # without strategies and csv
    seed: int
    source: str = implied(FOLDER)  # the searched space and data, or the file

    @property
    def label(self) -> str:
        return f"{self.source}-{self.objective.name}-seed{self.seed}"


@dataclass(frozen=True, kw_only=True)
class OnSupernet(Settings):
    space: SearchSpace
    data: Images
    search: Budget
    precision: str
    threads: int
    accelerator: str = unless("cpu")
    title: str = unless("")  # of the data set
    jobs: int = unless(1)  # processes that share an evaluation, and
    backend: str = unless("loky")  # what starts them: they decide how many seconds it takes
    batch: int | None = implied("supernet")  # in the supernet's training, and in a relaxation


@dataclass(frozen=True)
class ComparedProblem:
    title: str  # for readers
    facts: Mapping[str, Any]  # for the setup file
    problem: Problem
    budget: int  # candidates per search; at most the number of all networks
    exact: Sequence[Candidate]  # the front, by reported accuracies; empty if unknown
    report: Report  # from a candidate as searches see it to the candidate as it is reported
    jobs: int = 1  # processes that share an evaluation

    @property
    def data(self) -> str:
        """What people call the images, or the file of published networks."""
        return names(*(self.facts.get(key, "") for key in ("data", "data_file", "data_title"))).title


def of_supernet(config: Config, common: Mapping[str, Any]) -> Step:
    """The step that compares on a supernet. Measures and trains what is missing.

    Raises LutraError for a target that no network meets.
    """
    plan = plan_of(config)
    objective_of(config.objective, config.precision, plan.space, read_table(plan.table))
    own = {name: getattr(plan.searching, name) for name in SEARCHED}
    jobs, source = config.search.jobs, f"{config.space.name}-{config.data.label}"
    backend = config.search.backend if jobs > 1 else OnSupernet.backend
    shared: dict[str, Any] = {"title": config.data.title, "jobs": jobs, "backend": backend}
    settings = OnSupernet(**common, **own, **shared, source=source)
    inputs = {"table": plan.table, "supernet": plan.supernet}
    return Step("compare", settings, inputs, Reference("experiments.studies.compare:on_supernet"))


def on_supernet(settings: OnSupernet, files: Mapping[str, Path], means: Means) -> ComparedProblem:
    """The problem with accuracies from the supernet and latencies from the table."""
    prepare(settings.threads, settings.seed)
    space, latencies = settings.space, read_table(files["table"])
    data = placed(settings.data.at(means), settings.accelerator)
    own = {name: getattr(settings, name) for name in SEARCHED}
    search = Search(strategy=settings.strategies[0], objective=settings.objective, seed=settings.seed, **own)
    calibration = data.fixed(data.train, settings.search.calibration, settings.seed)[0]
    net = load_supernet(files["supernet"], space).to(accelerator(settings.accelerator))
    return ComparedProblem(
        f"{space.name} on {settings.data.names.title}, latency in {settings.precision}",
        _facts(search, means, latencies) | {"jobs": settings.jobs},
        problem_of(search, means, data, net, latencies, calibration),
        min(settings.search.budget, space.size),
        (),
        as_seen,
        settings.jobs,
    )


def _facts(search: Search, means: Means, latencies: LatencyTable) -> dict[str, Any]:
    aim, space = search.objective, search.space
    target = "" if aim.name == "pareto" else 1e3 * target_of(aim, search.precision, space, latencies)
    return {
        **space_facts(space, images_shape(search.data.at(means)).resolution),
        "data": search.data.name,
        "data_file": search.data.at(means).names.file,
        "data_title": search.data.title or "",
        "precision": search.precision,
        "target_ms": target,
        **machine(latencies),
        "evaluations": search.search.budget,
        "host_threads": search.threads,
        "accelerator": search.accelerator,
    }


def machine(latencies: LatencyTable) -> dict[str, Any]:
    passport = latencies.passport
    shown = ("cpu", "machine", "threads", runtime_of(passport))
    return {"device": latencies.device, **{key: passport[key] for key in shown}}

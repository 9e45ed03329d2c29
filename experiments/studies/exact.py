"""Computes the exact Pareto front, and the best network within a latency budget.

exact.csv=PATH takes published networks. For a whole space, accuracies must add over layers as latencies do: their
terms are fitted to exact.candidates=PATH, the candidates.csv of a search, or read from exact.effects=PATH.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from experiments.comparison.option_effects import Fit, effect_rows, fitted, read_candidates, read_effects
from experiments.config import Config
from experiments.config.reference import Reference
from experiments.display.progress import console
from experiments.steps.plan import plan_of
from experiments.store import artefacts
from experiments.store.json_records import read_record
from experiments.store.key_fields import FOLDER, implied, unless
from experiments.store.step import Means, Step
from predictors import costs
from predictors.costs import LATENCY
from predictors.tables.table_file import read_table
from search_spaces.errors import LutraError
from search_spaces.published import number, records
from search_spaces.space import SearchSpace
from strategies.problems.objective import Costs, Pareto
from strategies.problems.problem import Candidate
from strategies.problems.tabular_problem import read_csv
from strategies.quality.exact import exact_front

FRONT, FIT = "front.csv", "fit.json"
LEAST_TAU = 0.3  # below this, the surrogate does not rank networks


@dataclass(frozen=True)
class Point:
    """A network of the front."""

    arch: str
    accuracy: float  # fraction
    accuracy_at_most: float  # upper bound for networks of this cost; equal to accuracy unless the front was thinned
    costs: Costs


@dataclass(frozen=True)
class Published:
    """The columns of a file of networks."""

    options: str
    accuracy: str
    latency: str
    label: str = implied(FOLDER)


@dataclass(frozen=True)
class Whole:
    """A whole space; how much its options add to the accuracy is given or fitted."""

    space: SearchSpace
    precision: str
    points: int
    costs: list[str] = unless([LATENCY])

    @property
    def label(self) -> str:
        return self.space.name


def exact(config: Config) -> Path:
    """The folder of front.csv. Prints the front's ends, and the best network within the budget."""
    given = [name for name in ("csv", "candidates", "effects") if getattr(config.exact, name)]
    if len(given) != 1:
        raise LutraError(
            f"exact needs one file, not {len(given)}: exact.csv=PATH for published networks; for space="
            f"{config.space.name} exact.candidates=PATH, a search's candidates.csv, or exact.effects=PATH"
        )
    (kind,), path = given, Path(getattr(config.exact, given[0]))
    folder = plan_of(config).folder(of_published(config, path) if kind == "csv" else of_space(config, kind, path))
    points, budget = read_front(folder / FRONT), config.exact.budget_ms
    answer = "" if budget is None else f"best within {budget:g} ms: {shown(within(points, budget, kind))}\n"
    fit = fit_text(read_record(folder / FIT, Fit, "fit")) if (folder / FIT).exists() else ""
    console.print(f"{fit}{front_text(points)}{answer}", end="", highlight=False, soft_wrap=True)
    return folder


def of_published(config: Config, path: Path) -> Step:
    chosen = config.exact
    settings = Published(chosen.options, chosen.accuracy, chosen.latency, path.stem)
    return Step("exact", settings, {"csv": path}, Reference("experiments.studies.exact:front_of_published"))


def front_of_published(settings: Published, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Writes front.csv."""
    table = read_csv(files["csv"], settings.options, settings.accuracy, settings.latency)
    front = table.front(Pareto({LATENCY: max(table.latency.values())}))
    write_front(folder, table.space, front, slack=0.0)


def of_space(config: Config, kind: str, path: Path) -> Step:
    plan = plan_of(config)
    (read_effects if kind == "effects" else read_candidates)(path, plan.space)  # before measuring
    settings = Whole(plan.space, config.precision, config.exact.points, config.objective.costs)
    inputs = {"table": plan.table, kind: path}
    return Step("exact", settings, inputs, Reference("experiments.studies.exact:front_of_space"))


def front_of_space(settings: Whole, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Writes front.csv and, if they are fitted, the effects and their error."""
    space, table = settings.space, read_table(files["table"])
    if "effects" in files:
        effects = read_effects(files["effects"], space)
    else:
        effects, fit = fitted(*read_candidates(files["candidates"], space), space)
        artefacts.write_csv(folder / "effects.csv", effect_rows(effects))
        artefacts.write(folder / FIT, json.dumps(asdict(fit), indent=1) + "\n")
    known = costs.layer_costs(settings.costs, space, settings.precision, table)
    front = exact_front(effects, known, settings.points, space.stacks)
    worst = Pareto({name: cost(cost.highest) for name, cost in known.items()})
    write_front(folder, space, front.candidates(worst), front.slack)


def write_front(folder: Path, space: SearchSpace, front: list[Candidate], slack: float) -> None:
    """Writes the front. Options are numbered as in the space, or as in the file of published networks."""
    rows = []
    for found in front:
        picks = [options[place] for options, place in zip(space.layers, space.place(found.arch))]
        arch = artefacts.arch_name(picks if isinstance(picks[0], int) else found.arch)
        known = {"arch": arch, "accuracy": found.accuracy, "accuracy_at_most": found.accuracy + slack}
        rows.append(known | costs.columns(found.costs))
    artefacts.write_csv(folder / FRONT, rows)


def read_front(path: Path) -> list[Point]:
    """The front from front.csv, sorted by its first cost."""
    units = {name: costs.unit(name).column for name in costs.NAMES}
    return [
        Point(
            record["arch"],
            number(where, "accuracy", record["accuracy"]),
            number(where, "accuracy_at_most", record["accuracy_at_most"]),
            {name: number(where, column, record[column]) for name, column in units.items() if column in record},
        )
        for where, record in records(path, ("arch", "accuracy", "accuracy_at_most", "latency_s"))
    ]


def within(points: list[Point], budget_ms: float, source: str) -> Point:
    """The most accurate network within the budget. Raises LutraError if none is as fast."""
    fitting = [point for point in points if 1e3 * point.costs[LATENCY] <= budget_ms]
    if not fitting:
        of = "the file" if source == "csv" else "the space"
        best = shown(fastest(points))
        raise LutraError(f"no network in {of} is within {budget_ms:g} ms: the fastest is {best}; raise exact.budget_ms")
    return max(fitting, key=lambda point: point.accuracy)


def fastest(points: list[Point]) -> Point:
    return min(points, key=lambda point: point.costs[LATENCY])


def shown(point: Point) -> str:
    return f"{point.arch}, {point.accuracy:.2%} at {costs.text(point.costs)}"


def front_text(points: list[Point]) -> str:
    slack = max(point.accuracy_at_most - point.accuracy for point in points)
    bound = f"thinned: no network as fast is more than {100 * slack:.2g} points better" if slack else "nothing left out"
    best = max(points, key=lambda point: point.accuracy)
    ends = f"fastest: {shown(fastest(points))}\nmost accurate: {shown(best)}\n"
    return f"{len(points)} networks on the front ({bound})\n{ends}"


def fit_text(fit: Fit) -> str:
    untried = f"; {fit.untried} options were never tried and count as average" if fit.untried else ""
    useless = (
        f"This answer means nothing: with Kendall's tau below {LEAST_TAU} the surrogate does not rank networks. Give "
        "more candidates, or accuracies that differ by more than their noise\n"
    )
    return (
        f"accuracies are those of a surrogate fitted on {fit.candidates} candidates: Kendall's tau {fit.tau:.2f} on "
        f"held-out ones, {100 * fit.error:.2f} points off on average{untried}\n"
    ) + (useless if fit.tau < LEAST_TAU else "")

"""python -m experiments.bench.bounds [csv=FILE] [seeds=100]: the most accurate network within a latency bound.

Each bound is the latency of a network drawn from a table of published ones, so on average as many networks are slower
as faster. Every strategy searches for 200 distinct architectures with that bound as its objective. It sees the
validation accuracy and chooses by it; its choice is judged by test accuracy.

Even choosing from all networks by validation accuracy loses test accuracy compared with the best: this loss, which no
search can avoid, is printed as "all networks". The bar is on what a search can influence: for this fraction of the
bounds, its choice loses at most a tenth of a point of test accuracy compared with the choice from all networks. Takes
seconds, and minutes for strategies that fit models.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
from rich.table import Table as Shown

from experiments.bench._published import parse, published_table, run
from experiments.config.choices import LEARNING, STRATEGIES
from experiments.display.progress import console, track
from experiments.store import artefacts
from predictors.costs import LATENCY
from strategies.problems.objective import Bounded
from strategies.problems.problem import Candidate
from strategies.problems.search import search
from strategies.problems.tabular_problem import Table
from strategies.quality.regret import regret

BUDGET = 200  # distinct architectures
NEAR = 1e-3  # fraction of the images: a tenth of a point
BAR = 0.95  # of the bounds
UNTRAINED = [name for name in STRATEGIES if name not in LEARNING]  # a table has no weights to train
OUTPUT = Path("experiments/runs/bench/bounds.json")
NAME = "nasbench201_cifar10_rpi4.csv"  # with Raspberry Pi 4 latencies, in $LUTRA_DATA
DEFAULTS = {"csv": "", "seeds": "100", "options": "ops", "accuracy": "", "report": "", "latency": "rpi4_ms"}


def main(arguments: Sequence[str]) -> None:
    settings = parse(arguments, DEFAULTS)
    path, table = published_table(settings, NAME)
    bounds = Random(0).choices(sorted(table.latency.values()), k=int(settings["seeds"]))
    exact = table.front(Bounded({LATENCY: max(bounds)}))
    runs = [(name, seed) for seed in range(len(bounds)) for name in UNTRAINED]
    regrets: dict[str, list[float]] = {name: [] for name in UNTRAINED}
    possible = [everything(table, exact, Bounded({LATENCY: bound})) for bound in bounds]
    for name, seed in track(runs, "searching", len(runs), lambda run: run[0]):
        objective = Bounded({LATENCY: bounds[seed]})
        found = search(STRATEGIES[name], table.problem(objective), Random(seed), BUDGET)
        regrets[name].append(regret(found, exact, objective, table.report(objective)))
    raw = {"csv": path.name, "sha256": artefacts.sha256(path), "budget": BUDGET, "bounds": bounds, "regrets": regrets}
    raw |= {"all_networks": possible}
    artefacts.write(OUTPUT, json.dumps(raw, indent=1) + "\n")
    show(regrets, possible)
    best = max(UNTRAINED, key=lambda name: near(regrets[name], possible))
    what = (
        f"{best}: share of {len(bounds)} latency bounds within 0.1 point of the choice from all, {BUDGET} evaluations"
    )
    value = near(regrets[best], possible)
    print(json.dumps({"what": what, "value": value, "bar": BAR, "holds": value >= BAR}))


def everything(table: Table, exact: Sequence[Candidate], objective: Bounded) -> float:
    """The regret of choosing from all networks by the accuracy that searches see."""
    problem = table.problem(objective)
    return regret(problem.evaluate_all(list(table.accuracy)), exact, objective, table.report(objective))


def near(regrets: Sequence[float], possible: Sequence[float]) -> float:
    """The fraction that lost at most a tenth of a point compared with what was possible."""
    return float(np.mean(np.array(regrets) <= np.array(possible) + NEAR))


def show(regrets: dict[str, list[float]], possible: list[float]) -> None:
    shown = Shown("strategy", "within 0.1 point of all", "test points lost, mean", "90 % lose at most", "worst")
    for name, values in sorted(regrets.items(), key=lambda item: -near(item[1], possible)):
        _row(shown, name, values, possible)
    _row(shown, "all networks", possible, possible)
    console.print(shown)


def _row(shown: Shown, name: str, values: Sequence[float], possible: Sequence[float]) -> None:
    points = 100 * np.array(values)
    columns = (points.mean(), np.quantile(points, 0.9), points.max())
    shown.add_row(name, f"{near(values, possible):.0%}", *(f"{column:.3f}" for column in columns))


if __name__ == "__main__":
    run(main)

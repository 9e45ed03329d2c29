"""python -m experiments.bench.tabular [csv=FILE macro=FILE table=FILE seeds=20]: peers with twice the evaluations.

The hypervolume ratio with published accuracies: NAS-Bench-201 with a Raspberry Pi 4's latencies, and NAS-Bench-Macro
with latencies from a table, given or measured here in a minute. Searches see NAS-Bench-201's validation accuracy after
12 epochs, and are judged by test accuracy after 200; of NAS-Bench-Macro's three trainings they see one, and are judged
by the mean of the other two. Peers and rules are those of `experiments.bench.strategies`. Each strategy has one search
per seed, evaluated after 100 and 200 distinct architectures. 20 seeds take some minutes per problem.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from random import Random

import numpy as np
from rich.table import Table as Shown

from experiments.bench._published import parse, published, published_table, run
from experiments.bench.strategies import OURS, PEERS
from experiments.comparison.published_space import accuracies, with_latencies
from experiments.display.progress import console, track
from experiments.store import artefacts
from predictors.costs import LATENCY
from predictors.tables.table_file import read_table
from search_spaces.spaces.nasbench_macro import nasbench_macro
from strategies.algorithms.surrogate import surrogate
from strategies.problems.objective import Pareto
from strategies.problems.problem import Strategy
from strategies.problems.search import search
from strategies.problems.tabular_problem import Table
from strategies.quality.regret import share

BUDGETS = (100, 200)  # distinct architectures
OUTPUT = Path("experiments/runs/bench/tabular.json")
PI4, MACRO = "nasbench201_cifar10_rpi4.csv", "nas_bench_macro_cifar10.csv"  # in $LUTRA_DATA
DEFAULTS = {"csv": "", "macro": "", "table": "", "precision": "int8", "seeds": "20"}
COLUMNS = {"options": "ops", "accuracy": "", "report": "", "latency": "rpi4_ms"}
LUTRA: dict[str, Strategy] = {**OURS, "surrogate": surrogate}
Shares = dict[str, list[list[float]]]  # by strategy, [seeds][budgets]


def main(arguments: Sequence[str]) -> None:
    settings = parse(arguments, DEFAULTS)
    settings["table"] = settings["table"] or measured()
    seeds = int(settings["seeds"])
    inputs = {"table": artefacts.sha256(Path(settings["table"]))}
    shares = {name: shares_of(table, name, seeds) for name, table in problems(settings).items()}
    versions = {package: version(package) for package in ("pymoo", "optuna", "moocore", "scikit-learn")}
    raw = {"budgets": BUDGETS, "settings": settings, "inputs": inputs, "versions": versions, "shares": shares}
    artefacts.write(OUTPUT, json.dumps(raw, indent=1) + "\n")
    made = [claim for name in shares for claim in claims(name, shares[name], seeds)]
    print(json.dumps(made))


def problems(settings: dict[str, str]) -> dict[str, Table]:
    _, pi4 = published_table({**settings, **COLUMNS}, PI4)
    found = {"NAS-Bench-201, Pi 4": pi4}
    return found | {"NAS-Bench-Macro, measured here": macro(settings)}


def measured() -> str:
    """The table of NAS-Bench-Macro's space on this machine."""
    words = [sys.executable, "-m", "experiments.measure", "space=nasbench_macro", "data=cifar10", "measure.networks=24"]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    *shown, path = done.stdout.strip().splitlines()
    print("\n".join(shown), file=sys.stderr)
    return path


def macro(settings: dict[str, str]) -> Table:
    """Published accuracies with the seconds of our own space, whose first and last layers have no choice."""
    path = published(settings["macro"], MACRO, "macro=FILE with the columns arch, acc1, acc2, acc3")
    space = nasbench_macro(3, 32, 10)
    seconds = read_table(Path(settings["table"])).predictor(space, settings["precision"])
    return with_latencies(accuracies(path, "arch", "acc1", space, "acc2+acc3"), space, seconds)


def shares_of(table: Table, name: str, seeds: int) -> Shares:
    """Hypervolume ratios; the strategies take turns, seed by seed."""
    objective = Pareto({LATENCY: max(table.latency.values())})
    report, exact = table.report(objective), table.front(objective)
    shares: Shares = {}
    runs = [(strategy, seed) for seed in range(seeds) for strategy in LUTRA | PEERS]
    for strategy, seed in track(runs, name, len(runs), lambda run: run[0]):
        found = list(search((LUTRA | PEERS)[strategy], table.problem(objective), Random(seed), max(BUDGETS)))
        shares.setdefault(strategy, []).append([share(found[:budget], exact, report) for budget in BUDGETS])
    show(name, shares)
    return shares


def show(name: str, shares: Shares) -> None:
    shown = Shown("strategy", *(f"share after {budget}, %" for budget in BUDGETS), title=name)
    for strategy, values in sorted(shares.items(), key=lambda item: -np.mean(item[1], axis=0)[-1]):
        means, errors = np.mean(values, axis=0), np.std(values, axis=0, ddof=1) / len(values) ** 0.5
        shown.add_row(strategy, *(f"{100 * mean:.2f} ± {100 * error:.2f}" for mean, error in zip(means, errors)))
    console.print(shown)


def claims(name: str, shares: Shares, seeds: int) -> list[dict[str, object]]:
    """The surrogate at both budgets against the best peer at the larger one."""
    means = {strategy: np.mean(values, axis=0).tolist() for strategy, values in shares.items()}
    peer = max(PEERS, key=lambda strategy: means[strategy][-1])
    bar = means[peer][-1]
    return [
        {
            "what": f"{name}: surrogate after {budget}, {peer} after {BUDGETS[-1]}: hypervolume, {seeds} seeds",
            "value": value,
            "bar": bar,
            "holds": value > bar,
        }
        for budget, value in zip(BUDGETS, means["surrogate"])
    ]


if __name__ == "__main__":
    run(main)

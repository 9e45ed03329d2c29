"""python -m experiments.bench.strategies [csv=FILE] [seeds=20]: our strategies against pymoo's and optuna's.

The hypervolume ratio after 200 distinct architectures, mean over seeds, on a table of published networks; and the
accuracy lost to the exact best within the front's median latency. Searches see only the validation accuracy; their
choices are judged by test accuracy (`strategies.quality.regret`). All run under `search`, so repeated and invalid
architectures are free for everyone; peers get the worst values for an invalid architecture. Peers run with their own
defaults, and also tuned like ours: our NSGA-II's population and its lack of crossover were chosen for such budgets on
two tables, so theirs get the same, pymoo also uniform crossover, and TPE models parameters jointly. 20 seeds take some
minutes.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from rich.table import Table as Shown

from experiments.bench._published import parse, published_table, run
from experiments.display.progress import console, track
from experiments.store import artefacts
from predictors.costs import LATENCY
from search_spaces.space import Arch
from strategies.algorithms.evolution import evolution
from strategies.algorithms.nsga2 import nsga2
from strategies.algorithms.random import random as random_search
from strategies.problems.objective import Bounded, Pareto
from strategies.problems.problem import Candidate, Problem, Strategy
from strategies.problems.search import search
from strategies.quality.regret import regret, share

BUDGET = 200  # distinct architectures
POPULATION = 8  # nsga2's default
TRIALS = 5 * BUDGET  # of an optuna study, which may repeat the same architecture endlessly
OUTPUT = Path("experiments/runs/bench/strategies.json")
NAME = "nasbench201_cifar10_rpi4.csv"  # with Raspberry Pi 4 latencies, in $LUTRA_DATA
DEFAULTS = {"csv": "", "seeds": "20", "options": "ops", "accuracy": "", "report": "", "latency": "rpi4_ms"}
OURS: dict[str, Strategy] = {"random": random_search, "evolution": evolution, "nsga2": nsga2}


def pymoo_nsga2(problem: Problem, rng: Random, operators: str, population: int) -> Iterator[Candidate]:
    """pymoo's NSGA2 on integers, with the operators of its guide to discrete variables, uniform crossover, or none."""
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.evaluator import Evaluator
    from pymoo.core.problem import Problem as Task
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.crossover.ux import UX
    from pymoo.operators.mutation.pm import PM
    from pymoo.operators.repair.rounding import RoundingRepair
    from pymoo.operators.sampling.rnd import IntegerRandomSampling
    from pymoo.problems.static import StaticProblem

    rounded = {"prob": 1.0, "eta": 3.0, "vtype": float, "repair": RoundingRepair()}
    crossover = {"sbx": SBX(**rounded), "uniform": UX(), "mutation": UX(prob=0.0)}[operators]
    algorithm = NSGA2(population, sampling=IntegerRandomSampling(), crossover=crossover, mutation=PM(**rounded))
    upper = np.array(problem.space.options) - 1
    task = Task(n_var=len(upper), n_obj=2, xl=0, xu=upper, vtype=int)
    algorithm.setup(task, termination=("n_gen", sys.maxsize), seed=rng.getrandbits(31), verbose=False)
    while algorithm.has_next():
        asked = algorithm.ask()
        points = []
        for x in asked.get("X"):
            candidate = evaluated(problem, x)
            points.append(minimised(candidate))
            if candidate:
                yield candidate
        Evaluator().eval(StaticProblem(task, F=np.array(points)), asked)
        algorithm.tell(infills=asked)


def optuna_sampler(problem: Problem, rng: Random, name: str, **settings: Any) -> Iterator[Candidate]:
    """optuna's NSGAIISampler or TPESampler on categorical parameters."""
    import optuna

    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    samplers: dict[str, Any] = {"nsga2": optuna.samplers.NSGAIISampler, "tpe": optuna.samplers.TPESampler}
    sampler = samplers[name](seed=rng.getrandbits(31), **settings)
    study = optuna.create_study(directions=["minimize", "minimize"], sampler=sampler)
    for _ in range(TRIALS):
        trial = study.ask()
        options = enumerate(problem.space.options)
        candidate = evaluated(problem, [trial.suggest_categorical(f"l{layer}", range(n)) for layer, n in options])
        if candidate:
            yield candidate
        study.tell(trial, minimised(candidate))


def evaluated(problem: Problem, picks: Sequence[int]) -> Candidate | None:
    arch: Arch = tuple(int(pick) for pick in picks)
    return problem.evaluate(arch) if problem.space.valid(arch) else None


def minimised(candidate: Candidate | None) -> tuple[float, float]:
    """Error and seconds for a peer; for an invalid architecture, worse than any network's."""
    return (1 - candidate.accuracy, candidate.costs[LATENCY]) if candidate else (1.0, 1e9)


PEERS: dict[str, Strategy] = {
    "pymoo NSGA2": partial(pymoo_nsga2, operators="sbx", population=100),  # its default
    "pymoo NSGA2, tuned (SBX)": partial(pymoo_nsga2, operators="sbx", population=POPULATION),
    "pymoo NSGA2, tuned (UX)": partial(pymoo_nsga2, operators="uniform", population=POPULATION),
    "pymoo NSGA2, tuned (mutation)": partial(pymoo_nsga2, operators="mutation", population=POPULATION),
    "optuna NSGA-II": partial(optuna_sampler, name="nsga2"),
    "optuna NSGA-II, tuned": partial(optuna_sampler, name="nsga2", population_size=POPULATION),
    "optuna NSGA-II, tuned (mutation)": partial(
        optuna_sampler, name="nsga2", population_size=POPULATION, crossover_prob=0.0
    ),
    "optuna TPE": partial(optuna_sampler, name="tpe"),
    "optuna TPE, tuned": partial(optuna_sampler, name="tpe", multivariate=True),
}


def main(arguments: Sequence[str]) -> None:
    settings = parse(arguments, DEFAULTS)
    path, table = published_table(settings, NAME)
    seeds = int(settings["seeds"])
    objective = Pareto({LATENCY: max(table.latency.values())})
    report, exact = table.report(objective), table.front(objective)
    runs = [(name, seed) for name in (*OURS, *PEERS) for seed in range(seeds)]
    halfway = Bounded({LATENCY: exact[len(exact) // 2].costs[LATENCY]})
    shares: dict[str, list[float]] = {}
    regrets: dict[str, list[float]] = {}
    for name, seed in track(runs, "searching", len(runs), lambda run: run[0]):
        found = [*search((OURS | PEERS)[name], table.problem(objective), Random(seed), BUDGET)]
        shares.setdefault(name, []).append(share(found, exact, report))
        regrets.setdefault(name, []).append(regret(found, exact, halfway, report))
    versions = {package: version(package) for package in ("pymoo", "optuna", "moocore")}
    raw = {"csv": path.name, "sha256": artefacts.sha256(path), "budget": BUDGET, "versions": versions, "shares": shares}
    raw |= {"regrets": regrets, "within_seconds": halfway.limits[LATENCY]}
    artefacts.write(OUTPUT, json.dumps(raw, indent=1) + "\n")
    show(shares, regrets, halfway)
    print(json.dumps(claims({name: float(np.mean(values)) for name, values in shares.items()}, seeds)))


def claims(mean: dict[str, float], seeds: int) -> list[dict[str, object]]:
    pymoo = max(mean[name] for name in PEERS if name.startswith("pymoo"))
    versus = (("nsga2", "pymoo's NSGA2", pymoo), ("nsga2", "random", mean["random"]))
    return [
        {
            "what": f"{ours} against {theirs}: share of the hypervolume, {BUDGET} evaluations, {seeds} seeds",
            "value": mean[ours],
            "bar": bar,
            "holds": mean[ours] >= bar,
        }
        for ours, theirs, bar in (*versus, ("evolution", "random", mean["random"]))
    ]


def show(shares: dict[str, list[float]], regrets: dict[str, list[float]], halfway: Bounded) -> None:
    lost = f"test points lost within {1e3 * halfway.limits[LATENCY]:.3g} ms"
    shown = Shown("strategy", "share of the hypervolume, %", "standard error", lost, "standard error")
    for name, values in sorted(shares.items(), key=lambda item: -np.mean(item[1])):
        points = 100 * np.array(regrets[name])
        columns = (100 * np.mean(values), 100 * standard_error(values), points.mean(), standard_error(points))
        shown.add_row(name, *(f"{column:.2f}" for column in columns))
    console.print(shown)


def standard_error(values: Sequence[float] | np.ndarray) -> float:
    return float(np.std(values, ddof=1) / len(values) ** 0.5)


if __name__ == "__main__":
    run(main)

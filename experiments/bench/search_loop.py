"""python -m experiments.bench.search_loop: architectures per second of NSGA-II with nearly free scoring.

Accuracy and seconds of `mobile` are sums of random numbers from arrays, used alike by our loop and by the NSGA-II of
pymoo and optuna, with 100 members each. `ofa`'s EvolutionFinder gets its accuracies from that array as well, but
searches its own MobileNetV2 space of equally many blocks with its own latency model, which configures a network and
looks up each of its layers; "ofa, array" is the finder with seconds from the array, which the package does not offer.
Counts scored networks, in turns in one process. Takes two minutes.
"""

from __future__ import annotations

import json
import random
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from rich.table import Table as Shown

from experiments.bench._published import run
from experiments.bench.scoring import drawn_seconds, our_table
from experiments.display.progress import console, track
from experiments.store import artefacts
from predictors.costs import LATENCY
from search_spaces.space import SearchSpace
from search_spaces.spaces.mobile import RESOLUTION, mobile
from strategies.algorithms.nsga2 import evolve
from strategies.problems.objective import MnasNet
from strategies.problems.problem import Problem

POPULATION = 100  # as in the paper, pymoo and ofa
TURNS = 7
GENERATIONS = {"lutra": 400, "pymoo": 40, "optuna": 10, "ofa": 20, "ofa, array": 100}  # about a second each
BARS = {"pymoo": 25.0, "optuna": 400.0, "ofa": 100.0}  # times their architectures per second
KERNELS, EXPANSIONS, DEPTHS = [3, 5, 7], [3, 4, 6], [1, 2]  # ofa: 11 blocks, as many as `mobile` searches
IMAGE = 64  # pixels, ofa
OUTPUT = Path("experiments/runs/bench/search_loop.json")


@dataclass
class Scorer:
    """Error and seconds [n, 2] of choices [n, layers], both separable; counts its calls."""

    space: SearchSpace
    count: int = 0

    def __post_init__(self) -> None:
        self.latency = our_table(self.space, drawn_seconds(self.space))
        seconds = self.latency.values
        errors = np.random.default_rng(1).uniform(0, 1 / len(seconds), seconds.shape)
        self.table = np.stack([errors, seconds]).reshape(2, -1)
        self.rows = np.arange(len(seconds)) * seconds.shape[1]

    def __call__(self, picks: np.ndarray) -> np.ndarray:
        self.count += len(picks)
        places = picks + self.rows
        return np.stack([values.take(places).sum(1) for values in self.table], 1)


def lutra(score: Scorer, generations: int, seed: int) -> None:
    first = np.array([score.space.sample(Random(seed + member)) for member in range(POPULATION)])
    problem = Problem(score.space, MnasNet({LATENCY: 1.0}), lambda archs: [], {LATENCY: score.latency})
    for _ in islice(evolve(problem, score, np.random.default_rng(seed), first, 0.9), generations):
        pass


def pymoo(score: Scorer, generations: int, seed: int) -> None:
    """pymoo with the operators of its guide to discrete variables."""
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import Problem
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.mutation.pm import PM
    from pymoo.operators.repair.rounding import RoundingRepair
    from pymoo.operators.sampling.rnd import IntegerRandomSampling
    from pymoo.optimize import minimize

    class Separable(Problem):
        def _evaluate(self, x: np.ndarray, out: dict[str, Any], *_: Any, **__: Any) -> None:
            out["F"] = score(x)

    rounded = {"prob": 1.0, "eta": 3.0, "vtype": float, "repair": RoundingRepair()}
    upper = np.array(score.space.options) - 1
    problem = Separable(n_var=len(upper), n_obj=2, xl=0, xu=upper, vtype=int)
    operators = {"crossover": SBX(**rounded), "mutation": PM(**rounded), "sampling": IntegerRandomSampling()}
    minimize(problem, NSGA2(POPULATION, **operators), ("n_gen", generations), seed=seed)


def optuna(score: Scorer, generations: int, seed: int) -> None:
    import optuna

    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.NSGAIISampler(population_size=POPULATION, seed=seed)
    study = optuna.create_study(directions=["minimize", "minimize"], sampler=sampler)

    def objective(trial: optuna.Trial) -> tuple[float, ...]:
        options = enumerate(score.space.options)
        picks = [trial.suggest_categorical(f"l{layer}", range(count)) for layer, count in options]
        return tuple(score(np.array([picks]))[0].tolist())

    study.optimize(objective, generations * POPULATION)


def ofa(score: Scorer, generations: int, seed: int, array: bool = False) -> None:
    """ofa with its encoder, and its efficiency model with a look-up table that has a row for every key."""
    from ofa.imagenet_classification.elastic_nn.networks import OFAProxylessNASNets
    from ofa.nas.accuracy_predictor import MobileNetArchEncoder
    from ofa.nas.efficiency_predictor import ProxylessNASLatencyModel, ProxylessNASLatencyTable
    from ofa.nas.search_algorithm import EvolutionFinder

    class Predictor(MobileNetArchEncoder):
        SPACE_TYPE = "mbv2"

        @property
        def arch_encoder(self) -> Predictor:
            return self

        def get_efficiency(self, arch: dict[str, Any]) -> float:
            return float(score.table[1].take(score.rows + picks(arch)).sum())

        def predict_acc(self, archs: list[dict[str, Any]]) -> np.ndarray:
            return np.asarray(1 - score(np.array([picks(arch) for arch in archs]))[:, 0])

    np.random.seed(seed)
    random.seed(seed)
    predictor = efficiency = Predictor([IMAGE], KERNELS, EXPANSIONS, DEPTHS)
    if not array:
        table = ProxylessNASLatencyTable.__new__(ProxylessNASLatencyTable)  # its constructor downloads one
        table.lut = defaultdict(lambda: {"mean": 1e-5})
        lists = {"ks_list": KERNELS, "expand_ratio_list": EXPANSIONS, "depth_list": DEPTHS}
        efficiency = ProxylessNASLatencyModel(OFAProxylessNASNets(10, **lists), {})
        efficiency.latency_tables[IMAGE] = table
    EvolutionFinder(efficiency, predictor).run_evolution_search(
        np.inf, population_size=POPULATION, max_time_budget=generations - 1
    )


def picks(arch: dict[str, Any]) -> list[int]:
    """The choices: nine options per block, as in `mobile`, between two layers without a choice."""
    pairs = zip(arch["ks"], arch["e"])
    return [0, *(3 * KERNELS.index(kernel) + EXPANSIONS.index(expansion) for kernel, expansion in pairs), 0]


LOOPS: dict[str, Callable[[Scorer, int, int], None]] = {
    "lutra": lutra,
    "pymoo": pymoo,
    "optuna": optuna,
    "ofa": ofa,
    "ofa, array": partial(ofa, array=True),
}


def main(arguments: Sequence[str]) -> None:
    space = mobile(3, RESOLUTION, 10)
    rates: dict[str, list[float]] = {name: [] for name in LOOPS}
    for loop in LOOPS.values():
        loop(Scorer(space), 2, 0)  # imports and caches
    for turn, name in track([(turn, name) for turn in range(TURNS) for name in LOOPS], "searching", TURNS * len(LOOPS)):
        score = Scorer(space)
        start = time.perf_counter()
        LOOPS[name](score, GENERATIONS[name], turn)
        rates[name].append(score.count / (time.perf_counter() - start))
    versions = {package: version(package) for package in ("pymoo", "optuna", "ofa", "numpy")}
    raw = {"population": POPULATION, "generations": GENERATIONS, "versions": versions, "architectures_per_s": rates}
    artefacts.write(OUTPUT, json.dumps(raw, indent=1) + "\n")
    shown = Shown("loop", "architectures/s")
    for name, values in rates.items():
        shown.add_row(name, f"{np.median(values):,.0f}")
    console.print(shown)
    print(json.dumps(claims(rates)))


def claims(rates: dict[str, list[float]]) -> list[dict[str, object]]:
    median = {name: float(np.median(values)) for name, values in rates.items()}
    ratios = {name: median["lutra"] / median[name] for name in BARS}
    return [
        {
            "what": f"architectures/s of NSGA-II without a network, times {name}'s",
            "value": ratio,
            "bar": BARS[name],
            "holds": ratio >= BARS[name],
        }
        for name, ratio in ratios.items()
    ]


if __name__ == "__main__":
    run(main)

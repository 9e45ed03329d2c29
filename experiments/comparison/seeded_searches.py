"""Runs every strategy with several seeds, one search after another; interrupted ones continue where they stopped.

`accuracies.jsonl` keeps every evaluated population with its accuracies and seconds, `searches.jsonl` every finished
search. An unfinished search runs again with the known accuracies.

Every strategy and seed has its own stream of random numbers. With one stream per seed, two strategies would draw the
same first networks, and the rank test between them assumes independent searches (Arcuri & Briand 2014, "A Hitchhiker's
guide to statistical tests for assessing randomized algorithms in software engineering").
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from time import perf_counter

from experiments.store import journal
from experiments.store.candidate_records import to_json, with_costs
from search_spaces.space import Arch
from strategies.problems.problem import Candidate, Problem, Strategy
from strategies.problems.search import search

EACH = 2  # networks per process, of the first evaluation


@dataclass(frozen=True)
class Evaluation:
    """A candidate of a search, and the time that the search needed for it."""

    strategy: str
    seed: int
    candidate: Candidate
    seconds: float  # since the candidate before: the strategy's own, and those of all accuracies that it requested


class Ledger:
    """The accuracies of every population that was evaluated, and the seconds that it took.

    A population is evaluated in one call. Its networks share work, so none has a time of its own: only the same
    population is looked up, any other one is evaluated and timed again. A search is charged the recorded seconds even
    if an earlier search evaluated the population, so every search takes the time that it would have taken alone.
    """

    def __init__(self, path: Path, accuracies: Callable[[Sequence[Arch]], Sequence[float]]) -> None:
        self.path = path
        self.compute = accuracies
        self.answers: dict[tuple[Arch, ...], tuple[list[float], float]] = {  # accuracies, seconds
            tuple(map(tuple, record["archs"])): (record["accuracies"], record["seconds"])
            for record in journal.read(path)
        }
        self.charged = 0.0  # recorded seconds of all populations requested so far
        self.spent = 0.0  # seconds really spent in `accuracies` so far

    def accuracies(self, archs: Sequence[Arch]) -> list[float]:
        start, request = perf_counter(), tuple(archs)
        if request not in self.answers:
            found = list(self.compute(archs))
            seconds = perf_counter() - start
            journal.append(self.path, {"archs": request, "accuracies": found, "seconds": seconds})
            self.answers[request] = found, seconds
        found, seconds = self.answers[request]
        self.charged += seconds
        self.spent += perf_counter() - start
        return found


def run_searches(
    problem: Problem,
    strategies: Mapping[str, Strategy],
    seeds: Sequence[int],
    budget: int,
    seconds: float,
    folder: Path,
    jobs: int = 1,
) -> Iterator[Evaluation]:
    """Runs every strategy with the first seed, then with the next, and so on.

    A search ends after `budget` candidates or, unless `seconds` is 0, with the candidate that exceeds `seconds`.
    `jobs`: processes that share an evaluation.
    """
    ledger = Ledger(folder / "accuracies.jsonl", problem.accuracies)
    log = folder / "searches.jsonl"
    finished = {(record["strategy"], record["seed"]): _evaluations(record) for record in journal.read(log)}
    if len(finished) < len(strategies) * len(seeds):
        problem.accuracies(_networks(problem, jobs))  # so that no search pays for starting processes
    for seed in seeds:
        for name, strategy in strategies.items():
            if (name, seed) in finished:
                yield from finished[name, seed]
                continue
            own = replace(problem, accuracies=ledger.accuracies, memo={}, diagnose=False)
            searched, paid = [], 0.0
            with _collected():
                for candidate, cost in timed(ledger, search(strategy, own, stream(name, seed), budget)):
                    searched.append(Evaluation(name, seed, candidate, cost))
                    yield searched[-1]
                    paid += cost
                    if seconds and paid >= seconds:
                        break
            journal.append(log, _record(name, seed, searched))


@contextmanager
def _collected() -> Iterator[None]:
    """Python's garbage collector does not look through what earlier searches left, for which this one would pay."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _networks(problem: Problem, count: int) -> list[Arch]:
    """The reference and random networks, so many that every process gets some."""
    rng, reference = Random(0), problem.space.canonical(problem.space.reference)
    return [reference, *(problem.sample(rng) for _ in range(EACH * count - 1))]


def stream(strategy: str, seed: int) -> Random:
    """The random generator of one search; strategies with the same seed have independent ones."""
    return Random(f"{strategy}, seed {seed}")


def timed(ledger: Ledger, candidates: Iterator[Candidate]) -> Iterator[tuple[Candidate, float]]:
    """Yields each candidate with its seconds, not counting the caller's."""
    while True:
        start, spent, charged = perf_counter(), ledger.spent, ledger.charged
        candidate = next(candidates, None)
        if candidate is None:
            return
        own = perf_counter() - start - (ledger.spent - spent)
        yield candidate, own + ledger.charged - charged


def _record(strategy: str, seed: int, searched: Sequence[Evaluation]) -> dict[str, object]:
    candidates = [to_json(one.candidate) | {"seconds": one.seconds} for one in searched]
    return {"strategy": strategy, "seed": seed, "candidates": candidates}


def _evaluations(record: dict) -> list[Evaluation]:
    searched = []
    for values in record["candidates"]:
        fields = with_costs(values)
        seconds, arch = fields.pop("seconds"), tuple(fields.pop("arch"))
        searched.append(Evaluation(record["strategy"], record["seed"], Candidate(arch, **fields), seconds))
    return searched

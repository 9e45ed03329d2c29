"""Searches that run one after another and share what they pay for; a killed race goes on where it stopped.

An accuracy is paid for once, and kept with its seconds in `accuracies.jsonl`. A finished search is kept whole in
`searches.jsonl`; an unfinished one is run again, with its accuracies at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from time import perf_counter

from experiments import journal
from search_spaces.space import Arch
from strategies.problem import Candidate, Problem, Strategy
from strategies.search import search


@dataclass(frozen=True)
class Evaluation:
    """A candidate and what it cost its search, however many had asked for it before."""

    strategy: str
    seed: int
    candidate: Candidate
    seconds: float  # the strategy's own since its last candidate, and the accuracy's when that was paid for


class Ledger:
    """A problem's accuracies and what each cost. The time of a population is shared evenly among its new members."""

    def __init__(self, path: Path, accuracies: Callable[[Sequence[Arch]], Sequence[float]]) -> None:
        self.path = path
        self.compute = accuracies
        self.paid: dict[Arch, tuple[float, float]] = {  # accuracy, seconds
            tuple(record["arch"]): (record["accuracy"], record["seconds"]) for record in journal.read(path)
        }
        self.open = 0.0  # seconds spent in `accuracies` so far

    def accuracies(self, archs: Sequence[Arch]) -> list[float]:
        start = perf_counter()
        unknown = [arch for arch in archs if arch not in self.paid]
        if unknown:
            found = self.compute(unknown)
            each = (perf_counter() - start) / len(unknown)
            for arch, accuracy in zip(unknown, found, strict=True):
                journal.append(self.path, {"arch": arch, "accuracy": accuracy, "seconds": each})
                self.paid[arch] = accuracy, each
        self.open += perf_counter() - start
        return [self.paid[arch][0] for arch in archs]


def run_searches(
    problem: Problem,
    strategies: Mapping[str, Strategy],
    seeds: Sequence[int],
    budget: int,
    seconds: float,
    folder: Path,
) -> Iterator[Evaluation]:
    """Every strategy with the first seed, then with the next. A search has `budget` candidates, or ends with the one
    that passes `seconds`, where those are not 0."""
    ledger = Ledger(folder / "accuracies.jsonl", problem.accuracies)
    log = folder / "searches.jsonl"
    finished = {(record["strategy"], record["seed"]): _found(record) for record in journal.read(log)}
    for seed in seeds:
        for name, strategy in strategies.items():
            if (name, seed) in finished:
                yield from finished[name, seed]
                continue
            own = replace(problem, accuracies=ledger.accuracies, memo={}, diagnose=False)
            searched = []
            for candidate, cost in timed(ledger, search(strategy, own, Random(seed), budget)):
                searched.append(Evaluation(name, seed, candidate, cost))
                yield searched[-1]
                if seconds and sum(one.seconds for one in searched) >= seconds:
                    break
            journal.append(log, _record(name, seed, searched))


def timed(ledger: Ledger, candidates: Iterator[Candidate]) -> Iterator[tuple[Candidate, float]]:
    """Each candidate with its seconds, without those of the caller."""
    while True:
        start, opened = perf_counter(), ledger.open
        candidate = next(candidates, None)
        if candidate is None:
            return
        own = perf_counter() - start - (ledger.open - opened)
        yield candidate, own + ledger.paid[candidate.arch][1]


def _record(strategy: str, seed: int, searched: Sequence[Evaluation]) -> dict[str, object]:
    candidates = [asdict(one.candidate) | {"seconds": one.seconds} for one in searched]
    return {"strategy": strategy, "seed": seed, "candidates": candidates}


def _found(record: dict) -> list[Evaluation]:
    searched = []
    for values in record["candidates"]:
        seconds, arch = values.pop("seconds"), tuple(values.pop("arch"))
        searched.append(Evaluation(record["strategy"], record["seed"], Candidate(arch, **values), seconds))
    return searched

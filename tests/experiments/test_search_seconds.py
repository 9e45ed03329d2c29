"""Tests what a search costs: it pays what it would alone, and no caller's time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from experiments.comparison.contestants import unguided
from experiments.comparison.seeded_searches import Ledger, run_searches, timed
from experiments.config import StrategyConfig
from experiments.store import journal
from search_spaces.space import Arch
from strategies.algorithms.random import random as random_search
from strategies.problems.objective import Pareto
from strategies.problems.problem import Candidate, Problem
from strategies.problems.tabular_problem import Table

JOURNAL = "accuracies.jsonl"


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replaces the clock: only tests move it."""
    seconds = [0.0]
    monkeypatch.setattr("experiments.comparison.seeded_searches.perf_counter", lambda: seconds[0])
    return seconds


def in_populations(size: int, tabular: Table) -> Callable[[Problem, Random], Iterator[Candidate]]:
    """Returns a strategy that requests every network of a table, `size` at a time."""

    def strategy(problem: Problem, rng: Random) -> Iterator[Candidate]:
        archs = sorted(tabular.accuracy)
        for start in range(0, len(archs), size):
            yield from problem.evaluate_all(archs[start : start + size])

    return strategy


@pytest.mark.parametrize("order", [(1, 4, 1, 4), (4, 1, 4, 1)])
def test_a_search_pays_what_it_would_alone_whoever_asked_before(
    tabular: Table, tmp_path: Path, now: list[float], order: Sequence[int]
) -> None:
    """A population of n takes 10 + n seconds: calls share their cost, so the order of searches could matter."""
    problem = tabular.problem(Pareto({"latency": 1.0}))

    def slow(archs: Sequence[Arch]) -> Sequence[float]:
        now[0] += 10 + len(archs)
        return problem.accuracies(archs)

    strategies = {f"{place}: {size}": in_populations(size, tabular) for place, size in enumerate(order)}
    shared = replace(problem, accuracies=slow)
    found = list(run_searches(shared, strategies, [0], 40, 0.0, tmp_path))
    for name in strategies:
        size = int(name[-1])
        assert sum(one.seconds for one in found if one.strategy == name) == pytest.approx(40 / size * (10 + size))
    requests = [record["archs"] for record in journal.read(tmp_path / JOURNAL)]
    assert len(requests) == 40 + 10  # each was computed once
    assert list(run_searches(shared, strategies, [0], 40, 0.0, tmp_path)) == found


def test_what_only_the_first_call_costs_is_charged_to_no_search(
    tabular: Table, tmp_path: Path, now: list[float]
) -> None:
    problem, started = tabular.problem(Pareto({"latency": 1.0})), []

    def slow(archs: Sequence[Arch]) -> Sequence[float]:
        now[0] += 1 if started else 1000
        started.append(True)
        return problem.accuracies(archs)

    found = list(run_searches(replace(problem, accuracies=slow), {"a": random_search}, [0], 5, 0.0, tmp_path))
    assert sum(one.seconds for one in found) < 10


def test_every_process_is_started_before_the_first_search(tabular: Table, tmp_path: Path) -> None:
    problem, asked = tabular.problem(Pareto({"latency": 1.0})), list[int]()

    def counted(archs: Sequence[Arch]) -> Sequence[float]:
        asked.append(len(archs))
        return problem.accuracies(archs)

    counting = replace(problem, accuracies=counted)
    list(run_searches(counting, {"a": random_search}, [0], 5, 0.0, tmp_path, jobs=3))
    assert asked[0] >= 3


def test_a_callers_time_is_not_the_strategys(tabular: Table, tmp_path: Path, now: list[float]) -> None:
    problem = tabular.problem(Pareto({"latency": 1.0}))

    def three_seconds(archs: Sequence[Arch]) -> Sequence[float]:
        now[0] += 3.0 * len(archs)
        return problem.accuracies(archs)

    def proposing(asked: Problem) -> Iterator[Candidate]:
        for arch in tabular.accuracy:
            now[0] += 0.5
            yield asked.evaluate(arch)

    ledger = Ledger(tmp_path / JOURNAL, three_seconds)
    asked = replace(problem, accuracies=ledger.accuracies)
    for _ in range(2):
        costs = []
        for _, seconds in timed(ledger, proposing(replace(asked, memo={}))):
            costs.append(seconds)
            now[0] += 100
        assert costs == [3.5] * len(tabular.accuracy)  # the second time, too


def test_strategies_do_not_share_their_random_numbers(tabular: Table, tmp_path: Path) -> None:
    """The rank test assumes that the searches of two strategies are independent."""
    problem = tabular.problem(Pareto({"latency": 1.0}))
    found = list(run_searches(problem, {"a": random_search, "b": random_search}, [0, 1], 20, 0.0, tmp_path))
    drawn = {
        (one.strategy, one.seed): [e.candidate.arch for e in found if (e.strategy, e.seed) == (one.strategy, one.seed)]
        for one in found
    }
    assert len({*map(tuple, drawn.values())}) == 4


@pytest.mark.parametrize(("budget", "warned"), [(5, {"evolution", "surrogate"}), (25, {"evolution"}), (26, set())])
def test_a_budget_within_the_first_population_is_warned_of(budget: int, warned: set[str]) -> None:
    options = {
        "random": {},
        "evolution": {"population": 25, "tournament": 10},
        "surrogate": {"initial": 15, "batch": 4},
    }
    lines = [*unguided([StrategyConfig(name, own) for name, own in options.items()], budget)]
    assert {name for name in options if any(f"{name}'s first population" in line for line in lines)} == warned
    assert len(lines) == len(warned)

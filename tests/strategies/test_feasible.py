"""Tests that strategies never evaluate networks beyond the latency bound, however few are within it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from random import Random
from unittest.mock import MagicMock

import numpy as np
import pytest

from experiments.config import choices
from experiments.steps import search as searching
from experiments.store import journal
from search_spaces.space import Arch
from strategies.problems.objective import Bounded, MnasNet, Pareto
from strategies.problems.problem import Candidate, Problem, Strategy, best
from strategies.problems.search import search
from strategies.problems.tabular_problem import read_csv
from tests.strategies.bounded import charged, every_size, quantile, seconds_of
from tests.strategies.toys import STRATEGIES, every_strategy


@every_strategy
@every_size
@pytest.mark.parametrize("share", [0.05, 0.5])
def test_no_accuracy_is_asked_for_beyond_the_bound(strategy: Strategy, layers: int, share: float) -> None:
    limit = quantile(layers, share)
    problem, asked = charged(layers, Bounded({"latency": limit}))
    found = list(search(strategy, problem, Random(0), 30))
    assert len(found) == 30
    assert all(problem.costs["latency"](arch) <= limit for arch in asked)


@every_strategy
@every_size
@pytest.mark.parametrize("meeting", [1, 3])
def test_every_strategy_ends_where_hardly_any_network_is_feasible(
    strategy: Strategy, layers: int, meeting: int
) -> None:
    """One network of 4 ** 16 is the fastest, and every other option makes it slower."""
    seconds = seconds_of(layers)
    fastest = seconds.lowest
    ordered = sorted(seconds(other) for other in neighbours(fastest))
    problem, asked = charged(layers, Bounded({"latency": [seconds(fastest), *ordered][meeting - 1]}))
    found = list(search(strategy, problem, Random(0), 40))
    assert fastest in {candidate.arch for candidate in found}
    assert len(found) == len({*asked}) == meeting


def neighbours(arch: Arch) -> list[Arch]:
    return [(*arch[:i], pick, *arch[i + 1 :]) for i in range(len(arch)) for pick in range(4) if pick != arch[i]]


@every_strategy
def test_without_a_bound_everything_is_found(strategy: Strategy) -> None:
    problem, _ = charged(3, MnasNet({"latency": 0.01}))
    assert {c.arch for c in search(strategy, problem, Random(0), 64)} == {*itertools.product(range(4), repeat=3)}
    slowest = max(map(seconds_of(3), itertools.product(range(4), repeat=3)))
    front, _ = charged(3, Pareto({"latency": slowest}))  # the slowest network has score 0
    assert len([*search(strategy, front, Random(0), 64)]) == 64


def test_a_search_ends_when_all_that_is_feasible_is_known() -> None:
    problem, _ = charged(5, Bounded({"latency": quantile(5, 0.02)}))
    yielded = 0

    def counted(problem: Problem, rng: Random):  # type: ignore[no-untyped-def]
        nonlocal yielded
        for candidate in choices.STRATEGIES["random"](problem, rng):
            yielded += 1
            yield candidate

    found = {candidate.arch for candidate in search(counted, problem, Random(0), 10**6)}
    assert found == {*problem.pool}
    assert yielded < 20 * len(found)


def sparse(path: Path) -> Path:
    """Writes 40 networks out of 4,096 tuples: hardly two are neighbours, three are fast."""
    rng = np.random.default_rng(0)
    chosen = rng.permutation(list(itertools.product(range(4), repeat=6)))[:40]
    lines = [f"{''.join(map(str, picks))},{50 + i},{1 + (i > 2)}" for i, picks in enumerate(chosen.tolist())]
    path.write_text("\n".join(["ops,percent,ms", *lines]))
    return path


@pytest.mark.parametrize("name", [name for name in STRATEGIES if name not in choices.LEARNING])
def test_published_networks_without_neighbours_are_searched_to_the_end(tmp_path: Path, name: str) -> None:
    table = read_csv(sparse(tmp_path / "sparse.csv"), "ops", "percent", "ms")
    assert table.space.size == 40
    for limit, expected in ((1.5e-3, 3), (1.0, 40)):
        found = list(search(STRATEGIES[name], table.problem(Bounded({"latency": limit})), Random(0), 100))
        assert len(found) == expected
        assert all(candidate.feasible for candidate in found)


def test_following_a_search_compares_each_candidate_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each candidate is compared only with the best one so far."""
    compared: list[int] = []

    def noted(candidates: Sequence[Candidate]) -> Candidate:
        compared.append(len(candidates))
        return best(candidates)

    monkeypatch.setattr(searching, "best", noted)
    problem, _ = charged(5, Bounded({"latency": quantile(5, 0.5)}))
    board = MagicMock()
    candidates = list(search(STRATEGIES["random"], problem, Random(0), 50))
    found = searching.followed(candidates, {candidates[0].arch}, tmp_path / "log", board)
    assert found == candidates
    assert sum(compared) <= 2 * len(candidates)
    shown = [call.args[1] for call in board.add_scalar.call_args_list if call.args[0] == "candidate/best_score"]
    assert shown == [best(candidates[:count]).score for count in range(1, 51)]
    assert [tuple(record["arch"]) for record in journal.read(tmp_path / "log")] == [c.arch for c in candidates[1:]]

"""Tests that strategies never evaluate networks beyond the latency bound, however few are within it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from unittest.mock import MagicMock

import numpy as np
import pytest
from torch import Tensor

from experiments.config import ObjectiveConfig, choices
from experiments.steps import search as searching
from experiments.store import journal
from predictors.models.layer_costs import AdditiveCost
from search_spaces.costs import macs
from search_spaces.errors import LutraError
from search_spaces.space import Arch, SearchSpace
from search_spaces.spaces.mobile import mobile
from search_spaces.spaces.tiny import tiny
from strategies.problems.objective import Bounded, MnasNet, Objective, Pareto
from strategies.problems.problem import Candidate, Problem, Strategy, best
from strategies.problems.search import search
from strategies.problems.tabular_problem import read_csv

SMALL = {
    "evolution": {"population": 8, "tournament": 3},
    "surrogate": {"initial": 8},
    "darts": {"every": 1},
}
STRATEGIES: dict[str, Strategy] = {
    name: partial(strategy, **SMALL.get(name, {})) for name, strategy in choices.STRATEGIES.items()
}
every_strategy = pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES.keys())
LAYERS = {"listed": 5, "large": 16}  # of four options
every_size = pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS.keys())


class Relaxed:
    """Every option has the same loss."""

    def __init__(self, seconds: AdditiveCost) -> None:
        self.seconds = seconds

    def train(self, distribution: list[Tensor]) -> None:
        pass

    def loss(self, distribution: list[Tensor]) -> Tensor:
        return sum(p.sum() for p in distribution)  # type: ignore[return-value]

    def costs(self, distribution: list[Tensor]) -> dict[str, Tensor]:
        return {"latency": self.seconds.expected(distribution)}

    def accuracy(self, distribution: list[Tensor]) -> float:
        return 0.5


def seconds_of(layers: int) -> AdditiveCost:
    return AdditiveCost(np.random.default_rng(0).uniform(1e-3, 5e-3, (layers, 4)))


def charged(layers: int, objective: Objective) -> tuple[Problem, list[Arch]]:
    """Returns a problem where slower is better, and a list that records the architectures it evaluates."""
    seconds, asked = seconds_of(layers), list[Arch]()

    def accuracies(archs: Sequence[Arch]) -> list[float]:
        asked.extend(archs)
        return [10 * seconds(arch) for arch in archs]

    space = SearchSpace("toy", (tuple("abcd"),) * layers, (1,) * layers)
    return Problem(space, objective, accuracies, {"latency": seconds}, lambda seed: Relaxed(seconds)), asked


def quantile(layers: int, share: float) -> float:
    picks = np.random.default_rng(1).integers(4, size=(20_000, layers))
    return float(np.quantile(seconds_of(layers).of(picks), share))


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


@every_size
def test_what_is_drawn_mutated_and_crossed_is_feasible(layers: int) -> None:
    for limit in (quantile(layers, 0.3), 1.1 * seconds_of(layers)(seconds_of(layers).lowest)):
        problem, asked = charged(layers, Bounded({"latency": limit}))
        rng, mother = Random(0), problem.sample(Random(1))
        for _ in range(20):
            father = problem.sample(rng)
            born = [father, problem.mutate(father, rng), problem.crossover(mother, father, rng)]
            assert all(problem.feasible(arch) for arch in born)
            mother = father
        assert asked == []


def test_rare_networks_of_a_large_space_are_drawn_alike() -> None:
    """Random walks end at the fastest network or at one that differs from it by one option."""
    seconds = AdditiveCost(np.array([[1.0, 2.0, 2.0, 2.0]] * 9))
    space = SearchSpace("large", (tuple("abcd"),) * 9, (0,) * 9)
    problem = Problem(space, Bounded({"latency": 10.0}), lambda archs: [0.5] * len(archs), {"latency": seconds})
    drawn = [problem.sample(Random(seed)) for seed in range(400)]
    assert space.networks is None
    assert len({*drawn}) == 1 + 9 * 3
    slower = np.mean([sum(arch) > 0 for arch in drawn])
    assert slower == pytest.approx(27 / 28, abs=0.05)


def test_a_bound_that_no_network_meets_is_told() -> None:
    for layers in LAYERS.values():
        problem, asked = charged(layers, Bounded({"latency": 1e-4}))
        for draw in (problem.sample, partial(problem.mutate, problem.space.reference)):
            with pytest.raises(
                LutraError, match=r"no network in toy was found that meets .*: raise objective\.target_fraction"
            ):
                draw(Random(0))
        assert asked == []


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


def test_one_ruler_for_one_and_for_many() -> None:
    problem, _ = charged(5, Bounded({"latency": quantile(5, 0.3)}))
    picks = np.array(list(itertools.product(range(4), repeat=5)))
    alone = [problem.feasible(tuple(arch)) for arch in picks.tolist()]
    assert problem.feasible_all(picks).tolist() == alone
    plain = replace(problem, costs={"latency": lambda arch: problem.costs["latency"](arch)})
    assert plain.feasible_all(picks).tolist() == alone
    assert plain.cheapest == problem.cheapest == seconds_of(5).lowest


def test_the_fastest_of_a_large_space_is_found_where_layers_add() -> None:
    for layers in (9, 16):
        problem, _ = charged(layers, Bounded({"latency": 1.0}))
        assert problem.space.networks is None
        assert problem.cheapest == seconds_of(layers).lowest


# Published networks


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


def test_space_draws_end_where_nothing_is_valid() -> None:
    space = SearchSpace("empty", (tuple("abcd"),) * 5, (0,) * 5, lambda arch: False)
    with pytest.raises(LutraError, match="none of 1000 draws from empty is a network"):
        space.sample(Random(0))
    with pytest.raises(LutraError, match="none of 1000 draws"):
        space.mutate((0,) * 5, Random(0))
    assert space.crossover((0,) * 5, (1,) * 5, Random(0)) == (0,) * 5
    alone = SearchSpace("alone", (("only",),) * 2, (0, 0))
    with pytest.raises(LutraError, match="single network"):
        alone.mutate((0, 0), Random(0))


@pytest.mark.parametrize("space", [tiny(1, 16, 10), mobile(3, 32, 10)], ids=["tiny", "mobile"])
def test_the_default_target_is_easily_met(space: SearchSpace) -> None:
    """Each layer costs its multiply-accumulates plus their mean over all layers, as measured in INT8 on x86."""
    seconds = np.full((len(space.layers), max(space.options)), np.nan)
    for layer, options in enumerate(space.layers):
        seconds[layer, : len(options)] = [macs((option,)) for option in options]
    latency = AdditiveCost(seconds + np.nanmean(seconds) * (seconds > 0))
    drawn = np.array([space.sample(Random(seed)) for seed in range(1000)])
    target = ObjectiveConfig().target_fraction * latency(space.reference)
    assert (latency.of(drawn) <= target).mean() > 0.2


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
    found, winner = searching.followed(candidates, {candidates[0].arch}, tmp_path / "log", board)
    assert (found, winner) == (candidates, best(candidates))
    assert sum(compared) <= 2 * len(candidates)
    shown = [call.args[1] for call in board.add_scalar.call_args_list if call.args[0] == "candidate/best_score"]
    assert shown == [best(candidates[:count]).score for count in range(1, 51)]
    assert [tuple(record["arch"]) for record in journal.read(tmp_path / "log")] == [c.arch for c in candidates[1:]]

"""Tests the contract of every strategy, a table with a known front, and DARTS on a toy and on a real supernet."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from random import Random

import moocore
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor

from experiments.config import choices
from predictors.models.layer_costs import AdditiveCost
from search_spaces.costs import macs
from search_spaces.errors import LutraError
from search_spaces.layers import MBConv, Skip
from search_spaces.networks.evaluation import accuracy, calibrate, predict
from search_spaces.networks.evaluation import batches as image_batches
from search_spaces.networks.supernet import Supernet
from search_spaces.space import Arch, SearchSpace
from search_spaces.spaces.tiny import tiny
from search_spaces.training.loop import mixed_precision
from strategies.algorithms.darts import darts, mode
from strategies.algorithms.evolution import evolution
from strategies.algorithms.nsga2 import children, crowding_distance, evolve, mutate, nsga2, survivors
from strategies.algorithms.random import random as random_search
from strategies.algorithms.surrogate import surrogate
from strategies.problems.objective import Bounded, MnasNet, Objective, Pareto
from strategies.problems.problem import Candidate, Problem, Strategy, best, front
from strategies.problems.search import search
from strategies.problems.supernet_problem import supernet_problem
from strategies.problems.tabular_problem import Table, read_csv
from strategies.quality.regret import regret, share
from tests.published import published

SMALL = {  # for small budgets
    "evolution": {"population": 8, "tournament": 3},
    "surrogate": {"initial": 8},
    "darts": {"every": 2},
}
STRATEGIES: dict[str, Strategy] = {
    name: partial(strategy, **SMALL.get(name, {})) for name, strategy in choices.STRATEGIES.items()
}
every_strategy = pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES.keys())
LAYERS, OPTIONS = 5, 4
COSTS = torch.tensor(np.random.default_rng(0).uniform(0, 0.3, (LAYERS, OPTIONS)), dtype=torch.float32)
SECONDS = AdditiveCost(np.random.default_rng(1).uniform(1e-3, 5e-3, (LAYERS, OPTIONS)))


class Toy:
    """A relaxation whose cross entropy is a sum over layers, so that each layer's best option is known."""

    def train(self, distribution: list[Tensor]) -> None:
        assert not any(p.requires_grad for p in distribution)

    def loss(self, distribution: list[Tensor]) -> Tensor:
        return sum((p * cost).sum() for p, cost in zip(distribution, COSTS))  # type: ignore[return-value]

    def costs(self, distribution: list[Tensor]) -> dict[str, Tensor]:
        return {"latency": SECONDS.expected(distribution)}

    def accuracy(self, distribution: list[Tensor]) -> float:
        return math.exp(-self.loss(distribution).item())


def toy(objective: Objective, valid: Callable[[Arch], bool] = lambda arch: True) -> Problem:
    space = SearchSpace("toy", (tuple("abcd"),) * LAYERS, (1,) * LAYERS, valid)

    def separable(arch: Arch) -> float:
        return math.exp(-sum(COSTS[layer, pick].item() for layer, pick in enumerate(arch)))

    return Problem(
        space, objective, lambda archs: [separable(arch) for arch in archs], {"latency": SECONDS}, lambda seed: Toy()
    )


def found(strategy: Strategy, problem: Problem, seed: int, budget: int) -> list[Candidate]:
    return list(search(strategy, replace(problem, memo={}), Random(seed), budget))


# The contract.


@every_strategy
@pytest.mark.parametrize(
    "objective", [MnasNet({"latency": 0.015}), Bounded({"latency": 0.012}), Pareto({"latency": 0.025})], ids=str
)
def test_same_seed_same_candidates(strategy: Strategy, objective: Objective) -> None:
    problem = toy(objective)
    first = found(strategy, problem, 0, 40)
    assert first == found(strategy, problem, 0, 40)
    assert first != found(strategy, problem, 1, 40)


@every_strategy
def test_candidates_are_valid_distinct_and_measured_by_the_one_ruler(strategy: Strategy) -> None:
    problem = toy(Bounded({"latency": 0.012}), valid=lambda arch: sum(arch) % 3 != 0)
    candidates = found(strategy, problem, 0, 60)
    assert len({candidate.arch for candidate in candidates}) == len(candidates) == 60
    assert all(problem.space.valid(problem.space.check(candidate.arch)) for candidate in candidates)
    judged = [replace(candidate, mixture=None) for candidate in candidates]
    assert judged == [problem.evaluate(candidate.arch) for candidate in candidates]
    assert all(candidate.feasible for candidate in candidates)


@every_strategy
def test_a_killed_search_is_replayed_without_paying_again(strategy: Strategy) -> None:
    undisturbed = found(strategy, toy(Pareto({"latency": 0.025})), 3, 40)
    paid: list[Arch] = []
    problem = toy(Pareto({"latency": 0.025}))

    def charged(archs: Sequence[Arch]) -> Sequence[float]:
        paid.extend(archs)
        return problem.accuracies(archs)

    memo = {candidate.arch: candidate.accuracy for candidate in undisturbed[:25]}
    assert found_with(strategy, replace(problem, accuracies=charged, memo=memo)) == undisturbed
    assert paid[:15] == [candidate.arch for candidate in undisturbed[25:]]  # a last population may be completed


def found_with(strategy: Strategy, problem: Problem) -> list[Candidate]:
    return list(search(strategy, problem, Random(3), 40))


@every_strategy
def test_a_small_space_is_exhausted(strategy: Strategy) -> None:
    space = SearchSpace("small", (("only",), ("a", "b", "c"), ("a", "b")), (0, 0, 0))
    accuracies, latency = (lambda archs: [0.5] * len(archs)), (lambda arch: 0.1 + 0.01 * sum(arch))
    problem = Problem(space, Pareto({"latency": 1.0}), accuracies, {"latency": latency}, lambda seed: Flat())
    assert len(found(strategy, problem, 0, 7)) == 6


class Flat(Toy):
    """Every option has the same loss."""

    def loss(self, distribution: list[Tensor]) -> Tensor:
        return torch.stack([p.sum() for p in distribution]).sum()

    def costs(self, distribution: list[Tensor]) -> dict[str, Tensor]:
        return {"latency": self.loss(distribution) / 100}


def test_search_stops_asking_at_the_budget() -> None:
    def strategy(problem: Problem, rng: Random) -> Iterator[Candidate]:
        for pick in (0, 0, 1, 1, 2):
            yield problem.evaluate((pick,) * LAYERS)
        raise AssertionError("asked for more than the budget")

    assert [candidate.arch[0] for candidate in search(strategy, toy(Pareto({"latency": 1.0})), Random(0), 3)] == [
        0,
        1,
        2,
    ]


# Properties stated in the papers.


def test_evolution_breeds_only_from_the_young() -> None:
    candidates = evolution(toy(Pareto({"latency": 0.025})), Random(0), population=5, tournament=2)
    archs = [candidate.arch for candidate in itertools.islice(candidates, 40)]
    for index in range(5, 40):
        parents = archs[index - 5 : index]
        assert any(sum(a != b for a, b in zip(archs[index], parent)) == 1 for parent in parents)


def points_on_a_grid(seed: int, count: int = 60) -> np.ndarray:
    """Returns points [n, 2], some of them equal."""
    return np.random.default_rng(seed).integers(1, 12, (count, 2)) / 12


def fronts(points: np.ndarray) -> list[list[int]]:
    """Returns the fronts by their definition: each is not dominated by any point that is left."""

    def dominates(a: np.ndarray, b: np.ndarray) -> bool:
        return bool((a <= b).all() and (a < b).any())

    found, left = [], list(range(len(points)))
    while left:
        found.append([i for i in left if not any(dominates(points[j], points[i]) for j in left)])
        left = [i for i in left if i not in found[-1]]
    return found


def crowding(front: np.ndarray) -> list[float]:
    """Computes the paper's pseudo-code, one objective at a time; for distinct points."""
    distances = [0.0] * len(front)
    for values in front.T.tolist():
        order = sorted(range(len(front)), key=values.__getitem__)
        distances[order[0]] = distances[order[-1]] = math.inf
        for before, here, after in zip(order, order[1:], order[2:]):
            distances[here] += (values[after] - values[before]) / (values[order[-1]] - values[order[0]])
    return distances


GRIDS = [np.unique(points_on_a_grid(seed), axis=0) for seed in range(5)]
GRIDS += [np.random.default_rng(seed).random((60, 3)) for seed in range(3)]


@pytest.mark.parametrize("points", GRIDS)
def test_survivors_come_by_fronts_then_by_crowding(points: np.ndarray) -> None:
    ranks = np.empty(len(points), dtype=int)
    expected: list[float] = []
    for rank, members in enumerate(fronts(points)):
        ranks[members] = rank
        expected += sorted(crowding(points[members]), reverse=True)
    best = survivors(points, len(points))
    assert sorted(best) == list(range(len(points)))
    assert ranks[best].tolist() == sorted(ranks)
    assert crowding_distance(points, ranks)[best].tolist() == pytest.approx(expected)
    assert survivors(points, 7).tolist() == best[:7].tolist()


def test_equal_points_are_the_more_crowded() -> None:
    points = np.array([(0.0, 4.0), (1.0, 2.0), (1.0, 2.0), (1.0, 2.0), (4.0, 0.0)])
    distances = crowding_distance(points, np.zeros(5))
    assert sorted(distances) == pytest.approx([0, 0.25 + 0.5, 0.75 + 0.5, math.inf, math.inf])


def test_a_mutation_changes_one_pick_and_at_times_another() -> None:
    space = SearchSpace("odd", (("only",), tuple("ab"), tuple("abc"), tuple("abcd")), (0, 0, 0, 0))
    rng = np.random.default_rng(0)
    parents = np.array([space.sample(Random(i)) for i in range(500)])
    born = parents.copy()
    mutate(born, np.array(space.options), rng)
    changes = (born != parents).sum(1)
    assert changes.min() == 1
    assert 0 < (changes > 1).mean() < 0.2
    assert all(space.check(tuple(child)) for child in born.tolist())


def test_children_are_valid_where_hardly_any_tuple_is() -> None:
    valid = {(pick,) * 6 for pick in range(3)}  # of 729
    space = SearchSpace("sparse", ((0, 1, 2),) * 6, (0,) * 6, valid.__contains__)
    problem = Problem(space, Pareto({"latency": 1.0}), lambda archs: [0.5] * len(archs), {"latency": lambda arch: 0.1})
    born = children(problem, np.array(sorted(valid)), 200, 0.3, np.random.default_rng(0))
    assert {*map(tuple, born.tolist())} == valid


def test_a_population_holds_distinct_architectures_and_loses_no_best_one() -> None:
    problem = toy(Pareto({"latency": 1.0}), valid=lambda arch: sum(arch) % 3 != 0)
    table = COSTS.numpy()

    def costs(picks: np.ndarray) -> np.ndarray:
        assert all(problem.space.valid(tuple(arch)) for arch in picks.tolist())
        return np.stack([table[range(LAYERS), picks].sum(1), SECONDS.of(picks)], 1)

    first = np.array([problem.space.sample(Random(i)) for i in range(12)])
    before = np.full(2, np.inf)
    for picks, points in itertools.islice(evolve(problem, costs, np.random.default_rng(0), first, 0.5), 60):
        assert len(np.unique(picks, axis=0)) == len(picks) <= 12
        np.testing.assert_allclose(points, costs(picks))
        assert (points.min(0) <= before).all()
        before = points.min(0)
    assert before[1] == pytest.approx(min(SECONDS(arch) for arch in everything(problem.space)))


def test_surrogate_finds_the_optimum_of_a_separable_toy() -> None:
    for limit in (0.009, 0.012, 0.015):
        problem = toy(Bounded({"latency": limit}))
        exact = best(problem.evaluate(arch) for arch in everything(problem.space))
        assert best(found(surrogate, problem, 0, 80)) == exact


def everything(space: SearchSpace) -> list[Arch]:
    return [arch for arch in itertools.product(*map(range, space.options)) if space.valid(arch)]


# A table with a known front.


def write_island(path: Path) -> None:
    """Writes six layers of four options: costlier ones tend to be better, neighbours interact, a tenth is missing."""
    rng = Random(0)
    seconds = [[rng.random() for _ in range(4)] for _ in range(6)]
    gains = [[2 * s + 0.5 * rng.gauss(0, 1) for s in row] for row in seconds]
    pairs = [[[0.5 * rng.gauss(0, 1) for _ in range(4)] for _ in range(4)] for _ in range(5)]
    lines = ["ops,percent,ms"]
    for arch in itertools.product(range(4), repeat=6):
        gain = sum(row[pick] for row, pick in zip(gains, arch))
        gain += sum(pair[a][b] for pair, a, b in zip(pairs, arch, arch[1:]))
        ms = 1 + 10 * sum(row[pick] for row, pick in zip(seconds, arch))
        if rng.random() > 0.1:
            lines.append(f"{''.join(map(str, arch))},{100 / (1 + math.exp(-gain / 2)):.6f},{ms:.6f}")
    path.write_text("\n".join(lines))


@cache
def nasbench201() -> Table:
    path = published("nasbench201_cifar10_rpi4.csv")
    return read_csv(path, "ops", "accuracy_12epoch_percent", "rpi4_ms", reported="accuracy_percent")


@pytest.fixture(scope="module", params=["island", "nasbench201"])
def table(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Table:
    if request.param == "nasbench201":
        return nasbench201()
    path = tmp_path_factory.mktemp("island") / "island.csv"
    write_island(path)
    return read_csv(path, "ops", "percent", "ms")


def test_evolution_and_nsga2_beat_random_search(table: Table) -> None:
    objective = Pareto({"latency": max(table.latency.values())})
    exact, report = table.front(objective), table.report(objective)

    def mean_share(strategy: Strategy) -> float:
        runs = [found(strategy, table.problem(objective), seed, 200) for seed in range(20)]
        assert {len(run) for run in runs} == {200}
        return float(np.mean([share(run, exact, report) for run in runs]))

    baseline = mean_share(random_search)
    assert 0.5 < baseline < mean_share(evolution) < 1
    assert baseline < mean_share(nsga2) < 1


def test_a_bound_that_few_published_networks_meet_is_searched_within() -> None:
    """When infeasible networks were evaluated, mean regrets were 3.8 (random) and 0.9 points (evolution).

    Those searches saw the reported accuracy, and so do these.
    """
    table = replace(nasbench201(), accuracy=nasbench201().reported)
    objective = Bounded({"latency": float(np.quantile(list(table.latency.values()), 0.05))})
    exact, report = table.front(objective), table.report(objective)
    for strategy in (random_search, evolution):
        runs = [found(strategy, table.problem(objective), seed, 50) for seed in range(10)]
        assert all(candidate.feasible for run in runs for candidate in run)
        assert 100 * np.mean([regret(run, exact, objective, report) for run in runs]) < 0.5


def test_the_exact_front_is_what_nothing_dominates(table: Table) -> None:
    exact = table.front(Bounded({"latency": 1.0}))
    everything = np.array([(1 - table.reported[arch], table.latency[arch]) for arch in table.reported])
    expected = everything[moocore.is_nondominated(everything)]
    assert sorted((1 - c.accuracy, c.costs["latency"]) for c in exact) == sorted(map(tuple, expected.tolist()))
    assert share(exact, exact) == 1


def test_regret_is_what_the_best_found_lacks(table: Table) -> None:
    exact = table.front(Pareto({"latency": 1.0}))
    objective = Bounded({"latency": exact[len(exact) // 2].costs["latency"]})
    report = table.report(objective)
    winner = max(table.reported[arch] for arch in table.reported if objective.allows({"latency": table.latency[arch]}))
    some = found(random_search, table.problem(objective), 0, 20)
    assert regret(exact, exact, objective) == 0
    assert regret(some, exact, objective, report) == winner - table.reported[best(some).arch] > 0
    assert regret(exact[-1:], exact, objective) > winner  # no candidate is within the limit


def test_best_prefers_the_feasible_then_the_score() -> None:
    problem = toy(Bounded({"latency": 0.012}))
    candidates = [problem.evaluate(arch) for arch in itertools.product(range(OPTIONS), repeat=LAYERS)]
    winner = best(candidates)
    assert winner.feasible
    assert winner.accuracy == max(c.accuracy for c in candidates if c.feasible)
    outside = [c for c in candidates if not c.feasible]
    assert best(outside).costs["latency"] == min(c.costs["latency"] for c in outside)
    assert best(front(candidates)[:1]) == min(candidates, key=lambda c: c.costs["latency"])


# Reading tables.


def test_digits_become_picks_and_units_become_seconds_and_fractions(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text("net,top1,us\n30,0.5,1500\n31,0.75,2500\n50,0.25,500\n")
    table = read_csv(path, "net", "top1", "us", accuracy_unit=1, latency_unit=1e-6)
    assert table.space.layers == ((3, 5), (0, 1))
    assert table.accuracy == {(0, 0): 0.5, (0, 1): 0.75, (1, 0): 0.25}
    assert table.latency == pytest.approx({(0, 0): 1.5e-3, (0, 1): 2.5e-3, (1, 0): 5e-4})
    assert not table.space.valid((1, 1))
    assert table.space.reference == (0, 1)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["00,90,1", "00,91,2"], "line 3: ops '00' appears twice"),
        (["00,90,1", "01,nan,2"], "line 3: percent must be a positive number, not 'nan'"),
        (["00,90,-1"], "line 2: ms must be a positive number, not '-1'"),
        (["00,90,0"], "line 2: ms must be"),
        (["00,,1"], "line 2: percent must be a positive number, not ''"),
        (["00,90"], "line 2 has 2 cells, the header 3; fix or remove the row"),
        (["00,9000,1"], "line 2: percent 9000 times the unit 0.01 is above 1"),
        (["00,90,1", "010,90,1"], "line 3: ops must be 2 layers"),
        (["0x,90,1"], "line 2: ops must be one number per layer"),
        (["00,90,1"], "1 networks"),
        (["0000000,90,1", *(f"{10**6 * k + k}".zfill(7)[:1] + f"{k}" * 6 + ",90,1" for k in range(1, 9))], "too few"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, rows: list[str], says: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("\n".join(["ops,percent,ms", *rows]))
    with pytest.raises(LutraError, match=r"bad\.csv") as caught:
        read_csv(path, "ops", "percent", "ms")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_column_or_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "good.csv"
    path.write_text("ops,percent,ms\n0,90,1\n1,80,2\n")
    with pytest.raises(LutraError, match="did you mean 'percent'"):
        read_csv(path, "ops", "precent", "ms")
    with pytest.raises(LutraError, match="cannot read"):
        read_csv(tmp_path / "none.csv", "ops", "percent", "ms")


# DARTS.


def test_darts_finds_the_optimum_of_a_separable_toy() -> None:
    problem = toy(Bounded({"latency": 1.0}))
    candidates = darts(problem, Random(0), every=100)
    assert next(candidates).arch == tuple(COSTS.argmin(1).tolist())


def test_darts_finds_the_fastest_where_only_latency_counts() -> None:
    problem = replace(toy(MnasNet({"latency": 0.015}, weight=-100)), accuracies=lambda archs: [1.0] * len(archs))
    assert next(darts(problem, Random(0), every=100)).arch == SECONDS.lowest


def test_darts_comes_back_from_beyond_the_limit() -> None:
    limit, seen = 1.1 * SECONDS(SECONDS.lowest), []

    class Noted(Toy):
        def costs(self, distribution: list[Tensor]) -> dict[str, Tensor]:
            seen.append(SECONDS.expected(distribution))
            return {"latency": seen[-1]}

    problem = replace(toy(Bounded({"latency": limit})), relax=lambda seed: Noted())
    next(darts(problem, Random(0), every=200))
    assert seen[0] > 1.4 * limit  # the cost of the uniform mixture
    assert seen[-1] < 1.05 * limit


def test_darts_tells_what_discretization_cost() -> None:
    first, later = itertools.islice(darts(toy(Bounded({"latency": 1.0})), Random(0), every=100), 0, 8, 7)
    assert first.mixture is not None
    assert first.discretization_cost == first.mixture - first.accuracy
    assert first.discretization_cost < 0  # for a sum over layers, the mode is better than the mixture
    assert later.mixture is not None
    assert later.mixture > first.mixture  # the mixture sharpens
    assert next(random_search(toy(Bounded({"latency": 1.0})), Random(0))).discretization_cost is None


def test_darts_needs_something_to_train() -> None:
    with pytest.raises(LutraError, match="darts needs weights to train"):
        next(darts(replace(toy(Pareto({"latency": 1.0})), relax=None), Random(0)))


def test_skip_must_outweigh_the_other_options_together() -> None:
    block, skip = MBConv(8, 24, 8, 3, 1, 4), Skip(8, 4)
    options = (block, replace(block, kernel=5), replace(block, kernel=7), skip)
    assert mode(options, torch.tensor([0.2, 0.25, 0.15, 0.4])) == 1
    assert mode(options, torch.tensor([0.2, 0.1, 0.1, 0.6])) == 3
    assert mode("abcd", torch.tensor([0.2, 0.25, 0.15, 0.4])) == 3


Batch = tuple[Tensor, Tensor]


@cache
def digits() -> tuple[Batch, Batch]:
    """Returns training and validation images [N, 1, 16, 16] of scikit-learn's digits, and labels [N].

    At the original 8 pixels deeper networks are no better, so that Skip would rightly win.
    """
    data = load_digits()
    small = torch.tensor(data.images[:, None], dtype=torch.float32) / 8 - 1
    images, labels = F.interpolate(small, size=16, mode="bilinear"), torch.tensor(data.target)
    return (images[:1200], labels[:1200]), (images[1200:1500], labels[1200:1500])


def batches(step: int) -> Batch:
    images, labels = digits()[0]
    picked = np.random.default_rng(step).choice(len(images), 16, replace=False)
    return images[picked], labels[picked]


@pytest.fixture(scope="module")
def supernet() -> Supernet:
    """Returns a supernet trained for a few steps (largest, smallest, random)."""
    torch.manual_seed(0)
    space, rng = tiny(1, 16, 10), Random(0)
    supernet = Supernet(space)
    sgd = torch.optim.SGD(supernet.parameters(), 0.05, momentum=0.9)
    for step in range(40):
        images, labels = batches(step)
        sgd.zero_grad()
        for arch in (space.largest, space.smallest, space.sample(rng)):
            F.cross_entropy(supernet(images, arch), labels).backward()
        sgd.step()
    return supernet


def by_macs(space: SearchSpace) -> AdditiveCost:
    """Returns a cost of one nanosecond per multiply-accumulate; Skip costs nothing."""
    seconds = np.full((len(space.layers), max(space.options)), np.nan)
    for layer, options in enumerate(space.layers):
        seconds[layer, : len(options)] = [1e-9 * macs((option,)) for option in options]
    return AdditiveCost(seconds)


def problem_of(supernet: Supernet, fraction: float, train: Callable[[int], Batch] = batches) -> Problem:
    """Returns the problem of the most accurate network within a fraction of the reference's latency."""
    latency = by_macs(supernet.space)
    objective = Bounded({"latency": fraction * latency(supernet.space.reference)})
    return supernet_problem(supernet, {"latency": latency}, objective, train, digits()[0][0][:256], digits()[1])


@pytest.mark.parametrize(("fraction", "deepest"), [(0.6, False), (2.0, True)], ids=["limited", "unlimited"])
def test_darts_does_not_end_all_skip(supernet: Supernet, fraction: float, deepest: bool) -> None:
    problem = problem_of(supernet, fraction)
    space = problem.space
    assert problem.evaluate(space.largest).accuracy > problem.evaluate(space.smallest).accuracy  # deeper is better here
    ended = next(darts(problem, Random(0), every=25)).arch
    assert depth(space, space.smallest) < depth(space, ended)
    assert not deepest or depth(space, ended) == depth(space, space.largest)


def test_darts_takes_skip_where_only_latency_counts(supernet: Supernet) -> None:
    problem = replace(problem_of(supernet, 1.0), objective=MnasNet({"latency": 1e-3}, weight=-100))
    ended = next(darts(problem, Random(0), every=20)).arch
    assert depth(problem.space, ended) == depth(problem.space, problem.space.smallest)


def depth(space: SearchSpace, arch: Arch) -> int:
    return sum(bool(spec.convs) for spec in space.decode(arch))


def test_the_supernet_that_judges_stays_as_it_was(supernet: Supernet) -> None:
    asked: list[int] = []

    def noted(step: int) -> Batch:
        asked.append(step)
        return batches(step)

    problem = problem_of(supernet, 0.6, noted)
    before = {name: tensor.clone() for name, tensor in supernet.state_dict().items()}
    arch = problem.space.reference
    images, labels = digits()[1]
    network = calibrate(supernet.extract(arch), digits()[0][0][:256])
    next(darts(problem, Random(0), every=2))
    assert problem.evaluate(arch).accuracy == accuracy(predict(network, images), labels)
    assert all(torch.equal(tensor, before[name]) for name, tensor in supernet.state_dict().items())
    assert [step - asked[0] for step in asked] == [0, 3, 2, 5]  # weights on even steps, alpha on odd ones
    assert asked[0] % 2 == 0


def test_a_relaxation_at_a_corner_is_the_architecture(supernet: Supernet) -> None:
    problem = problem_of(supernet, 0.6)
    assert problem.relax is not None
    relaxation, arch = problem.relax(0), problem.space.reference
    corner = [F.one_hot(torch.tensor(pick), n).float() for pick, n in zip(arch, problem.space.options)]
    images, labels = batches(1)
    judged = accuracy(torch.cat([supernet(part, arch) for part in image_batches(digits()[1][0])]), digits()[1][1])
    assert relaxation.accuracy(corner) == judged
    with mixed_precision(None, images.device):
        expected = F.cross_entropy(supernet(images, arch), labels)
    torch.testing.assert_close(relaxation.loss(corner), expected, rtol=5e-3, atol=0)
    assert relaxation.costs(corner)["latency"].item() == pytest.approx(problem.costs["latency"](arch))

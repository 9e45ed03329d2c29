"""Tests exact fronts against enumeration, and the error bound of thinned ones."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictors.models.layer_costs import AdditiveCost
from search_spaces.space import SearchSpace
from search_spaces.spaces.nasbench_macro import nasbench_macro
from strategies.problems.objective import Pareto
from strategies.problems.problem import Candidate, Problem, front
from strategies.quality.exact import POINTS, Front, exact_front
from strategies.quality.pareto import nondominated, thinned
from strategies.quality.regret import share


class Separable(NamedTuple):
    scores: np.ndarray  # [layers, options], NaN where a layer has fewer
    latency: AdditiveCost

    @property
    def archs(self) -> np.ndarray:
        return np.array(list(itertools.product(*(range(int(n)) for n in (~np.isnan(self.scores)).sum(1)))))


# Few distinct values give ties, and sums that differ only by rounding.
values = st.sampled_from([0.0, 0.1, 0.2, 0.3, 1.0]) | st.floats(0, 1)


@st.composite
def separables(draw: st.DrawFn) -> Separable:
    options = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    scores, seconds = np.full((2, len(options), max(options)), np.nan)
    for layer, count in enumerate(options):
        scores[layer, :count] = draw(st.lists(values.map(lambda v: v - 0.3), min_size=count, max_size=count))
        seconds[layer, :count] = draw(st.lists(values, min_size=count, max_size=count))
    correction = draw(st.sampled_from([(0.0, 1.0), (0.3, 0.7)]))
    return Separable(scores, AdditiveCost(seconds, *correction))


def front_of(space: Separable, points: int = POINTS) -> Front:
    return exact_front(space.scores, {"latency": space.latency}, points)


def everything(space: Separable) -> list[Candidate]:
    """Returns every architecture, with its score as its accuracy."""
    scores, seconds = AdditiveCost(space.scores).of(space.archs), space.latency.of(space.archs)
    return [Candidate(tuple(a), s, {"latency": t}, 0.0, True) for a, s, t in zip(space.archs.tolist(), scores, seconds)]


@given(separables())
def test_the_front_is_that_of_enumeration_to_the_last_bit(space: Separable) -> None:
    found, expected = front_of(space), front(everything(space))
    assert found.slack == 0
    assert found.scores.tolist() == [c.accuracy for c in expected]
    assert found.costs["latency"].tolist() == [c.costs["latency"] for c in expected]
    assert AdditiveCost(space.scores).of(found.archs).tolist() == found.scores.tolist()
    assert space.latency.of(found.archs).tolist() == found.costs["latency"].tolist()


@given(separables(), st.integers(2, 6))
def test_a_thinned_front_is_short_and_loses_no_more_than_it_says(space: Separable, points: int) -> None:
    found = front_of(space, points)
    assert len(found.scores) <= points
    for candidate in front(everything(space)):
        as_fast = found.scores[found.costs["latency"] <= candidate.costs["latency"]]
        assert as_fast.max() >= candidate.accuracy - found.slack - 1e-12
    assert AdditiveCost(space.scores).of(found.archs).tolist() == found.scores.tolist()
    assert found.scores[-1] == max(c.accuracy for c in everything(space))
    assert found.costs["latency"][0] == min(c.costs["latency"] for c in everything(space))


def adversary(layers: int) -> Separable:
    """Returns a problem where accuracy follows latency, so that no network dominates another."""
    seconds = 2.0 ** np.arange(2 * layers).reshape(layers, 2)
    return Separable(seconds, AdditiveCost(seconds))


def test_a_front_that_is_the_whole_space_is_thinned_to_what_was_asked() -> None:
    assert len(front_of(adversary(10)).scores) == 2**10
    found = front_of(adversary(10), 100)
    assert 2 < len(found.scores) <= 100
    assert 0 < found.slack < 10 * (found.scores[-1] - found.scores[0]) / 99


@given(st.lists(st.tuples(values, values), min_size=1))
def test_nondominated_is_the_front_in_order(points: list[tuple[float, float]]) -> None:
    candidates = [Candidate((i,), score, {"latency": seconds}, 0.0, True) for i, (score, seconds) in enumerate(points)]
    kept = nondominated(np.array(points)[:, 0], np.array(points)[:, 1:])
    assert [points[i] for i in kept] == [(c.accuracy, c.costs["latency"]) for c in front(candidates)]


@given(st.lists(st.floats(0, 1), min_size=1, unique=True).map(sorted), st.integers(2, 9))
def test_thinning_keeps_the_ends_and_bounds_every_loss(scores: list[float], points: int) -> None:
    kept, lost = thinned(np.array(scores), points)
    assert len(kept) <= points
    assert {0, len(scores) - 1} <= set(kept)
    before = kept[np.searchsorted(kept, np.arange(len(scores)), side="right") - 1]
    assert max(np.array(scores) - np.array(scores)[before]) == lost


def rising(score: float) -> float:
    return 1 / (1 + math.exp(-score / 100))


def test_candidates_are_judged_as_a_search_judges_them() -> None:
    space, objective = adversary(3), Pareto({"latency": 1e3})
    found = front_of(space).candidates(objective, rising)
    problem = Problem(
        space=SearchSpace("adversary", ((0, 1),) * 3, (0, 0, 0)),
        objective=objective,
        accuracies=lambda archs: [rising(score) for score in AdditiveCost(space.scores).of(np.array(archs))],
        costs={"latency": space.latency},
    )
    assert found == problem.evaluate_all([c.arch for c in found])
    assert share(found, found) == 1


@pytest.mark.parametrize("points", [200_000, 40])
@pytest.mark.parametrize("seed", range(3))
def test_a_front_of_stacks_holds_each_network_once(seed: int, points: int) -> None:
    """Where an effect depends on the place of a Skip, the canonical architecture counts."""
    space, rng = nasbench_macro(3, 8, 10), np.random.default_rng(seed)
    shape = (len(space.layers), max(space.options))
    absent = np.arange(shape[1]) >= np.array(space.options)[:, None]
    scores = np.where(absent, np.nan, rng.normal(size=shape))
    latency = AdditiveCost(np.where(absent, np.nan, rng.uniform(size=shape)))
    archs = np.array(space.networks)
    expected = np.stack([AdditiveCost(scores).of(archs), latency.of(archs)], 1)
    found = exact_front(scores, {"latency": latency}, points, space.stacks)
    assert [space.canonical(tuple(arch)) for arch in found.archs.tolist()] == [*map(tuple, found.archs.tolist())]
    if found.slack == 0:
        best = expected[nondominated(expected[:, 0], expected[:, 1:])]
        assert np.stack([found.scores, found.costs["latency"]], 1).tolist() == best.tolist()
    assert len(found.scores) <= points
    for score, seconds in expected[nondominated(expected[:, 0], expected[:, 1:])].tolist():
        assert found.scores[found.costs["latency"] <= seconds].max() >= score - found.slack - 1e-12

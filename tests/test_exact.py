"""Exact fronts against enumeration, the bound of thinned ones, budgets."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from predictors.additive import AdditiveLatency
from search_spaces.space import SearchSpace
from strategies.exact import exact_front, nondominated, thinned
from strategies.objective import Pareto
from strategies.problem import Candidate, Problem, front
from strategies.regret import share


class Separable(NamedTuple):
    scores: np.ndarray  # [layers, options], NaN where a layer has fewer
    latency: AdditiveLatency

    @property
    def archs(self) -> np.ndarray:
        return np.array(list(itertools.product(*(range(int(n)) for n in (~np.isnan(self.scores)).sum(1)))))


# Few distinct values bring ties, and sums that differ by rounding alone.
values = st.sampled_from([0.0, 0.1, 0.2, 0.3, 1.0]) | st.floats(0, 1)


@st.composite
def separables(draw: st.DrawFn) -> Separable:
    options = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    scores, seconds = np.full((2, len(options), max(options)), np.nan)
    for layer, count in enumerate(options):
        scores[layer, :count] = draw(st.lists(values.map(lambda v: v - 0.3), min_size=count, max_size=count))
        seconds[layer, :count] = draw(st.lists(values, min_size=count, max_size=count))
    correction = draw(st.sampled_from([(0.0, 1.0), (0.3, 0.7)]))
    return Separable(scores, AdditiveLatency(seconds, *correction))


def everything(space: Separable) -> list[Candidate]:
    """Every architecture, with its score for the accuracy."""
    scores, seconds = AdditiveLatency(space.scores).of(space.archs), space.latency.of(space.archs)
    return [Candidate(tuple(a), s, t, 0.0, True) for a, s, t in zip(space.archs.tolist(), scores, seconds)]


@given(separables())
def test_the_front_is_that_of_enumeration_to_the_last_bit(space: Separable) -> None:
    found, expected = exact_front(*space), front(everything(space))
    assert found.slack == 0
    assert found.scores.tolist() == [c.accuracy for c in expected]
    assert found.seconds.tolist() == [c.latency for c in expected]
    assert AdditiveLatency(space.scores).of(found.archs).tolist() == found.scores.tolist()
    assert space.latency.of(found.archs).tolist() == found.seconds.tolist()


@given(separables(), st.integers(2, 6))
def test_a_thinned_front_is_short_and_loses_no_more_than_it_says(space: Separable, points: int) -> None:
    found = exact_front(*space, points)
    assert len(found.scores) <= points
    for candidate in front(everything(space)):
        as_fast = found.scores[found.seconds <= candidate.latency]
        assert as_fast.max() >= candidate.accuracy - found.slack - 1e-12
    assert AdditiveLatency(space.scores).of(found.archs).tolist() == found.scores.tolist()
    assert found.scores[-1] == max(c.accuracy for c in everything(space))
    assert found.seconds[0] == min(c.latency for c in everything(space))


def adversary(layers: int) -> Separable:
    """Accuracy follows latency: nothing dominates anything."""
    seconds = 2.0 ** np.arange(2 * layers).reshape(layers, 2)
    return Separable(seconds, AdditiveLatency(seconds))


def test_a_front_that_is_the_whole_space_is_thinned_to_what_was_asked() -> None:
    assert len(exact_front(*adversary(10)).scores) == 2**10
    found = exact_front(*adversary(10), 100)
    assert 2 < len(found.scores) <= 100
    assert 0 < found.slack < 10 * (found.scores[-1] - found.scores[0]) / 99


@given(st.lists(st.tuples(values, values), min_size=1))
def test_nondominated_is_the_front_in_order(points: list[tuple[float, float]]) -> None:
    candidates = [Candidate((i,), score, seconds, 0.0, True) for i, (score, seconds) in enumerate(points)]
    kept = nondominated(*np.array(points).T)
    assert [points[i] for i in kept] == [(c.accuracy, c.latency) for c in front(candidates)]


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
    space, objective = adversary(3), Pareto(1e3)
    found = exact_front(*space).candidates(objective, rising)
    problem = Problem(
        space=SearchSpace("adversary", ((0, 1),) * 3, (0, 0, 0)),
        objective=objective,
        accuracies=lambda archs: [rising(score) for score in AdditiveLatency(space.scores).of(np.array(archs))],
        latency=space.latency,
    )
    assert found == problem.evaluate_all([c.arch for c in found])
    assert share(found, found, 1e3) == 1

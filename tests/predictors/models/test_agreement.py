"""Tests the measures of agreement, and learning curves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from experiments.bench.fidelity_published import alike
from experiments.comparison.learning_curves import points
from experiments.comparison.published_latencies import Measurements
from predictors.metrics.agreement import agreement
from predictors.models.learned import LEARNERS
from tests.predictors.models.additive_costs import published


def test_agreement_by_hand() -> None:
    found = agreement(np.array([1.04, 1.84, 3.0, 4.6]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert found.bias == pytest.approx((0.04 - 0.08 + 0 + 0.15) / 4)
    assert found.mape == pytest.approx(0.27 / 4)
    assert (found.within_5, found.within_10) == (0.5, 0.75)
    assert found.tau == found.tau_a == pytest.approx(1)


def test_a_tie_counts_half_in_tau_a_and_less_in_tau_b() -> None:
    """Five of six pairs are in the right order, one is tied."""
    found = agreement(np.array([1.0, 2.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert found.tau_a == pytest.approx(5 / 6)
    assert found.tau == pytest.approx(5 / (5 * 6) ** 0.5)


def test_a_constant_orders_nothing() -> None:
    found = agreement(np.full(4, 2.0), np.array([1.0, 2.0, 3.0, 4.0]))
    assert (found.tau, found.tau_a) == (0, 0)


def test_the_same_seed_gives_the_same_numbers_and_splits_never_meet() -> None:
    learners = {name: LEARNERS[name] for name in ("ridge", "forest")}
    once, again = (list(points("x", published(), learners, [30, 60], 2)) for _ in range(2))
    assert once == again
    assert {(one.trained_on, one.held_out) for one in once} == {(30, 60), (60, 30)}
    assert len({one.mape for one in once}) == len(once) == 8

    def recalls(archs: np.ndarray, seconds: np.ndarray, options: object) -> Callable[[np.ndarray], np.ndarray]:
        known = {tuple(arch) for arch in archs}
        return lambda others: np.array([2.0 if tuple(arch) in known else 1.0 for arch in others])

    (one,) = points("x", replace(published(), seconds=np.ones(90)), {"recalls": recalls}, [45], 1)
    assert one.mape == 0  # no test network was trained on


def test_alike_networks_share_their_mean() -> None:
    archs = np.array([[0, 1], [1, 0], [1, 1], [0, 0]])
    mean, seconds = alike(Measurements(archs, np.array([1.0, 3.0, 5.0, 7.0]), (2, 2)))
    assert mean.tolist() == [2.0, 2.0, 5.0, 7.0]
    assert seconds.tolist() == [1.0, 3.0, 5.0, 7.0]

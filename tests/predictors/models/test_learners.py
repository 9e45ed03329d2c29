"""Tests predictors that are trained on whole networks, on exact cases."""

from __future__ import annotations

import numpy as np
import pytest

from predictors.metrics.agreement import agreement
from predictors.models.learned import LEARNERS, one_hot
from predictors.models.tied_additive import tied_additive
from tests.predictors.models.additive_costs import OPTIONS, costs_of_layers, draw

LINEAR = ("ridge", "gaussian_process", "additive", "tied_additive", "additive_process")


def costs_of_options(archs: np.ndarray) -> np.ndarray:
    """Returns latencies that are equal in all layers; options 0 and 3 take the same time."""
    return 1e-3 + np.array([1e-4, 5e-4, 9e-4, 1e-4])[archs].sum(1)


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("seed", [0, 1])
def test_an_additive_truth_is_recovered(name: str, seed: int) -> None:
    truth, known, others = costs_of_layers(seed), draw(120, seed), draw(50, seed + 100)
    predict = LEARNERS[name](known, truth(known), OPTIONS)
    assert predict(others) == pytest.approx(truth(others), rel=0.02 if name == "gaussian_process" else 0.002)


def test_alike_layers_are_found_and_equal_options_are_tied() -> None:
    """It needs fewer noisy networks than one cost per layer and option would need."""
    options = (4,) * 6
    known, others = draw(20, 0, options), draw(200, 1, options)
    seconds = costs_of_options(known) * np.exp(0.01 * np.random.default_rng(2).standard_normal(20))
    predicted = tied_additive(known, seconds, options)(others)
    assert predicted == pytest.approx(costs_of_options(others), rel=0.02)
    kinds = np.stack([(others == 1).sum(1), (others == 2).sum(1)], axis=1)
    assert len(np.unique(predicted)) == len(np.unique(kinds, axis=0)) < 40
    ridge = LEARNERS["ridge"](known, seconds, options)(others)
    assert agreement(predicted, costs_of_options(others)).mape < agreement(ridge, costs_of_options(others)).mape / 2


def test_layers_that_are_not_alike_are_not_taken_as_such() -> None:
    truth, known = costs_of_layers(3), draw(60, 3)
    seconds = truth(known) * np.exp(0.01 * np.random.default_rng(2).standard_normal(60))
    others = draw(200, 4)
    assert agreement(tied_additive(known, seconds, OPTIONS)(others), truth(others)).mape < 0.01


@pytest.mark.parametrize("name", LINEAR)
def test_the_order_of_the_training_networks_says_nothing(name: str) -> None:
    known, others = draw(40, 0), draw(30, 1)
    seconds = costs_of_layers(0)(known) * np.exp(0.02 * np.random.default_rng(0).standard_normal(40))
    order = np.random.default_rng(1).permutation(40)
    predict, shuffled = (LEARNERS[name](known[i], seconds[i], OPTIONS) for i in (np.arange(40), order))
    assert shuffled(others) == pytest.approx(predict(others), rel=1e-3)


@pytest.mark.parametrize("name", LEARNERS)
def test_twice_the_seconds_are_twice_the_prediction(name: str) -> None:
    known, others = draw(30, 0), draw(20, 1)
    seconds = costs_of_layers(0)(known) * np.exp(0.02 * np.random.default_rng(0).standard_normal(30))
    once, twice = (LEARNERS[name](known, factor * seconds, OPTIONS)(others) for factor in (1.0, 2.0))
    assert twice == pytest.approx(2 * once, rel=1e-6)


@pytest.mark.parametrize("name", LEARNERS)
def test_equal_networks_give_a_constant(name: str) -> None:
    """There are as few networks as in the smallest table, all with the same latency."""
    known = draw(4, 0)
    predicted = LEARNERS[name](known, np.full(4, 2e-3), OPTIONS)(known)
    assert predicted == pytest.approx(np.full(4, 2e-3), rel=1e-3)


def test_one_hots_have_a_one_for_each_layer() -> None:
    archs = draw(10, 0)
    rows = one_hot(archs, OPTIONS)
    assert rows.shape == (10, sum(OPTIONS))
    assert (rows.sum(1) == len(OPTIONS)).all()
    assert rows[0, archs[0, 0]] == rows[0, OPTIONS[0] + archs[0, 1]] == 1

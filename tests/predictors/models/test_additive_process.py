"""Tests the default learned predictor: its rest, its leave-one-out errors, and the uncertainty that it states."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from predictors.metrics.agreement import agreement
from predictors.models.additive_process import additive_process
from predictors.models.tied_additive import TiedAdditive, tied_additive

ALIKE, DIFFERENT = (4,) * 6, (3, 4, 4, 2, 4, 4)
TRUTHS = {"alike": ALIKE, "different": DIFFERENT}


def draw(count: int, seed: int, options: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, options, (count, len(options)))


def additive_truth(options: tuple[int, ...]) -> Callable[[np.ndarray], np.ndarray]:
    """Seconds [n] that add; the same in all layers if all have the same options."""
    rows = 1 if len({*options}) == 1 else len(options)
    costs = np.random.default_rng(5).uniform(1e-4, 1e-3, (rows, max(options))).repeat(len(options) // rows, axis=0)
    return lambda archs: 2e-3 + costs[np.arange(len(options)), archs].sum(1)


def saturating_truth(options: tuple[int, ...]) -> Callable[[np.ndarray], np.ndarray]:
    """Seconds [n] that do not add: the more of them, the more each further layer costs."""
    additive = additive_truth(options)
    return lambda archs: 1e-3 * (1e3 * additive(archs) / 4) ** 3


def noisy(seconds: np.ndarray, level: float, seed: int) -> np.ndarray:
    return seconds + level * seconds.mean() * np.random.default_rng(seed).standard_normal(len(seconds))


@pytest.mark.parametrize("options", TRUTHS.values(), ids=TRUTHS)
def test_what_does_not_add_is_learned(options: tuple[int, ...]) -> None:
    truth, known, others = saturating_truth(options), draw(200, 0, options), draw(500, 1, options)
    seconds = noisy(truth(known), 0.01, 2)
    ours, additive = (learner(known, seconds, options)(others) for learner in (additive_process, tied_additive))
    assert agreement(ours, truth(others)).mape < agreement(additive, truth(others)).mape / 2


@pytest.mark.parametrize("options", TRUTHS.values(), ids=TRUTHS)
def test_nothing_is_lost_where_everything_adds(options: tuple[int, ...]) -> None:
    truth, known, others = additive_truth(options), draw(60, 0, options), draw(500, 1, options)
    seconds = noisy(truth(known), 0.02, 2)
    ours, additive = (learner(known, seconds, options)(others) for learner in (additive_process, tied_additive))
    assert agreement(ours, truth(others)).mape < 1.1 * agreement(additive, truth(others)).mape


@pytest.mark.parametrize("make", [additive_truth, saturating_truth])
@pytest.mark.parametrize("options", TRUTHS.values(), ids=TRUTHS)
@pytest.mark.parametrize("level", [0.01, 0.1])
def test_the_stated_deviation_covers_new_measurements(
    make: Callable[[tuple[int, ...]], Callable[[np.ndarray], np.ndarray]], options: tuple[int, ...], level: float
) -> None:
    """At least about as often as a normal distribution says: 68 % within one standard deviation, 95 % within two.

    More lie within one where noise is small and latency does not add: a few networks then have most of the error.
    """
    errors = []
    for seed in range(4):
        known, others = draw(80, seed, options), draw(300, seed + 100, options)
        truth = make(options)
        measured = noisy(truth(np.concatenate([known, others])), level, seed)
        seconds, deviations = additive_process(known, measured[:80], options).predict(others)
        errors += [np.abs(measured[80:] - seconds) / deviations]
    shares = [float((np.concatenate(errors) <= count).mean()) for count in (1, 2)]
    assert 0.58 <= shares[0] <= 0.85
    assert 0.90 <= shares[1] <= 0.99


def test_the_call_is_the_mean_of_the_prediction() -> None:
    known, others = draw(40, 0, ALIKE), draw(30, 1, ALIKE)
    model = additive_process(known, saturating_truth(ALIKE)(known), ALIKE)
    seconds, deviations = model.predict(others)
    assert np.array_equal(model(others), seconds)
    assert (deviations > 0).all()


@pytest.mark.parametrize("options", TRUTHS.values(), ids=TRUTHS)
def test_a_left_out_error_is_the_error_of_a_fit_to_the_others(options: tuple[int, ...]) -> None:
    """By conditioning the additive model on all other networks, one network after the other."""
    archs = draw(25, 0, options)
    seconds = noisy(additive_truth(options)(archs), 0.05, 1)
    model = tied_additive(archs, seconds, options)
    kernel = kernel_of(model, archs)
    for index, error in enumerate(model.errors):
        others = np.arange(len(archs)) != index
        total = kernel[np.ix_(others, others)] + np.eye(len(archs) - 1)
        predicted = kernel[index, others] @ np.linalg.solve(total, seconds[others] - seconds.mean()) + seconds.mean()
        assert seconds[index] - predicted == pytest.approx(error, rel=1e-2, abs=1e-3 * seconds.std())


def kernel_of(model: TiedAdditive, archs: np.ndarray) -> np.ndarray:
    """The prior covariance of the seconds, in units of the noise, with an unknown intercept."""
    picked = model.model.group[archs]
    same = (picked[:, None, :, None] == picked[None, :, None, :]).astype(float)  # [n, n, layers, layers]
    if model.model.alike:
        return np.exp(2 * model.model.prior[0]) * same.sum((2, 3)) + 1e6
    shared, own, reach = np.exp(model.model.prior)
    layers = np.arange(archs.shape[1])
    between = shared**2 * np.exp(-np.abs(layers[:, None] - layers) / reach) + own**2 * np.eye(len(layers))
    return (same * between).sum((2, 3)) + 1e6

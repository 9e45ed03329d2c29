"""Tests the surrogate's model against scikit-learn and finite differences, and its search within a latency bound."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel

from predictors.models import gaussian_process
from predictors.models.gaussian_process import JITTER, evidence, fitted
from predictors.models.layer_costs import AdditiveCost
from predictors.models.learned import one_hot
from search_spaces import space as spaces
from search_spaces.space import Arch, SearchSpace
from strategies.algorithms.surrogate import on_model, surrogate
from strategies.algorithms.surrogate.expected_improvement import improvement
from strategies.problems.objective import Bounded, MnasNet, Objective, Pareto
from strategies.problems.problem import Problem, best
from strategies.problems.search import search

OPTIONS = (4,) * 6
SECONDS = AdditiveCost(np.random.default_rng(0).uniform(1e-3, 5e-3, (6, 4)))
PAIRS = np.random.default_rng(1).normal(0, 0.02, (5, 4, 4))


def accuracy(arch: Arch) -> float:
    """Slower is better on average, and neighbours interact."""
    return 0.5 + 10 * SECONDS(arch) + float(sum(pair[a, b] for pair, a, b in zip(PAIRS, arch, arch[1:])))


def problem(objective: Objective) -> Problem:
    space = SearchSpace("pairs", (tuple("abcd"),) * 6, (0,) * 6, lambda arch: sum(arch) % 7 != 0 or not any(arch))
    return Problem(space, objective, lambda archs: [accuracy(arch) for arch in archs], {"latency": SECONDS})


def sampled(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns one-hot features with the latency, and targets that depend on these and on noise."""
    rng = np.random.default_rng(seed)
    picks = rng.integers(4, size=(count, 6))
    seconds = SECONDS.of(picks)
    targets = np.array([accuracy(tuple(arch)) for arch in picks.tolist()]) + rng.normal(0, 0.003, count)
    return np.column_stack([one_hot(picks, OPTIONS), (seconds - seconds.mean()) / seconds.std()]), targets


def test_the_gradient_of_the_evidence_is_that_of_differences() -> None:
    features, targets = sampled(30, 0)
    logs = np.random.default_rng(0).normal(-2, 0.5, features.shape[1] + 2)
    _, gradient = evidence(logs, features, targets)
    steps = 1e-5 * np.eye(len(logs))
    ends = [
        (evidence(logs + step, features, targets)[0], evidence(logs - step, features, targets)[0]) for step in steps
    ]
    np.testing.assert_allclose(gradient, [(high - low) / 2e-5 for high, low in ends], rtol=1e-4, atol=1e-5)


def test_predictions_and_evidence_are_those_of_scikit_learn() -> None:
    features, targets = sampled(60, 1)
    model = fitted(features[:40], targets[:40], 6)
    signal, noise = np.exp(model.logs[-1]), np.exp(model.logs[-2]) + JITTER
    kernel = ConstantKernel(signal) * RBF(np.exp(-model.logs[:-2] / 2) / 2**0.5)
    theirs = GaussianProcessRegressor(kernel, alpha=noise, optimizer=None, normalize_y=True)
    theirs.fit(features[:40], targets[:40])
    for ours, expected in zip(model.predict(features), theirs.predict(features, return_std=True)):
        np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-6 * targets.std())
    scaled = (targets[:40] - targets[:40].mean()) / targets[:40].std()
    constant = 20 * np.log(2 * np.pi)
    value = evidence(model.logs, features[:40], scaled)[0]
    assert -value - constant == pytest.approx(theirs.log_marginal_likelihood_value_, rel=1e-6)


def test_a_feature_that_explains_nothing_loses_its_relevance() -> None:
    rng = np.random.default_rng(2)
    features = rng.normal(size=(80, 2))
    model = None
    for count in (20, 40, 80):  # each fit starts from the last one
        model = fitted(features[:count], np.sin(2 * features[:count, 0]), 1, model)
    assert model is not None
    assert model.logs[0] > model.logs[1] + 2


def test_equal_targets_are_predicted_everywhere() -> None:
    features, _ = sampled(10, 3)
    means, deviations = fitted(features, np.full(10, 0.7), 6).predict(features + 1)
    np.testing.assert_allclose(means, 0.7)
    assert np.isfinite(deviations).all()
    assert (deviations > 0).all()


def test_expected_improvement_is_the_mean_of_draws() -> None:
    means, deviations = np.array([-1.0, 0.0, 2.0]), np.array([0.5, 1.0, 0.1])
    draws = means + deviations * np.random.default_rng(0).normal(size=(200_000, 3))
    expected = np.maximum(draws - 0.5, 0).mean(0)
    np.testing.assert_allclose(improvement(means, deviations, 0.5), expected, atol=3e-3)
    far = improvement(np.linspace(-100, 0, 50), np.ones(50), 0.0)
    assert (np.diff(far) >= 0).all()
    assert (far >= 0).all()


@pytest.mark.parametrize("small", [spaces.SMALL, 0], ids=["whole space", "evolution on the model"])
@pytest.mark.parametrize("objective", [Bounded({"latency": 0.014}), MnasNet({"latency": 0.015}, -0.3)], ids=str)
def test_the_best_network_of_interacting_layers_is_found(
    objective: Objective, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spaces, "SMALL", small)
    one = problem(objective)
    everything = [arch for arch in itertools.product(range(4), repeat=6) if one.space.valid(arch)]
    exact = best(replace(one, memo={}).evaluate(arch) for arch in everything)
    found = list(search(partial(surrogate, initial=12), one, Random(0), 100))
    assert len(found) == 100
    assert best(found).score == pytest.approx(exact.score, abs=5e-3)
    if isinstance(objective, Bounded):
        assert all(candidate.feasible for candidate in found)


@pytest.mark.parametrize("objective", [Bounded({"latency": 0.02}), Pareto({"latency": 0.03})], ids=str)
def test_models_are_fitted_to_a_bounded_number_of_candidates(
    objective: Objective, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a search of 1,000 would take a thousand times as long as one of 100, not ten times."""
    sizes: list[int] = []

    def noted(fit: Callable[..., Any]) -> Callable[..., Any]:
        def fitted(features: np.ndarray, *others: Any) -> Any:
            sizes.append(len(features))
            return fit(features, *others)

        return fitted

    monkeypatch.setattr(on_model, "LEARNED", 40)
    monkeypatch.setattr(gaussian_process, "fitted", noted(gaussian_process.fitted))
    one = problem(objective)
    found = list(search(partial(surrogate, batch=20), one, Random(0), 160))
    assert len(found) == 160
    assert max(sizes) == 40 < sizes.count(40) * 20 < 160
    everything = [arch for arch in itertools.product(range(4), repeat=6) if one.feasible(arch)]
    best_of_all = best(replace(one, memo={}).evaluate_all(everything)).score
    assert best(found).score > 0.98 * best_of_all


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=1000).map(np.array))
def test_the_best_candidates_are_among_those_learned_from(worths: np.ndarray) -> None:
    chosen = on_model.informative(worths)
    assert len({*chosen.tolist()}) == len(chosen) == min(len(worths), on_model.LEARNED)
    assert worths.max() == worths[chosen].max()
    assert worths.min() == worths[chosen].min()

"""Tests rank correlations, and the score without training."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau, spearmanr

from experiments.comparison.ranking_correlations import PREDICTORS, correlations
from paper.ranking_rows import Ranked
from predictors.metrics.rank_correlation import _weighted, rank_correlation, tau_difference
from predictors.models.naswot import naswot
from search_spaces.layers import Head, Stem
from search_spaces.networks.network import Network
from tests.networks import smallest_space

SPACE = smallest_space(1, 16, 10)


def test_the_same_order_is_one_and_the_opposite_minus_one() -> None:
    truth = np.random.default_rng(0).random(30)
    same, opposite = rank_correlation(truth**3, truth, 200, 0), rank_correlation(-truth, truth, 200, 0)
    assert (same.tau, same.tau_low, same.tau_high, same.rho) == pytest.approx((1, 1, 1, 1))
    assert (opposite.tau, opposite.rho) == pytest.approx((-1, -1))


def test_ties_and_resamples_are_as_scipy_has_them() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 8, 20), rng.integers(0, 5, 20)
    draw = rng.integers(0, 20, 20)
    times = np.stack([np.ones(20), np.bincount(draw, minlength=20)])
    plain, drawn = _weighted(times, x, y)
    for found, (a, b) in ((plain, (x, y)), (drawn, (x[draw], y[draw]))):
        assert found == pytest.approx([kendalltau(a, b).statistic, spearmanr(a, b).statistic], rel=1e-5)


def test_one_swapped_pair_by_hand() -> None:
    found = rank_correlation(np.array([1.0, 2, 4, 3]), np.array([1.0, 2, 3, 4]), 10, 0)
    assert found.tau == pytest.approx(4 / 6)  # five pairs of six agree
    assert found.rho == pytest.approx(1 - 6 * 2 / (4 * 15))


def test_a_constant_orders_nothing() -> None:
    found = rank_correlation(np.ones(8), np.arange(8.0), 50, 0)
    assert (found.tau, found.tau_low, found.tau_high, found.rho) == (0, 0, 0, 0)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """For pairs of normal numbers with correlation r, tau is 2 asin(r) / pi."""
    rng, r = np.random.default_rng(0), 0.7
    held = 0
    for seed in range(40):
        x, noise = rng.standard_normal((2, 60))
        found = rank_correlation(x, r * x + np.sqrt(1 - r**2) * noise, 100, seed)
        held += found.tau_low <= 2 * np.arcsin(r) / np.pi <= found.tau_high
    assert 33 <= held <= 40


def test_two_predictors_are_compared_on_the_same_resamples() -> None:
    """A predictor leads itself by nothing, and its own blurred copy certainly, although their intervals overlap."""
    rng = np.random.default_rng(0)
    truth, noise = rng.standard_normal((2, 24))
    sharp = truth + 0.5 * noise
    blurred = sharp + 0.7 * rng.standard_normal(24)
    assert tau_difference(sharp, sharp, truth, 200, 0) == (0, 0, 0)
    difference, low, high = tau_difference(sharp, blurred, truth, 1000, 0)
    one, other = (rank_correlation(values, truth, 1000, 0) for values in (sharp, blurred))
    assert difference == pytest.approx(one.tau - other.tau)
    assert one.tau_low < other.tau_high
    assert 0 < low < difference < high
    assert tau_difference(blurred, sharp, truth, 1000, 0) == pytest.approx((-difference, -high, -low))


def test_the_better_half_is_judged_on_its_own() -> None:
    """The number of parameters orders all networks but the best ones, which it orders in reverse."""
    size = [1, 2, 3, 4, 8, 7, 6, 5]
    networks = [Ranked(str(i), i / 10, i / 20, 1.0, float(p), -1.0 * i) for i, p in enumerate(size)]
    taus = {(one.among, one.predictor): one for one in correlations(networks, 0)}
    assert set(taus) == {*product(("all", "above median"), PREDICTORS)}
    assert taus["above median", "parameters"].tau == pytest.approx(-1)
    assert taus["above median", "parameters"].networks == 4
    assert taus["all", "parameters"].tau == pytest.approx((22 - 6) / 28)
    assert taus["all", "supernet"].tau == pytest.approx(1)
    assert taus["all", "MACs"].tau == 0
    assert (taus["all", "MACs"].difference, taus["all", "MACs"].significantly_worse) == (pytest.approx(1), True)
    assert (taus["all", "supernet"].difference, taus["all", "supernet"].significantly_worse) == (None, False)


def test_naswot_by_hand() -> None:
    """The score is computed from the codes, compared in pairs."""
    network = Network([Stem(1, 4, 1, 8), Head(4, 8, 2, 8)])
    images = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    units = 4 * 64 + 8 * 64
    codes: list[torch.Tensor] = []
    for layer in network.layers:
        layer.convs[0].activation.register_forward_hook(lambda module, inputs, out: codes.append((out > 0).flatten(1)))
    score = naswot(network, images)
    code = torch.cat(codes, 1)
    kernel = (code[:, None] == code[None]).sum(2).double()
    assert kernel.diagonal().tolist() == [units] * 3
    assert score == pytest.approx(float(torch.logdet(kernel)))


def test_naswot_leaves_no_hooks_and_sees_equal_images() -> None:
    network = Network(SPACE.decode(SPACE.largest))
    image = torch.randn(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    assert naswot(network, image.expand(4, -1, -1, -1)) == -np.inf
    assert not any(module._forward_hooks for module in network.modules())

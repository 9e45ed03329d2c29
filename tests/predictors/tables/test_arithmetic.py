"""Tests the arithmetic of latency tables: sums, expectations, corrections and contexts."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from predictors.models.layer_costs import AdditiveCost
from predictors.tables.correction import cross_validated, fit
from predictors.tables.table import LatencyTable
from predictors.timing.blocks import block_specs, computing, contexts, in_context
from search_spaces.networks.onnx_writer import random_weights, write
from search_spaces.spaces.mobile import mobile
from tests.predictors.tables.synthetic_table import SPACE, synthetic_table, true_seconds


@pytest.fixture(scope="module")
def table() -> LatencyTable:
    return synthetic_table()


@given(st.integers(0, 2**32))
@settings(max_examples=30)
def test_the_tables_sum_is_its_linear_form(seed: int) -> None:
    model = synthetic_model(seed)
    arch = SPACE.sample(Random(seed))
    one_hot = [torch.eye(count)[pick].double() for count, pick in zip(SPACE.options, arch)]
    picked = sum(model.values[layer, pick] for layer, pick in enumerate(arch))
    assert model(arch) == pytest.approx(2e-6 + 1.1 * picked)
    assert model.expected(one_hot).item() == pytest.approx(model(arch))


def synthetic_model(seed: int) -> AdditiveCost:
    seconds = np.random.default_rng(seed).uniform(1e-6, 1e-4, (len(SPACE.layers), max(SPACE.options)))
    for layer, count in enumerate(SPACE.options):
        seconds[layer, count:] = np.nan
    return AdditiveCost(seconds, intercept=2e-6, slope=1.1)


@given(st.integers(0, 2**32))
@settings(max_examples=20)
def test_expected_latency_is_the_mean_over_drawn_architectures(seed: int) -> None:
    model, rng = synthetic_model(seed), np.random.default_rng(seed)
    mixture = [rng.dirichlet(np.ones(count)) for count in SPACE.options]
    draws = np.stack([rng.choice(len(p), 20000, p=p) for p in mixture], axis=1)
    expected = model.expected([torch.from_numpy(p) for p in mixture]).item()
    assert model.of(draws).mean() == pytest.approx(expected, rel=0.02)


def test_fastest_and_slowest_bound_every_architecture() -> None:
    model = synthetic_model(1)
    sampled = model.of(np.array([SPACE.sample(Random(seed)) for seed in range(200)]))
    assert model(model.lowest) <= sampled.min()
    assert model(model.highest) >= sampled.max()


def test_blocks_out_of_context_add_up_to_the_network(table: LatencyTable) -> None:
    """Without noise the blocks are exact up to one common speed, whatever the speeds of the rounds were."""
    for arch in (SPACE.reference, SPACE.smallest, SPACE.sample(Random(5))):
        network = computing(SPACE.decode(arch))
        naive = sum(table.seconds(spec, "fp32") for spec in network)
        assert naive / true_seconds(network) == pytest.approx(naive_speed(table), rel=1e-9)


def naive_speed(table: LatencyTable) -> float:
    row = table.networks[0]
    return row.measured / true_seconds(computing(SPACE.decode(row.arch)))


def test_with_noise_prediction_stays_close() -> None:
    noisy = synthetic_table(noise=0.02)
    predict = noisy.predictor(SPACE, "fp32")
    archs = [SPACE.sample(Random(seed)) for seed in range(50)]
    truth = np.array([true_seconds(computing(SPACE.decode(arch))) for arch in archs]) * naive_speed(noisy)
    assert np.abs(predict.of(np.array(archs)) / truth - 1).mean() < 0.05


def test_the_correction_is_exact_where_its_form_is_true() -> None:
    naive, layers = np.linspace(1e-4, 5e-4, 8), np.array([3, 5, 4, 4, 6, 3, 5, 7])
    measured = 2e-6 + 1.2 * naive + 3e-6 * layers
    correction = fit(naive, measured, layers)
    assert (correction.intercept, correction.slope, correction.layer) == pytest.approx((2e-6, 1.2, 3e-6))
    same, left_out = cross_validated(naive, measured, layers)
    assert same == correction
    assert left_out == pytest.approx(measured)
    without = fit(naive, 2e-6 + 1.2 * naive)
    assert (without.intercept, without.slope, without.layer) == pytest.approx((2e-6, 1.2, 0))


@given(st.integers(0, 2**32))
@settings(max_examples=50)
def test_a_network_of_slower_blocks_is_never_predicted_to_be_faster(seed: int) -> None:
    rng = np.random.default_rng(seed)
    naive, layers = rng.uniform(1e-4, 1.1e-4, 4), rng.integers(3, 9, 4)
    correction, _ = cross_validated(naive, naive * rng.uniform(0.5, 2, 4), layers)  # nothing but noise
    assert correction.slope > 0


def test_what_networks_leave_open_stays_as_it_is() -> None:
    """With two networks, or equal numbers of layers, the fit is a line and invents no slope for the layers."""
    naive = np.linspace(1e-4, 5e-4, 8)
    alike = fit(naive, 2e-6 + 1.2 * naive, np.full(8, 7))
    assert alike.slope == pytest.approx(1.2)
    assert alike(naive, 7) == pytest.approx(2e-6 + 1.2 * naive)
    two = fit(naive[:2], 1.1 * naive[:2], np.array([5, 7]))
    assert two.slope == pytest.approx(1, abs=1e-3)
    assert two(naive[:2], np.array([5, 7])) == pytest.approx(1.1 * naive[:2])


def test_every_block_is_timed_between_neighbours_of_its_shape() -> None:
    for space in (SPACE, mobile(3, 32, 10)):
        for spec in block_specs(space):
            network = in_context(spec)
            for before, after in pairwise(network):
                assert before.out_channels == after.in_channels
            assert network[-1].convs
            assert all(write(context, random_weights(context)) for context in contexts(spec))

"""Tests the factors of a 1x1 convolution: optimal at any rank, and the rank for an energy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from compress.weights.lowrank import decomposed, energies, energy_ranks, lowrank
from search_spaces.costs import macs
from search_spaces.errors import LutraError
from search_spaces.layers import Head
from search_spaces.networks.network import ConvBN, Network
from tests.networks import lively


def pointwise(outputs: int, inputs: int) -> tuple[ConvBN, Network]:
    """Returns the last 1x1 convolution of a network, and that network."""
    torch.manual_seed(0)
    network = Network((Head(inputs, outputs, 10, 4),))
    nn.init.uniform_(network.layers[0].convs[0].norm.weight, -2, 2)
    nn.init.uniform_(network.layers[0].convs[0].norm.running_var, 0.5, 2)  # type: ignore[arg-type]
    return network.layers[0].convs[0], network


def product(factorised: Network) -> np.ndarray:
    """Returns the folded weight [out, in] of a factorised head."""
    (inner, _), (outer, _) = (conv.folded() for conv in factorised.layers[0].convs)
    return outer[:, :, 0, 0].astype(float) @ inner[:, :, 0, 0].astype(float)


@pytest.mark.parametrize(("outputs", "inputs"), [(40, 16), (16, 40), (24, 24)])
def test_what_is_lost_are_the_singular_values_left_out(outputs: int, inputs: int) -> None:
    """Eckart & Young 1936, for the weight that is deployed."""
    convolution, network = pointwise(outputs, inputs)
    weight = convolution.folded()[0][:, :, 0, 0].astype(float)
    values = np.linalg.svd(weight, compute_uv=False)
    for rank in range(1, len(values)):
        lost = np.linalg.norm(weight - product(lowrank(network, {0: (rank,)})))
        assert lost == pytest.approx(np.sqrt((values[rank:] ** 2).sum()), rel=1e-4)


def test_more_rank_more_energy() -> None:
    values, vectors = decomposed(pointwise(40, 16)[0])
    kept = energies(values)
    assert (kept.diff() >= 0).all()
    assert kept[-1].item() == pytest.approx(1)
    torch.testing.assert_close(vectors @ vectors.T, torch.eye(16, dtype=torch.float64))


def test_the_smallest_multiple_of_eight_with_the_energy() -> None:
    convolution, network = pointwise(80, 64)
    kept = energies(decomposed(convolution)[0])
    for energy in (0.1, 0.3, 0.5, 0.6):
        (rank,) = energy_ranks(network, energy)[0]
        assert rank % 8 == 0
        assert kept[rank - 1] >= energy
        assert rank == 8 or kept[rank - 8 - 1] < energy
    assert energy_ranks(network, 1) == {}


def test_more_energy_never_less_rank_and_always_fewer_multiplications() -> None:
    network = lively()
    found = [energy_ranks(network, energy) for energy in (0.2, 0.5, 0.7, 0.9, 1)]
    costs = [macs(lowrank(network, ranks).specs) for ranks in found]
    assert costs == sorted(costs)
    assert costs[0] < costs[-1] == macs(network.specs)
    assert found[0]
    assert found[-1] == {}


@pytest.mark.parametrize("energy", [0, -1, 1.1, float("nan")])
def test_no_fraction_is_refused(energy: float) -> None:
    with pytest.raises(LutraError, match="fraction of energy"):
        energy_ranks(lively(), energy)

"""Tests low-rank factorisation: exact at full rank, optimal at any other; factorised networks are networks."""

from __future__ import annotations

import copy
import dataclasses
import json

import numpy as np
import pytest
import torch
from torch import nn

from compress.files.parity import check_parity, file_logits
from compress.quantization.quantize import quantize
from compress.weights.lowrank import Ranks, decomposed, energies, energy_ranks, low_rank, low_rank_space, lowrank
from search_spaces.costs import macs, parameters
from search_spaces.errors import LutraError
from search_spaces.layers import Head, LowRankHead, LowRankMBConv, MBConv, Skip
from search_spaces.layers.json_specs import from_json, to_json
from search_spaces.networks.evaluation import calibrate, predict
from search_spaces.networks.network import ConvBN, Network
from search_spaces.networks.onnx_writer import random_weights, write
from search_spaces.training.loop import Recipe, Training, cross_entropy, fit
from tests.networks import REFERENCE, lively, pixels

FULL = 10_000
EIGHTS: dict[int, Ranks] = {
    layer: (8, 8) if isinstance(spec, MBConv) else (8,)
    for layer, spec in enumerate(REFERENCE)
    if isinstance(spec, (MBConv, Head))
}


@pytest.fixture
def network() -> Network:
    """One channel of every batch norm is zero."""
    network = lively()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data[3] = 0
    return calibrate(network, pixels(128))


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


# the approximation


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


def test_more_energy_never_less_rank_and_always_fewer_multiplications(network: Network) -> None:
    found = [energy_ranks(network, energy) for energy in (0.2, 0.5, 0.7, 0.9, 1)]
    costs = [macs(lowrank(network, ranks).specs) for ranks in found]
    assert costs == sorted(costs)
    assert costs[0] < costs[-1] == macs(network.specs)
    assert found[0]
    assert found[-1] == {}


@pytest.mark.parametrize("energy", [0, -1, 1.1, float("nan")])
def test_no_fraction_is_refused(network: Network, energy: float) -> None:
    with pytest.raises(LutraError, match="fraction of energy"):
        energy_ranks(network, energy)


# the network


def test_full_rank_is_the_identity(network: Network) -> None:
    same = lowrank(network, {layer: (FULL,) * len(ranks) for layer, ranks in EIGHTS.items()})
    assert same.specs == network.specs
    assert torch.equal(predict(same, pixels()), predict(network, pixels()))


def with_rank(network: Network, rank: int) -> Network:
    """Returns the network with its 1x1 convolutions at that rank."""
    for layer, ranks in EIGHTS.items():
        for index in (0, 2)[: len(ranks)]:
            weight = network.layers[layer].convs[index].conv.weight.data
            outer, inner = torch.randn(weight.shape[0], rank), torch.randn(rank, weight.shape[1])
            weight.copy_((outer @ inner)[:, :, None, None] / 20)
    return calibrate(network, pixels(128))


@pytest.mark.parametrize("training", [False, True])
def test_what_has_low_rank_already_loses_nothing(network: Network, training: bool) -> None:
    """This holds in training too, where batch norms use the batch's statistics."""
    network = with_rank(network, 8)
    factorised = lowrank(network, EIGHTS)
    assert macs(factorised.specs) < macs(network.specs)
    assert not factorised.training
    answers = [predict(one, pixels()) if not training else one.train()(pixels()) for one in (factorised, network)]
    assert (answers[0] - answers[1]).abs().max() < 1e-4 * answers[1].abs().max()


def test_factorised_network_is_a_network_of_its_specs(network: Network) -> None:
    before = copy.deepcopy(network.state_dict())
    factorised = lowrank(network, EIGHTS)
    assert sum(p.numel() for p in factorised.parameters()) == parameters(factorised.specs) < parameters(network.specs)
    model = write(factorised.specs, factorised.folded())
    check_parity(factorised, model, pixels())
    calibrate(factorised, -pixels())
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)


@pytest.mark.parametrize("ranks", [(8, FULL), (FULL, 8)])
def test_either_convolution_may_be_factorised(network: Network, ranks: Ranks) -> None:
    layer = next(iter(EIGHTS))
    factorised = lowrank(network, {layer: ranks})
    block = network.specs[layer]
    assert isinstance(block, MBConv)
    assert len(factorised.specs[layer].convs) == 4
    assert factorised.specs[layer].residual == block.residual
    assert factorised.specs[layer].out_resolution == block.out_resolution
    check_parity(factorised, write(factorised.specs, factorised.folded()), pixels())


def test_a_factorised_network_learns(network: Network) -> None:
    labels = torch.arange(32) % 10
    factorised = lowrank(network, EIGHTS)
    steps = fit(
        Training(factorised, Recipe(12, 32, 0.05)), lambda step: (pixels(), labels), cross_entropy(factorised, 0)
    )
    losses = [step.loss for step in steps]
    assert losses[-1] < 0.7 * losses[0]
    check_parity(calibrate(factorised, pixels()), write(factorised.specs, factorised.folded()), pixels())


def test_a_factorised_network_in_int8(network: Network) -> None:
    factorised = lowrank(network, EIGHTS)
    model = write(factorised.specs, factorised.folded())
    int8, fp32 = (
        file_logits(quantize(model, pixels(100).numpy()), pixels().numpy()),
        file_logits(model, pixels().numpy()),
    )
    assert 10 * np.log10((fp32**2).sum() / ((int8 - fp32) ** 2).sum()) > 20  # dB


# specs


def test_specs_survive_json_and_can_be_timed() -> None:
    for spec in (LowRankMBConv(24, 72, 24, 5, 1, 8, 8, 16), LowRankHead(48, 128, 10, 4, 8)):
        assert from_json(json.loads(json.dumps(to_json(spec)))) == spec
        write((spec,), random_weights((spec,)))
    with pytest.raises(LutraError, match="positive integer"):
        from_json(to_json(LowRankHead(48, 128, 10, 4, 8)) | {"rank": 0})
    assert (
        str(LowRankMBConv(24, 72, 24, 5, 1, 8, 8, 16))
        == "LowRankMBConv(24->24, hidden 72, k5, s1, 8px, ranks 8 and 16)"
    )


def test_the_whole_in_factors() -> None:
    block = MBConv(24, 72, 40, 3, 2, 8)
    assert LowRankMBConv(24, 72, 40, 3, 2, 8, 24, 40).convs == block.convs
    inner, outer = LowRankMBConv(24, 72, 40, 3, 2, 8, 8, 40).convs[:2]
    assert (inner.weight_shape, inner.activation, inner.norm) == ((8, 24, 1, 1), None, False)
    assert outer == dataclasses.replace(block.convs[0], inputs=(inner.name,), in_channels=8)


@pytest.mark.parametrize("ranks", [(), (8,), (8, 8, 8), (0, 8)])
def test_ranks_that_do_not_fit_are_refused(ranks: Ranks) -> None:
    with pytest.raises(LutraError, match="2 convolutions to factorise"):
        low_rank(MBConv(24, 72, 24, 5, 1, 8), ranks)
    with pytest.raises(LutraError, match="0 convolutions to factorise"):
        low_rank(Skip(24, 8), ranks)


def test_the_device_chooses_between_both_forms(network: Network) -> None:
    ranks = EIGHTS | {max(EIGHTS): (FULL,)}
    space = low_rank_space(network.specs, ranks)
    assert space.decode(space.reference) == network.specs
    assert space.options == tuple(2 if layer in list(EIGHTS)[:-1] else 1 for layer in range(len(network.specs)))
    arch = tuple(min(layer % 2, count - 1) for layer, count in enumerate(space.options))
    chosen = lowrank(network, {layer: ranks[layer] for layer, pick in enumerate(arch) if pick})
    assert chosen.specs == space.decode(arch)
    assert space.decode(space.smallest) == lowrank(network, ranks).specs

"""Tests low-rank factorisation: exact at full rank, optimal at any other; factorised networks are networks."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from compress.files.parity import check_parity, file_logits
from compress.quantization.quantize import quantize
from compress.weights.lowrank import Ranks, low_rank_space, lowrank
from search_spaces.costs import macs, parameters
from search_spaces.layers import Head, MBConv
from search_spaces.networks.evaluation import calibrate, predict
from search_spaces.networks.network import Network
from search_spaces.networks.onnx_writer import write
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


def test_the_device_chooses_between_both_forms(network: Network) -> None:
    ranks = EIGHTS | {max(EIGHTS): (FULL,)}
    space = low_rank_space(network.specs, ranks)
    assert space.decode(space.reference) == network.specs
    assert space.options == tuple(2 if layer in list(EIGHTS)[:-1] else 1 for layer in range(len(network.specs)))
    arch = tuple(min(layer % 2, count - 1) for layer, count in enumerate(space.options))
    chosen = lowrank(network, {layer: ranks[layer] for layer, pick in enumerate(arch) if pick})
    assert chosen.specs == space.decode(arch)
    assert space.decode(space.smallest) == lowrank(network, ranks).specs

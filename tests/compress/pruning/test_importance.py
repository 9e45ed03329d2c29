"""Tests the importance of channels: batch norm scales, L1 and Taylor."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F

from compress.pruning.importance import taylor
from compress.pruning.prune import narrow
from compress.pruning.widths import hidden_widths
from search_spaces.errors import LutraError
from search_spaces.layers import Head, MBConv
from search_spaces.networks.evaluation import predict
from search_spaces.networks.network import Network
from tests.compress.pruning.importances import LABELS, MEASURES
from tests.networks import first_block, pixels


@pytest.mark.parametrize("name", MEASURES)
def test_every_hidden_channel_has_an_importance(name: str, network: Network) -> None:
    values = MEASURES[name](network)
    assert {layer: len(value) for layer, value in values.items()} == hidden_widths(network.specs)
    assert all(value.min() >= 0 and not value.requires_grad for value in values.values())


@pytest.mark.parametrize("name", MEASURES)
def test_importance_follows_its_channel(name: str, network: Network) -> None:
    shuffle = torch.Generator().manual_seed(0)
    widths = hidden_widths(network.specs)
    orders = {layer: torch.randperm(width, generator=shuffle) for layer, width in widths.items()}
    shuffled, before = MEASURES[name](narrow(network, orders)), MEASURES[name](network)
    for layer, order in orders.items():
        torch.testing.assert_close(shuffled[layer], before[layer][order], rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("training", [False, True])
def test_taylor_leaves_the_network_as_it_was(network: Network, training: bool) -> None:
    network.train(training)
    before = copy.deepcopy(network.state_dict())
    taylor(network, [(pixels(), LABELS)])
    assert network.training == training
    assert all(parameter.grad is None for parameter in network.parameters())
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)


@pytest.mark.parametrize("kind", [MBConv, Head])
def test_taylor_is_the_squared_change_of_the_loss_to_first_order(kind: type, network: Network) -> None:
    network.double()
    layer = next(index for index, spec in enumerate(network.specs) if isinstance(spec, kind))
    images, step, norm = pixels().double(), 1e-7, network.layers[layer].conv(kind.prunable.gate).norm

    def loss(channel: int, gate: float) -> float:
        before = norm.weight.data.clone(), norm.bias.data.clone()
        norm.weight.data[channel] *= gate
        norm.bias.data[channel] *= gate
        value = F.cross_entropy(predict(network, images), LABELS).item()
        norm.weight.data, norm.bias.data = before
        return value

    values = taylor(network, [(images, LABELS)])[layer]
    for channel in (0, 1, len(values) - 1):
        slope = (loss(channel, 1 + step) - loss(channel, 1 - step)) / (2 * step)
        assert values[channel].item() == pytest.approx(slope**2, rel=1e-4)


def test_taylor_averages_over_batches(network: Network) -> None:
    one, other = (pixels(), LABELS), (-pixels(), LABELS)
    apart = [taylor(network, [batch]) for batch in (one, other)]
    for layer, value in taylor(network, [one, other]).items():
        torch.testing.assert_close(value, (apart[0][layer] + apart[1][layer]) / 2)


def test_taylor_needs_images(network: Network) -> None:
    with pytest.raises(LutraError, match="at least one batch"):
        taylor(network, [])


@pytest.mark.parametrize("name", MEASURES)
def test_a_channel_without_weights_is_worth_least(name: str, network: Network) -> None:
    block = network.layers[layer := first_block(network)]
    block.convs[0].conv.weight.data[5] = 0
    block.convs[1].conv.weight.data[5] = 0
    block.convs[1].norm.weight.data[5] = 0
    block.convs[2].conv.weight.data[:, 5] = 0
    head = network.layers[-1]
    head.convs[0].conv.weight.data[5] = 0
    head.convs[0].norm.weight.data[5] = 0
    head.linear.weight.data[:, 5] = 0
    values = MEASURES[name](network)
    for each in (layer, len(network.layers) - 1):
        assert values[each][5] == values[each].min() == 0

"""Tests the narrower network that structured pruning leaves."""

from __future__ import annotations

import copy
import dataclasses

import torch

from compress.files.parity import check_parity
from compress.pruning.importance import batch_norm_scale
from compress.pruning.prune import narrow, prune_uniformly, strongest, uniform_widths
from compress.pruning.widths import hidden_widths
from search_spaces.costs import macs, parameters
from search_spaces.layers import MBConv
from search_spaces.networks.evaluation import calibrate, predict
from search_spaces.networks.network import Network
from search_spaces.networks.onnx_writer import write
from tests.networks import REFERENCE, first_block, pixels


def test_keeping_everything_is_the_identity(network: Network) -> None:
    pruned = prune_uniformly(network, keep=1)
    assert pruned.specs == network.specs
    assert torch.equal(predict(pruned, pixels()), predict(network, pixels()))
    torch.testing.assert_close(pruned.state_dict(), network.state_dict(), rtol=0, atol=0)


def test_channels_that_go_nowhere_can_go(network: Network) -> None:
    kept = {}
    for index, hidden in hidden_widths(network.specs).items():
        order = torch.randperm(hidden, generator=torch.Generator().manual_seed(index))
        gone, stay = order.tensor_split([hidden // 3])
        layer = network.layers[index]
        reader = layer.spec.graph.weighted[-1]
        layer.weighted(reader).weight.data[:, gone] = 0
        kept[index] = stay.sort().values
    pruned = narrow(network, kept)
    assert macs(pruned.specs) < 0.8 * macs(network.specs)
    torch.testing.assert_close(predict(pruned, pixels()), predict(network, pixels()), rtol=1e-5, atol=1e-5)


def test_pruned_network_is_a_network_of_its_specs(network: Network) -> None:
    before = copy.deepcopy(network.state_dict())
    pruned = prune_uniformly(network, keep=0.5)
    assert not pruned.training
    assert sum(p.numel() for p in pruned.parameters()) == parameters(pruned.specs) < parameters(network.specs)
    for narrow_spec, spec in zip(pruned.specs, network.specs):
        hidden = uniform_widths([spec], 0.5).get(0)
        assert narrow_spec == (dataclasses.replace(spec, hidden_channels=hidden) if hidden else spec)  # type: ignore[call-arg]
    check_parity(pruned, write(pruned.specs, pruned.folded()), pixels())
    calibrate(pruned, -pixels())
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)


def test_statistics_follow_their_channels(network: Network) -> None:
    kept = torch.tensor([1, 5, 40])
    layer = first_block(network)
    slim, full = narrow(network, {layer: kept}).layers[layer], network.layers[layer]
    for index in (0, 1):
        for name in ("weight", "bias", "running_mean", "running_var"):
            assert torch.equal(getattr(slim.convs[index].norm, name), getattr(full.convs[index].norm, name)[kept])
    assert torch.equal(slim.convs[2].norm.running_mean, full.convs[2].norm.running_mean)


def test_the_largest_scales_stay_in_their_order(network: Network) -> None:
    layer = first_block(network)
    scale = network.layers[layer].convs[1].norm.weight.data
    scale.fill_(0.1)
    scale[[3, 30, 7]] = torch.tensor([-2.0, 1.0, 3.0])
    values = batch_norm_scale(network)
    assert values[layer][3] == 2
    assert strongest(values, {layer: 3})[layer].tolist() == [3, 7, 30]
    assert strongest(values, {layer: 5})[layer].tolist() == [0, 1, 3, 7, 30]


def test_a_block_whose_branch_is_zero_can_be_left_out(network: Network) -> None:
    layer = next(i for i, spec in enumerate(REFERENCE) if isinstance(spec, MBConv) and spec.residual)
    norm = network.layers[layer].convs[2].norm
    norm.weight.data.zero_()
    norm.bias.data.zero_()
    without = narrow(network, {layer: torch.arange(0)})
    assert without.specs == REFERENCE[:layer] + REFERENCE[layer + 1 :]
    torch.testing.assert_close(predict(without, pixels()), predict(network, pixels()))

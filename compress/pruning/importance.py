"""Three measures of a unit's importance for pruning: non-negative importances [units] by layer.

A unit (`units`) is a hidden channel: in an MBConv its row of the expand convolution, its depthwise filter and its
column of the project convolution; in the head its row of the convolution and its column of the classifier. Only Taylor
importance, a squared change of the loss, is comparable between layers.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from compress.pruning.units import prunable, tied, units
from search_spaces.errors import LutraError
from search_spaces.networks.network import Layer, Network

Importances = dict[int, Tensor]  # prunable layer -> [units]


def batch_norm_scale(network: Network) -> Importances:
    """|scale| of the hidden channels' batch norm, in an MBConv the depthwise one (Liu et al. 2017, network slimming).

    This is the standard deviation of a hidden channel over images and pixels before its ReLU6.
    """
    gates = _gates(network)
    return {layer: per_unit(norm.weight.detach().abs(), units(network.specs[layer])) for layer, norm in gates.items()}


def l1(network: Network) -> Importances:
    """The sum of a channel's |weights| in all layers where pruning removes them (Li et al. 2017).

    Uses the trained weights, because folding the batch norm in would inflate a channel that never varies.
    """
    return {layer: _absolute(network.layers[layer]) for layer in _gates(network)}


def taylor(network: Network, batches: Iterable[tuple[Tensor, Tensor]]) -> Importances:
    """(change of the loss without the channel)^2 to first order, mean over batches (Molchanov et al. 2019).

    Their Taylor-FO-BN: the gradient of a gate of 1 after the batch norm is the change, because a closed gate is 0 after
    ReLU6 too. The gate multiplies scale and shift, so its gradient is the sum of theirs times their values. `batches`:
    images [N, C, H, W] and labels [N]; the loss is cross entropy in eval mode. The network is unchanged, without
    gradients. Raises LutraError without a batch.
    """
    gates, training = _gates(network), network.training
    parameters = [parameter for norm in gates.values() for parameter in (norm.weight, norm.bias)]
    squares = []
    network.eval()
    for images, labels in batches:
        gradients = torch.autograd.grad(F.cross_entropy(network(images), labels), parameters)
        products = [(value * gradient).detach() for value, gradient in zip(parameters, gradients)]
        changes = [scale + shift for scale, shift in zip(products[::2], products[1::2])]
        squares.append([per_unit(c, units(network.specs[layer])) ** 2 for layer, c in zip(gates, changes)])
    network.train(training)
    if not squares:
        raise LutraError("Taylor importance needs images and labels: give at least one batch")
    return {layer: torch.stack(values).mean(0) for layer, values in zip(gates, zip(*squares))}


def _gates(network: Network) -> dict[int, nn.BatchNorm2d]:
    """For each layer, the batch norm that last scales its units."""
    layers = enumerate(network.layers)
    return {index: layer.conv(prunable(layer.spec).gate).norm for index, layer in layers if layer.spec.prunable}


def _absolute(layer: Layer) -> Tensor:
    """[units]"""
    sums = []
    for name, own in tied(layer.spec).items():
        weight = layer.weighted(layer.spec.graph.weighted_by_name[name]).weight.detach().abs()
        axes = [axis for axis, counts in ((0, own.rows), (1, own.columns)) if counts]
        sums += [weight.sum([other for other in range(weight.ndim) if other != axis]) for axis in axes]
    return reduce(torch.add, [per_unit(channels, units(layer.spec)) for channels in sums])


def per_unit(values: Tensor, count: int) -> Tensor:
    """[channels] -> [count]: the sum over the channels of each unit."""
    return values.view(count, -1).sum(1)

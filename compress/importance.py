"""What a hidden channel of an MBConv or the head is worth: three measures, importances [hidden] of at least 0 by layer.

A channel is what pruning removes at once: of an MBConv its row of the expand convolution, its depthwise filter and its
column of the project convolution; of the head its row of the convolution and its column of the classifier. Only
Taylor's unit, a squared change of the loss, is the same in every layer.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from search_spaces.errors import LutraError
from search_spaces.network import Classifier, Layer, Network
from search_spaces.spec import Head, MBConv

Importances = dict[int, Tensor]  # of each MBConv and head by its layer: [hidden]
GATES: dict[type, int] = {MBConv: 1, Head: 0}  # the convolution whose batch norm scales the hidden channels last


def batch_norm_scale(network: Network) -> Importances:
    """|scale| of the hidden channels' batch norm, in an MBConv the depthwise one (Liu et al. 2017, network slimming).

    It is the standard deviation that a hidden channel has over images and pixels before its ReLU6.
    """
    return {layer: norm.weight.detach().abs() for layer, norm in _gates(network).items()}


def l1(network: Network) -> Importances:
    """Sum of a channel's |weights| wherever pruning would remove them (Li et al. 2017).

    Weights as they are trained: folding the batch norm in would blow up a channel that never varies.
    """
    return {layer: _absolute(network.layers[layer]) for layer in _gates(network)}


def taylor(network: Network, batches: Iterable[tuple[Tensor, Tensor]]) -> Importances:
    """(change of the loss without the channel)^2 to first order, mean over batches (Molchanov et al. 2019).

    Their Taylor-FO-BN: a gate of 1 behind the batch norm, whose gradient is the change, as a closed gate is 0 after
    ReLU6 too. It multiplies scale and shift, so that its gradient is theirs times themselves, summed.
    `batches`: images [N, C, H, W] and labels [N]; the loss is cross entropy in eval mode. The network stays as it was,
    without gradients. Raises LutraError without a batch.
    """
    gates, training = _gates(network), network.training
    parameters = [parameter for norm in gates.values() for parameter in (norm.weight, norm.bias)]
    squares = []
    network.eval()
    for images, labels in batches:
        gradients = torch.autograd.grad(F.cross_entropy(network(images), labels), parameters)
        products = [(value * gradient).detach() for value, gradient in zip(parameters, gradients)]
        squares.append([(scale + shift) ** 2 for scale, shift in zip(products[::2], products[1::2])])
    network.train(training)
    if not squares:
        raise LutraError("Taylor importance needs images and labels: give at least one batch")
    return {layer: torch.stack(values).mean(0) for layer, values in zip(gates, zip(*squares))}


def _gates(network: Network) -> dict[int, nn.BatchNorm2d]:
    layers = enumerate(zip(network.specs, network.layers))
    return {index: layer.convs[GATES[type(spec)]].norm for index, (spec, layer) in layers if type(spec) in GATES}


def _absolute(layer: Layer) -> Tensor:
    """[hidden]"""
    if isinstance(layer, Classifier):
        return layer.convs[0].conv.weight.detach().abs().sum((1, 2, 3)) + layer.linear.weight.detach().abs().sum(0)
    expand, depthwise, project = (convolution.conv.weight.detach().abs() for convolution in layer.convs)
    return expand.sum((1, 2, 3)) + depthwise.sum((1, 2, 3)) + project.sum((0, 2, 3))

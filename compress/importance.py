"""What a hidden channel of an MBConv is worth: three measures, each by layer, importances [hidden] of at least 0.

A channel is what pruning removes at once: its row of the expand convolution, its depthwise filter, its column of the
project convolution. Only Taylor's unit, a squared change of the loss, is the same in every layer.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from search_spaces.errors import LutraError
from search_spaces.network import Layer, Network
from search_spaces.spec import MBConv

Importances = dict[int, Tensor]  # of each MBConv by its layer: [hidden]


def batch_norm_scale(network: Network) -> Importances:
    """|scale| of the depthwise batch norm (Liu et al. 2017, network slimming).

    It is the standard deviation that a hidden channel has over images and pixels before its ReLU6.
    """
    return {layer: block.convs[1].norm.weight.detach().abs() for layer, block in _blocks(network).items()}


def l1(network: Network) -> Importances:
    """Sum of a channel's |weights| in the expand, depthwise and project convolutions (Li et al. 2017).

    Weights as they are trained: folding the batch norm in would blow up a channel that never varies.
    """
    return {layer: _absolute(block) for layer, block in _blocks(network).items()}


def taylor(network: Network, batches: Iterable[tuple[Tensor, Tensor]]) -> Importances:
    """(change of the loss without the channel)^2 to first order, mean over batches (Molchanov et al. 2019).

    Their Taylor-FO-BN: a gate of 1 behind the depthwise batch norm, whose gradient is the change, as a closed gate is
    0 after ReLU6 too. It multiplies scale and shift, so that its gradient is theirs times themselves, summed.
    `batches`: images [N, C, H, W] and labels [N]; the loss is cross entropy in eval mode. The network stays as it was,
    without gradients. Raises LutraError without a batch.
    """
    blocks, training = _blocks(network), network.training
    norms = [block.convs[1].norm for block in blocks.values()]
    parameters = [parameter for norm in norms for parameter in (norm.weight, norm.bias)]
    squares = []
    network.eval()
    for images, labels in batches:
        gradients = torch.autograd.grad(F.cross_entropy(network(images), labels), parameters)
        products = [(value * gradient).detach() for value, gradient in zip(parameters, gradients)]
        squares.append([(scale + shift) ** 2 for scale, shift in zip(products[::2], products[1::2])])
    network.train(training)
    if not squares:
        raise LutraError("Taylor importance needs images and labels: give at least one batch")
    return {layer: torch.stack(values).mean(0) for layer, values in zip(blocks, zip(*squares))}


def _blocks(network: Network) -> dict[int, Layer]:
    layers = enumerate(zip(network.specs, network.layers))
    return {index: layer for index, (spec, layer) in layers if isinstance(spec, MBConv)}


def _absolute(block: Layer) -> Tensor:
    expand, depthwise, project = (convolution.conv.weight.detach().abs() for convolution in block.convs)
    return expand.sum((1, 2, 3)) + depthwise.sum((1, 2, 3)) + project.sum((0, 2, 3))

"""Makes a trainable network from specs, and deployable weights from a trained network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from search_spaces.layers import Spec
from search_spaces.layers.graph import Rules, walk
from search_spaces.layers.nodes import Activation, Convolution, Linear, Weighted
from search_spaces.networks.arithmetic import ARITHMETIC
from search_spaces.networks.convolution import Conv2d
from search_spaces.networks.onnx_writer import Folded
from search_spaces.networks.resizing import resized

ACTIVATIONS: dict[Activation | None, Callable[[], nn.Module]] = {
    None: nn.Identity,
    "relu6": partial(nn.ReLU6, inplace=True),
    "hard_sigmoid": nn.Hardsigmoid,
}


class ConvBN(nn.Module):
    """Convolution, batch norm and activation, as the node says."""

    def __init__(self, node: Convolution) -> None:
        super().__init__()
        shape = node.in_channels, node.out_channels, node.kernel, node.stride, node.border
        self.conv = Conv2d(*shape, groups=node.groups, bias=False)
        self.norm: nn.BatchNorm2d = (
            nn.BatchNorm2d(node.out_channels) if node.norm else nn.Identity()  # type: ignore[assignment]
        )
        self.activation = ACTIVATIONS[node.activation]()
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.norm(self.conv(x)))

    def folded(self) -> tuple[np.ndarray, np.ndarray]:
        """Weight [out, in / groups, k, k] and bias [out], with the batch norm's running statistics folded in."""
        norm = self.norm
        if isinstance(norm, nn.Identity):
            return _numpy(self.conv.weight), np.zeros(self.conv.out_channels, np.float32)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weight = self.conv.weight * scale[:, None, None, None]
        return _numpy(weight), _numpy(norm.bias - norm.running_mean * scale)


class Layer(nn.Module):
    """A spec with weights (He et al. 2015): `convs` in the graph's order, linear layers by name.

    The last batch norm of a residual layer initially scales by 0, so the layer begins as the identity (Goyal et al.
    2017, section 5.1; for supernets Yu et al. 2020, "BigNAS", section 3.1).
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        convs = nn.ModuleList(ConvBN(node) for node in spec.graph.convolutions)
        self.convs: Sequence[ConvBN] = convs  # type: ignore[assignment]
        self.numbers = {node.name: number for number, node in enumerate(spec.graph.convolutions)}
        for node in spec.graph.weighted:
            if isinstance(node, Linear):
                self.add_module(node.name, _initialised(node))
        if spec.graph.branch in self.numbers:
            nn.init.zeros_(self.conv(spec.graph.branch).norm.weight)

    def conv(self, name: str) -> ConvBN:
        """A node's convolution."""
        return self.convs[self.numbers[name]]

    def linear_layer(self, name: str) -> nn.Linear:
        """A node's linear layer."""
        layer = getattr(self, name)
        assert isinstance(layer, nn.Linear)
        return layer

    def part(self, node: Weighted) -> ConvBN | nn.Linear:
        """A node's module."""
        return self.conv(node.name) if isinstance(node, Convolution) else self.linear_layer(node.name)

    def weighted(self, node: Weighted) -> nn.Conv2d | nn.Linear:
        """The module that holds a node's weight."""
        part = self.part(node)
        return part.conv if isinstance(part, ConvBN) else part

    def forward(self, x: Tensor) -> Tensor:
        rules: Rules[Tensor] = {**ARITHMETIC, Convolution: self._convolved, Linear: self._linear}
        return walk(self.spec.graph, rules, x, "the trained network")

    def _convolved(self, node: Convolution, x: Tensor) -> Tensor:
        return self.conv(node.name)(x)

    def _linear(self, node: Linear, x: Tensor) -> Tensor:
        layer = self.linear_layer(node.name)
        with torch.autocast(x.device.type, enabled=False):
            return layer(x.to(layer.weight.dtype))

    def folded(self) -> Folded:
        return [self._folded(node) for node in self.spec.graph.weighted]

    def _folded(self, node: Weighted) -> tuple[np.ndarray, np.ndarray]:
        if isinstance(node, Convolution):
            return self.conv(node.name).folded()
        layer = self.linear_layer(node.name)
        return _numpy(layer.weight), _numpy(layer.bias)


def _initialised(node: Linear) -> nn.Linear:
    layer = nn.Linear(node.in_features, node.out_features)
    nn.init.normal_(layer.weight, std=0.01)
    nn.init.zeros_(layer.bias)
    return layer


def device_of(model: nn.Module) -> torch.device:
    """The device of a model's weights."""
    return next(model.parameters()).device


class Network(nn.Module):
    """A sequence of layers: normalised images [N, C, H, W] -> logits [N, classes]."""

    def __init__(self, specs: Sequence[Spec]) -> None:
        super().__init__()
        self.specs = tuple(specs)
        self.layers: Sequence[Layer] = nn.ModuleList(Layer(spec) for spec in specs)  # type: ignore[assignment]
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        x = sized(x, self.specs)
        for layer in self.layers:
            x = layer(x)
        return x

    def folded(self) -> list[Folded]:
        """The deployable weights, layer by layer, as `onnx_writer.write` takes them."""
        return [layer.folded() for layer in self.layers]


def sized(images: Tensor, specs: Sequence[Spec]) -> Tensor:
    """Images [N, C, H, W] in the resolution that a network's stem takes."""
    return resized(images, specs[0].resolution) if specs and specs[0].takes_image else images


def image_shape(network: nn.Module, shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """The shape [C, H, W] that the network computes with, for images of `shape`."""
    specs: Sequence[Spec] = getattr(network, "specs", ())
    return (shape[0], specs[0].resolution, specs[0].resolution) if specs and specs[0].takes_image else shape


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().float().cpu().contiguous().numpy()

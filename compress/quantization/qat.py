"""Quantization-aware training (Jacob et al. 2018): trains the network with the rounding of its INT8 file.

Imitates what onnxruntime executes: weights as signed 8-bit integers (7 bits with `reduce_range`), symmetric, one scale
per channel; activations as unsigned bytes, one scale per tensor, wherever the file has a QuantizeLinear. Layers that
the file keeps in float are not rounded. Gradients are straight-through, and zero where a range clips. Ranges are moving
averages of the batches' extremes (section 3.1), and are written into the file. With one scale per channel, folding the
batch norm scales weights and steps alike, so it need not be simulated (section 3.2).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn

from compress.quantization.calibration import Ranges
from compress.quantization.rounded_tensors import fixed_ranges, places, tensors, twins
from search_spaces.layers.graph import Rules, walk
from search_spaces.layers.nodes import Convolution, Linear, Node
from search_spaces.networks import arithmetic
from search_spaces.networks.arithmetic import ARITHMETIC
from search_spaces.networks.convolution import conv2d
from search_spaces.networks.network import Layer, Network, device_of, sized

AVERAGING = 0.01  # weight of a batch's extremes in the moving averages


class QuantizationAware(nn.Module):
    """A network to train instead of `network`, whose weights it shares: images [N, C, H, W] -> logits.

    Train it with `fit`, `calibrate` it, then write `network` and quantize the file within `ranges()`, with the same
    `float_layers` and `reduce_range`. In eval mode its output equals that file's, up to the rounding of biases and
    ties.
    """

    def __init__(
        self, network: Network, bits: int = 8, float_layers: Collection[int] = (), reduce_range: bool = False
    ) -> None:
        super().__init__()
        self.network = network
        self.levels = 2**bits
        self.largest = 2 ** (bits - 2) if reduce_range else 2 ** (bits - 1) - 1  # largest weight, as in onnxruntime
        self.float_layers = frozenset(float_layers)
        self.activations = places(network.specs, self.float_layers)
        self.fixed = fixed_ranges(network.specs)
        empty = torch.full((len(self.activations),), torch.inf, device=device_of(network))
        self.low: Tensor
        self.high: Tensor
        self.register_buffer("low", empty)
        self.register_buffer("high", -empty)

    def ranges(self) -> Ranges:
        """The learned range of every activation, by its tensor in the file. Each includes zero."""
        low, high = self.low.clamp(max=0).tolist(), self.high.clamp(min=0).tolist()
        found = {name: (low[index], high[index]) for name, index in self.activations.items()}
        shared = {name: found[twin] for name, twin in twins(self.network.specs).items() if twin in found}
        return {**shared, **found}

    def forward(self, images: Tensor) -> Tensor:
        x = self.activation("image", sized(images, self.network.specs))
        for index, layer in enumerate(self.network.layers):
            x = RoundedLayer(self, index, layer)(x)
        return x

    def weight(self, weight: Tensor) -> Tensor:
        """Rounds to signed integers, with one scale per entry of the first axis."""
        extent = weight.detach().abs().flatten(1).amax(1)
        scale = torch.where(extent > 0, extent / self.largest, 1.0)
        return torch.fake_quantize_per_channel_affine(
            weight, scale, torch.zeros_like(scale, dtype=torch.int32), 0, -self.largest, self.largest
        )

    def activation(self, name: str, x: Tensor) -> Tensor:
        """Rounds to unsigned integers within the activation's range, which follows the batches during training.

        Returns x unchanged if the file keeps the activation in float.
        """
        if name not in self.activations:
            return x
        index = self.activations[name]
        if self.training:
            self.follow(index, x.detach(), self.fixed.get(name))
        low, high = min(0.0, self.low[index].item()), max(0.0, self.high[index].item())
        step = max((high - low) / (self.levels - 1), torch.finfo(torch.float32).tiny)
        zero = round(-low / step)
        return Rounded.apply(x, step, -zero * step, (self.levels - 1 - zero) * step)

    def follow(self, index: int, x: Tensor, fixed: tuple[float, float] | None) -> None:
        """Moves a range towards a batch's extremes; reads x in memory order."""
        if fixed is not None:
            self.low[index], self.high[index] = fixed
            return
        smallest, largest = (x.permute(0, 2, 3, 1) if x.ndim == 4 else x).aminmax()
        first = torch.isinf(self.low[index])
        for end, extreme in ((self.low, smallest), (self.high, largest)):
            end[index] = extreme if first else torch.lerp(end[index], extreme.float(), AVERAGING)


class RoundedLayer:
    """A layer of the network, computed with rounded weights and values."""

    def __init__(self, aware: QuantizationAware, number: int, layer: Layer) -> None:
        self.aware, self.number, self.layer = aware, number, layer

    def __call__(self, x: Tensor) -> Tensor:
        rules: Rules[Tensor] = {
            **dict.fromkeys(ARITHMETIC, self._plain),
            Convolution: self._convolution,
            Linear: self._linear,
        }
        return walk(self.layer.spec.graph, rules, x, "fake quantization")

    def _plain(self, node: Node, *inputs: Tensor) -> Tensor:
        return self._rounded(node, ARITHMETIC[type(node)](node, *inputs))

    def _convolution(self, node: Convolution, x: Tensor) -> Tensor:
        part = self.layer.conv(node.name)
        y = part.norm(conv2d(x, self._weight(part.conv.weight), part.conv.stride[0], part.conv.groups))
        *before, after = self._names(node)
        for name in before:
            y = self.aware.activation(name, y)
        return self.aware.activation(after, part.activation(y))

    def _linear(self, node: Linear, x: Tensor) -> Tensor:
        part = self.layer.linear_layer(node.name)
        return self._rounded(node, arithmetic.linear(x, self._weight(part.weight), part.bias))

    def _rounded(self, node: Node, y: Tensor) -> Tensor:
        for name in self._names(node):
            y = self.aware.activation(name, y)
        return y

    def _names(self, node: Node) -> list[str]:
        return [f"l{self.number}.{tensor}" for tensor in tensors(self.layer.spec.graph, node)]

    def _weight(self, weight: Tensor) -> Tensor:
        return weight if self.number in self.aware.float_layers else self.aware.weight(weight)


class Rounded(torch.autograd.Function):
    """Rounds x to multiples of `step` from `low` to `high`; straight-through gradient (Bengio et al. 2013)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, step: float, low: float, high: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.bounds = low, high
        return x.clamp(low, high).mul_(1 / step).round_().mul_(step)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient of hardtanh, which passes within the bounds."""
        (x,) = ctx.saved_tensors
        return torch.ops.aten.hardtanh_backward(gradients[0], x, *ctx.bounds), None, None, None

"""Quantization-aware training (Jacob et al. 2018): the network learns behind the rounding that its INT8 file has.

What onnxruntime executes is imitated: weights as signed integers of 8 bits, or of 7 with `reduce_range`, symmetric, one
scale a channel; activations as unsigned bytes, one scale a tensor, wherever the file has a QuantizeLinear. Layers that
the file keeps in float are not rounded. Gradients pass straight through, and not at all where a range clips. Ranges are
moving averages of the batches' extremes (section 3.1), and go into the file. With one scale a channel the batch norm's
scale can be folded into rounded weights as well as into others, step and all, so that the folding need not be simulated
(section 3.2).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from compress.calibration import Ranges
from search_spaces.convolution import conv2d
from search_spaces.network import Classifier, ConvBN, Layer, Network, device_of

AVERAGING = 0.01  # of a batch's extremes, a step


class QuantizationAware(nn.Module):
    """A network to train in the place of `network`, whose weights these are: images [N, C, H, W] -> logits.

    Train it with `fit`, `calibrate` it, then write `network` and quantize the file within `ranges()`, with the same
    `float_layers` and `reduce_range`. In eval mode it answers as that file does, up to the rounding of biases and ties.
    """

    def __init__(
        self, network: Network, bits: int = 8, float_layers: Collection[int] = (), reduce_range: bool = False
    ) -> None:
        super().__init__()
        self.network = network
        self.levels = 2**bits
        self.largest = 2 ** (bits - 2) if reduce_range else 2 ** (bits - 1) - 1  # of a weight, as onnxruntime has it
        self.float_layers = frozenset(float_layers)
        self.activations = places(network, self.float_layers)
        empty = torch.full((len(self.activations),), torch.inf, device=device_of(network))
        self.low: Tensor
        self.high: Tensor
        self.register_buffer("low", empty)
        self.register_buffer("high", -empty)

    def ranges(self) -> Ranges:
        """The learned range of every activation, by its tensor in the file. Zero is in each.

        A tensor that is not rounded itself, before a ReLU6 or after the pooling, has its neighbour's.
        """
        low, high = self.low.clamp(max=0).tolist(), self.high.clamp(min=0).tolist()
        found = {name: (low[index], high[index]) for name, index in self.activations.items()}
        twins = {name.removesuffix(".relu6").replace(".pool", ".flat"): pair for name, pair in found.items()}
        return {**twins, **found}

    def forward(self, images: Tensor) -> Tensor:
        x = self.activation("image", images)
        for index, layer in enumerate(self.network.layers):
            x = self.layer(index, layer, x)
        return x

    def layer(self, number: int, layer: Layer, x: Tensor) -> Tensor:
        y, name, rounded = x, f"l{number}", self.unrounded if number in self.float_layers else self.weight
        for index, conv in enumerate(layer.convs):
            y = conv2d(y, rounded(conv.conv.weight), conv.conv.stride[0], conv.conv.groups)
            y = self.activation(place(name, index, conv), conv.activation(conv.norm(y)))
        if layer.residual:
            return self.activation(f"{name}.add", x + y)
        if isinstance(layer, Classifier):
            pooled = self.activation(f"{name}.pool", F.avg_pool2d(y, y.shape[-1]).flatten(1))
            with torch.autocast(x.device.type, enabled=False):
                weight = rounded(layer.linear.weight)
                return self.activation(f"{name}.linear", F.linear(pooled.to(weight.dtype), weight, layer.linear.bias))
        return y

    def weight(self, weight: Tensor) -> Tensor:
        """Rounded to signed integers, one scale for each of the first axis."""
        extent = weight.detach().abs().flatten(1).amax(1)
        scale = torch.where(extent > 0, extent / self.largest, 1.0)
        return torch.fake_quantize_per_channel_affine(
            weight, scale, torch.zeros_like(scale, dtype=torch.int32), 0, -self.largest, self.largest
        )

    def unrounded(self, weight: Tensor) -> Tensor:
        return weight

    def activation(self, name: str, x: Tensor) -> Tensor:
        """Rounded to unsigned integers within its range, which follows the batches while the network trains.

        As it is where the file has it in float.
        """
        if name not in self.activations:
            return x
        index = self.activations[name]
        if self.training:
            self.follow(index, x.detach())
        low, high = min(0.0, self.low[index].item()), max(0.0, self.high[index].item())
        step = max((high - low) / (self.levels - 1), torch.finfo(torch.float32).tiny)
        zero = round(-low / step)
        return Rounded.apply(x, step, -zero * step, (self.levels - 1 - zero) * step)

    def follow(self, index: int, x: Tensor) -> None:
        """Moves a range towards a batch's extremes, read in the order in which they lie in memory."""
        smallest, largest = (x.permute(0, 2, 3, 1) if x.ndim == 4 else x).aminmax()
        first = torch.isinf(self.low[index])
        for end, extreme in ((self.low, smallest), (self.high, largest)):
            end[index] = extreme if first else torch.lerp(end[index], extreme.float(), AVERAGING)


class Rounded(torch.autograd.Function):
    """x to the nearest multiple of `step` from `low` to `high`; the straight-through gradient (Bengio et al. 2013)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, step: float, low: float, high: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.bounds = low, high
        return x.clamp(low, high).mul_(1 / step).round_().mul_(step)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """hardtanh's gradient is the one that passes within bounds."""
        (x,) = ctx.saved_tensors
        return torch.ops.aten.hardtanh_backward(gradients[0], x, *ctx.bounds), None, None, None


def places(network: Network, float_layers: Collection[int] = ()) -> dict[str, int]:
    """The tensors of the network's file that are rounded, numbered: those that an INT8 layer reads or writes."""
    computing = [(index, layer) for index, layer in enumerate(network.layers) if len(layer.convs)]
    integer = [index not in float_layers for index, _ in computing]
    names = ["image"] if integer[0] else []
    for (index, layer), here, after in zip(computing, integer, [*integer[1:], False]):
        *inside, output = outputs(f"l{index}", layer)
        names += inside if here else []
        names += [output] if here or after else []
    return {name: number for number, name in enumerate(names)}


def outputs(name: str, layer: Layer) -> list[str]:
    """What the writer calls the tensors of a layer that INT8 would round, the layer's own output last."""
    names = [place(name, number, conv) for number, conv in enumerate(layer.convs)]
    names += [f"{name}.add"] if layer.residual else []
    return names + ([f"{name}.pool", f"{name}.linear"] if isinstance(layer, Classifier) else [])


def place(layer: str, index: int, conv: ConvBN) -> str:
    """What the writer calls the output of a layer's convolution."""
    return f"{layer}.c{index}" + (".relu6" if isinstance(conv.activation, nn.ReLU6) else "")

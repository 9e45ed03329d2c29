"""From specs to a network that trains, and from its trained weights to those that are deployed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from search_spaces.convolution import Conv2d
from search_spaces.onnx_writer import Folded
from search_spaces.spec import Conv, Head, Spec, residual


class ConvBN(nn.Module):
    """Convolution, batch norm and ReLU6 where the spec says so."""

    def __init__(self, spec: Conv) -> None:
        super().__init__()
        pads, groups = spec.kernel // 2, spec.groups
        self.conv = Conv2d(
            spec.in_channels, spec.out_channels, spec.kernel, spec.stride, pads, groups=groups, bias=False
        )
        self.norm: nn.BatchNorm2d = (
            nn.BatchNorm2d(spec.out_channels) if spec.norm else nn.Identity()  # type: ignore[assignment]
        )
        self.activation = nn.ReLU6(inplace=True) if spec.relu else nn.Identity()
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.norm(self.conv(x)))

    def folded(self) -> tuple[np.ndarray, np.ndarray]:
        """Weight [out, in / groups, k, k] and bias [out] with the batch norm's running statistics folded in."""
        norm = self.norm
        if isinstance(norm, nn.Identity):
            return _numpy(self.conv.weight), np.zeros(self.conv.out_channels, np.float32)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weight = self.conv.weight * scale[:, None, None, None]
        return _numpy(weight), _numpy(norm.bias - norm.running_mean * scale)


class Layer(nn.Module):
    """Any spec but the head: its convolutions in a row, and the residual sum of a block that keeps its shape.

    The last batch norm of a residual block scales by 0 at first, so that the block begins as the identity (Goyal et al.
    2017, section 5.1; for supernets Yu et al. 2020, "BigNAS", section 3.1).
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.convs: Sequence[ConvBN] = nn.ModuleList(  # type: ignore[assignment]
            ConvBN(conv) for conv in spec.convs
        )
        self.residual = residual(spec)
        if self.residual:
            nn.init.zeros_(self.convs[-1].norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for conv in self.convs:
            y = conv(y)
        return x + y if self.residual else y

    def folded(self) -> Folded:
        return [conv.folded() for conv in self.convs]


class Classifier(Layer):
    """The head: its convolution, the mean over pixels, the linear layer."""

    def __init__(self, spec: Head) -> None:
        super().__init__(spec)
        self.linear = nn.Linear(spec.hidden_channels, spec.classes)
        nn.init.normal_(self.linear.weight, std=0.01)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(super().forward(x))

    def classify(self, features: Tensor) -> Tensor:
        """[N, C, H, W] -> logits [N, classes], in the weights' own precision. Pooling's gradient is a full tensor, and
        that of `mean` is not: what lies before would be slow to differentiate."""
        pooled = F.avg_pool2d(features, features.shape[-1]).flatten(1)
        with torch.autocast(features.device.type, enabled=False):
            return self.linear(pooled.to(self.linear.weight.dtype))

    def folded(self) -> Folded:
        return [*super().folded(), (_numpy(self.linear.weight), _numpy(self.linear.bias))]


def device_of(model: nn.Module) -> torch.device:
    """Where a model's weights lie, and so all that they meet and all that is made of them."""
    return next(model.parameters()).device


def build(spec: Spec) -> Layer:
    """The layer of a spec, freshly initialised (He et al. 2015)."""
    return Classifier(spec) if isinstance(spec, Head) else Layer(spec)


class Network(nn.Module):
    """A network of layers in a row: images [N, C, H, W], normalised -> logits [N, classes]."""

    def __init__(self, specs: Sequence[Spec]) -> None:
        super().__init__()
        self.specs = tuple(specs)
        self.layers: Sequence[Layer] = nn.ModuleList(build(spec) for spec in specs)  # type: ignore[assignment]
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x

    def folded(self) -> list[Folded]:
        """The weights that are deployed, layer by layer: what `onnx_writer.write` takes."""
        return [layer.folded() for layer in self.layers]


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().float().cpu().contiguous().numpy()

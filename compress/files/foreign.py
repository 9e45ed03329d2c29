"""Hand-made networks for small images, to compare with the searched ones.

Networks for images of 224 pixels downsample by 32, which would turn 32 pixels into one. Here the stem has stride 1, as
is usual for CIFAR, and the rest is as published: 2x2 pixels remain, for four times the MACs. Like our own networks,
they have no dropout, and residual blocks start as the identity: the training recipe is the same for all.
torchvision takes seconds to import, so it is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from search_spaces.errors import unknown
from search_spaces.networks.convolution import Conv2d


def mobilenet_v2(classes: int, in_channels: int) -> nn.Module:
    """Sandler et al. 2018, width 1.0."""
    model = _published("mobilenet_v2", num_classes=classes, dropout=0.0)
    model.features[0][0] = _stem(model.features[0][0], in_channels)
    return model


def mobilenet_v3_small(classes: int, in_channels: int) -> nn.Module:
    """Howard et al. 2019, width 1.0."""
    model = _published("mobilenet_v3_small", num_classes=classes, dropout=0.0)
    model.features[0][0] = _stem(model.features[0][0], in_channels)
    return model


def shufflenet_v2(classes: int, in_channels: int) -> nn.Module:
    """Ma et al. 2018, width 1.0."""
    model = _published("shufflenet_v2_x1_0", num_classes=classes)
    model.conv1[0] = _stem(model.conv1[0], in_channels)
    return model


def shufflenet_v2_half(classes: int, in_channels: int) -> nn.Module:
    """Ma et al. 2018, width 0.5."""
    model = _published("shufflenet_v2_x0_5", num_classes=classes)
    model.conv1[0] = _stem(model.conv1[0], in_channels)
    return model


def _published(name: str, **options: Any) -> Any:
    """torchvision's network, without weights."""
    from torchvision.models import get_model

    return get_model(name, weights=None, **options)


def _stem(published: nn.Conv2d, in_channels: int) -> nn.Conv2d:
    """The first convolution for images of `in_channels`, with stride 1."""
    conv = nn.Conv2d(in_channels, published.out_channels, 3, 1, 1, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out")
    return conv


class Residual(nn.Module):
    """Two 3x3 convolutions with a shortcut, which is a 1x1 convolution if the shape changes."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.first = _conv_norm(in_channels, out_channels, stride)
        self.second = _conv_norm(out_channels, out_channels, 1)
        same = stride == 1 and in_channels == out_channels
        self.shortcut = nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.second(F.relu(self.first(x))) + self.shortcut(x))


def resnet8(classes: int, in_channels: int) -> nn.Module:
    """The image classifier of MLPerf Tiny (Banbury et al. 2021), made for 32 pixels."""
    return nn.Sequential(
        _conv_norm(in_channels, 16, 1),
        nn.ReLU(),
        Residual(16, 16, 1),
        Residual(16, 32, 2),
        Residual(32, 64, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, classes),
    )


def _conv_norm(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    conv = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels))


FOREIGN: dict[str, Callable[[int, int], nn.Module]] = {
    "mobilenet_v2": mobilenet_v2,
    "mobilenet_v3_small": mobilenet_v3_small,
    "shufflenet_v2": shufflenet_v2,
    "shufflenet_v2_half": shufflenet_v2_half,
    "resnet8": resnet8,
}


class Foreign(nn.Module):
    """A new network of `FOREIGN`, with the arguments to rebuild it. Raises LutraError for an unknown name."""

    def __init__(self, name: str, classes: int, in_channels: int) -> None:
        super().__init__()
        if name not in FOREIGN:
            raise unknown("model", name, FOREIGN)
        self.name, self.classes, self.in_channels = name, classes, in_channels
        self.model = with_fast_depthwise(with_zero_residuals(FOREIGN[name](classes, in_channels))).to(
            memory_format=torch.channels_last
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


def with_zero_residuals(model: nn.Module) -> nn.Module:
    """The model, after setting the last batch norm's scale to 0 in every residual block (Goyal et al. 2017)."""
    for block in model.modules():
        adds = isinstance(block, Residual) and isinstance(block.shortcut, nn.Identity)
        if adds or getattr(block, "use_res_connect", False):  # torchvision's name in both kinds of inverted residual
            nn.init.zeros_([norm for norm in block.modules() if isinstance(norm, nn.BatchNorm2d)][-1].weight)
    return model


def with_fast_depthwise(model: nn.Module) -> nn.Module:
    """The model, after replacing its depthwise convolutions by ones with gradients that are fast on a CPU."""
    for parent in list(model.modules()):
        for name, conv in parent.named_children():
            if isinstance(conv, nn.Conv2d) and conv.groups == conv.in_channels > 1:
                width, kernel, stride = conv.in_channels, conv.kernel_size[0], conv.stride[0]
                quick = Conv2d(width, width, kernel, stride, kernel // 2, groups=width, bias=False)
                quick.load_state_dict(conv.state_dict())
                setattr(parent, name, quick)
    return model


def shape_like(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Gives layers the shapes of the weights that they will load, which may be a pruned network's."""
    for name, layer in model.named_modules():
        weight = tensors.get(f"{name}.weight")
        if weight is None or weight.shape == layer.weight.shape:
            continue
        if isinstance(layer, nn.Conv2d):
            layer.groups = layer.groups if layer.groups == 1 else len(weight)
            layer.out_channels, layer.in_channels = weight.shape[0], weight.shape[1] * layer.groups
        elif isinstance(layer, nn.BatchNorm2d):
            layer.num_features = len(weight)
            layer.running_mean, layer.running_var = (torch.empty_like(weight) for _ in range(2))
        elif isinstance(layer, nn.Linear):
            layer.out_features, layer.in_features = weight.shape
        layer.weight = nn.Parameter(torch.empty_like(weight))
        if layer.bias is not None:
            layer.bias = nn.Parameter(torch.empty(len(weight)))

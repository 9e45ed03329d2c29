"""Networks and training steps as a user of plain torch writes them, to compare the speed of ours with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from search_spaces.layers import (
    Attention,
    FusedMBConv,
    Head,
    MBConv,
    PatchStem,
    Pointwise,
    ResidualBlock,
    Separable,
    Skip,
    Spec,
    SqueezeExciteMBConv,
    Stem,
)
from search_spaces.networks.resizing import resized
from search_spaces.training.loop import mixed_precision

SMOOTHING = 0.1
Step = Callable[[], float]  # trains on one batch, returns the loss


def unit(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1, act: bool = True) -> nn.Module:
    """Convolution, batch norm, and ReLU6 if `act`."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), *([nn.ReLU6(inplace=True)] if act else []))


class Plus(nn.Module):
    """The sum of two branches."""

    def __init__(self, branch: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.branch, self.shortcut = branch, shortcut

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.branch(x)


class Excited(nn.Module):
    """Squeeze-and-excitation."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        gate = unit(channels, squeezed), unit(squeezed, channels, act=False), nn.Hardsigmoid()
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), *gate)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(x)


class Attending(nn.Module):
    """Attention between pixels, by torch's own function."""

    def __init__(self, spec: Attention) -> None:
        super().__init__()
        channels = spec.heads * spec.head_channels
        self.heads = spec.heads
        self.project_in = unit(spec.in_channels, 3 * channels, act=False)
        self.project_out = unit(channels, spec.in_channels, act=False)

    def forward(self, x: Tensor) -> Tensor:
        n, _, height, width = x.shape
        packed = self.project_in(x).reshape(n, 3, self.heads, -1, height * width).transpose(-2, -1)
        found = F.scaled_dot_product_attention(*packed.unbind(1))
        return x + self.project_out(found.transpose(-2, -1).reshape(n, -1, height, width))


def block(spec: Spec) -> nn.Module:
    """The layer of a spec."""
    if isinstance(spec, (Stem, PatchStem)):
        kernel, stride = (3, spec.stride) if isinstance(spec, Stem) else (2, 2)
        return unit(spec.in_channels, spec.out_channels, kernel, stride)
    if isinstance(spec, Head):
        mean = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(spec.hidden_channels, spec.classes)
        return nn.Sequential(unit(spec.in_channels, spec.hidden_channels), *mean)
    if isinstance(spec, Attention):
        return Attending(spec)
    if isinstance(spec, Pointwise):
        return unit(spec.in_channels, spec.out_channels, 1, spec.stride, act=False)
    return _summed(spec, nn.Sequential(*_branch(spec)))


def _branch(spec: Spec) -> list[nn.Module]:
    if isinstance(spec, Separable):
        own = spec.in_channels
        return [unit(own, own, 3, spec.stride, own), unit(own, spec.out_channels, act=False)]
    assert isinstance(spec, (MBConv, SqueezeExciteMBConv, FusedMBConv, ResidualBlock)), spec
    inputs, hidden, outputs = spec.in_channels, spec.hidden_channels, spec.out_channels
    first = unit(inputs, hidden, spec.kernel, spec.stride)
    if isinstance(spec, ResidualBlock):
        return [first, unit(hidden, outputs, spec.kernel, act=False)]
    if isinstance(spec, FusedMBConv):
        return [first, unit(hidden, outputs, act=False)]
    middle = [unit(inputs, hidden), unit(hidden, hidden, spec.kernel, spec.stride, hidden)]
    gate = [Excited(hidden, spec.squeeze_channels)] if isinstance(spec, SqueezeExciteMBConv) else []
    return [*middle, *gate, unit(hidden, outputs, act=False)]


def _summed(spec: Spec, branch: nn.Module) -> nn.Module:
    if spec.residual:
        return Plus(branch, nn.Identity())
    if isinstance(spec, ResidualBlock):
        return Plus(branch, unit(spec.in_channels, spec.out_channels, 1, spec.stride, act=False))
    return branch


class Plain(nn.Module):
    """The network of these specs: images [N, C, H, W] -> logits [N, classes]; weights are torch's own."""

    def __init__(self, specs: Sequence[Spec]) -> None:
        super().__init__()
        self.pixels = specs[0].resolution
        self.blocks = nn.Sequential(*(block(spec) for spec in specs if not isinstance(spec, Skip)))
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(resized(x, self.pixels))


def training(models: Sequence[nn.Module], images: Tensor, labels: Tensor, amp: bool | None = None) -> Step:
    """A step that trains each model in turn, by SGD with momentum, in channels_last and under autocast.

    Of several models only the first one's weights are updated, as those of a supernet are updated once.
    """
    device = images.device
    images = images.contiguous(memory_format=torch.channels_last)
    sgd = torch.optim.SGD(models[0].parameters(), 0.01, momentum=0.9, weight_decay=5e-5, nesterov=True)

    def step() -> float:
        for model in models:
            model.zero_grad(set_to_none=True)
            with mixed_precision(amp, device):
                loss = F.cross_entropy(model(images), labels, label_smoothing=SMOOTHING)
            loss.backward()
        sgd.step()
        return loss.item()

    return step

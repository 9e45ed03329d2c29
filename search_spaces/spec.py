"""Layer specifications: what a layer computes, without its weights.

A `Spec` is the currency of the project: a space decodes to specs, `build` makes a layer from one, the latency table is
keyed by it, the board measures it, pruning answers with narrower ones. No torch here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Union

from search_spaces.errors import LutraError, unknown


@dataclass(frozen=True)
class Conv:
    """One convolution, batch norm where `norm`, ReLU6 where `relu`. Padding keeps ceil(resolution / stride) pixels."""

    in_channels: int
    out_channels: int
    kernel: int  # pixels, odd
    stride: int
    groups: int
    relu: bool
    resolution: int  # input height = width, pixels
    norm: bool = True

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        return (self.out_channels, self.in_channels // self.groups, self.kernel, self.kernel)

    @property
    def weights(self) -> int:
        return self.out_channels * (self.in_channels // self.groups) * self.kernel**2

    @property
    def out_resolution(self) -> int:
        return -(-self.resolution // self.stride)


@dataclass(frozen=True)
class Stem:
    """3x3 convolution from the image."""

    in_channels: int
    out_channels: int
    stride: int
    resolution: int  # input pixels

    @property
    def convs(self) -> tuple[Conv, ...]:
        return (Conv(self.in_channels, self.out_channels, 3, self.stride, 1, True, self.resolution),)


@dataclass(frozen=True)
class MBConv:
    """Inverted residual block (Sandler et al. 2018): 1x1 expand, depthwise k x k, linear 1x1 project.

    `hidden_channels` is absolute, so that a pruned block is still an MBConv.
    """

    in_channels: int
    hidden_channels: int
    out_channels: int
    kernel: int
    stride: int
    resolution: int  # input pixels

    @property
    def residual(self) -> bool:
        return self.stride == 1 and self.in_channels == self.out_channels

    @property
    def convs(self) -> tuple[Conv, ...]:
        hidden, pixels = self.hidden_channels, self.resolution
        depthwise = Conv(hidden, hidden, self.kernel, self.stride, hidden, True, pixels)
        return (
            Conv(self.in_channels, hidden, 1, 1, 1, True, pixels),
            depthwise,
            Conv(hidden, self.out_channels, 1, 1, 1, False, depthwise.out_resolution),
        )

    def __str__(self) -> str:
        return (
            f"MBConv({self.in_channels}->{self.out_channels}, hidden {self.hidden_channels}, "
            f"k{self.kernel}, s{self.stride}, {self.resolution}px)"
        )


@dataclass(frozen=True)
class LowRankMBConv:
    """An MBConv whose 1x1 convolutions are products of two, the inner one linear and without batch norm.

    A rank of min(in, out) of its convolution, or more, leaves that convolution in one.
    """

    in_channels: int
    hidden_channels: int
    out_channels: int
    kernel: int
    stride: int
    resolution: int  # input pixels
    expand_rank: int
    project_rank: int

    @property
    def whole(self) -> MBConv:
        return MBConv(
            self.in_channels, self.hidden_channels, self.out_channels, self.kernel, self.stride, self.resolution
        )

    @property
    def convs(self) -> tuple[Conv, ...]:
        expand, depthwise, project = self.whole.convs
        return *factors(expand, self.expand_rank), depthwise, *factors(project, self.project_rank)

    def __str__(self) -> str:
        return f"LowRank{self.whole}"[:-1] + f", ranks {self.expand_rank} and {self.project_rank})"


@dataclass(frozen=True)
class Separable:
    """Depthwise 3x3 and linear 1x1: MobileNetV2's first block, whose expand ratio of 1 has no expand convolution."""

    in_channels: int
    out_channels: int
    stride: int
    resolution: int  # input pixels

    @property
    def convs(self) -> tuple[Conv, ...]:
        depthwise = Conv(self.in_channels, self.in_channels, 3, self.stride, self.in_channels, True, self.resolution)
        return depthwise, Conv(self.in_channels, self.out_channels, 1, 1, 1, False, depthwise.out_resolution)


@dataclass(frozen=True)
class Pointwise:
    """Linear 1x1 convolution: NAS-Bench-Macro's identity where the shape changes, and the context of a timed block."""

    in_channels: int
    out_channels: int
    stride: int
    resolution: int  # input pixels

    @property
    def convs(self) -> tuple[Conv, ...]:
        return (Conv(self.in_channels, self.out_channels, 1, self.stride, 1, False, self.resolution),)


@dataclass(frozen=True)
class Skip:
    """Identity: nothing is computed, nothing is deployed. Depth is chosen with it."""

    channels: int
    resolution: int  # pixels

    @property
    def convs(self) -> tuple[Conv, ...]:
        return ()

    @property
    def in_channels(self) -> int:
        return self.channels

    @property
    def out_channels(self) -> int:
        return self.channels


@dataclass(frozen=True)
class Head:
    """1x1 convolution, global average pooling, linear classifier."""

    in_channels: int
    hidden_channels: int
    classes: int
    resolution: int  # input pixels

    @property
    def out_channels(self) -> int:
        return self.classes

    @property
    def convs(self) -> tuple[Conv, ...]:
        return (Conv(self.in_channels, self.hidden_channels, 1, 1, 1, True, self.resolution),)


@dataclass(frozen=True)
class LowRankHead(Head):
    """A head whose convolution is a product of two, the inner one linear and without batch norm."""

    rank: int

    @property
    def convs(self) -> tuple[Conv, ...]:
        return factors(super().convs[0], self.rank)


Spec = Union[Stem, MBConv, LowRankMBConv, Separable, Pointwise, Skip, Head, LowRankHead]
_TYPES = {kind.__name__: kind for kind in (Stem, MBConv, LowRankMBConv, Separable, Pointwise, Skip, Head, LowRankHead)}


def factors(conv: Conv, rank: int) -> tuple[Conv, ...]:
    """A 1x1 convolution as the product of two that meet in `rank` channels; as it is where it has no more."""
    if rank >= min(conv.in_channels, conv.out_channels):
        return (conv,)
    inner = dataclasses.replace(conv, out_channels=rank, relu=False, norm=False)
    return inner, dataclasses.replace(conv, in_channels=rank)


def residual(spec: Spec) -> bool:
    """Whether a layer's input is added to its output."""
    block = spec.whole if isinstance(spec, LowRankMBConv) else spec
    return isinstance(block, MBConv) and block.residual


def out_resolution(spec: Spec) -> int:
    """Height = width of a layer's output, pixels (1 after the head's pooling)."""
    if isinstance(spec, Head):
        return 1
    return spec.convs[-1].out_resolution if spec.convs else spec.resolution


def macs(specs: Sequence[Spec]) -> int:
    """Multiply-accumulates of one image through convolutions and the classifier."""
    convs = sum(conv.weights * conv.out_resolution**2 for spec in specs for conv in spec.convs)
    return convs + sum(spec.hidden_channels * spec.classes for spec in specs if isinstance(spec, Head))


def parameters(specs: Sequence[Spec]) -> int:
    """Trained numbers: convolution weights, batch norms' scale and shift, the classifier."""
    convs = sum(conv.weights + 2 * conv.out_channels * conv.norm for spec in specs for conv in spec.convs)
    return convs + sum((spec.hidden_channels + 1) * spec.classes for spec in specs if isinstance(spec, Head))


def to_json(spec: Spec) -> dict[str, Any]:
    return {"type": type(spec).__name__, **dataclasses.asdict(spec)}


def from_json(record: Mapping[str, Any]) -> Spec:
    """The inverse of `to_json`. Raises LutraError on another type, other fields, or a value that is no positive int."""
    fields = dict(record)
    name = fields.pop("type", None)
    if not isinstance(name, str) or name not in _TYPES:
        raise unknown("layer type", str(name), _TYPES)
    expected = [field.name for field in dataclasses.fields(_TYPES[name])]
    if sorted(fields) != sorted(expected):
        raise LutraError(f"a {name} has the fields {', '.join(expected)}; found {', '.join(sorted(map(str, fields)))}")
    for key, value in fields.items():
        if type(value) is not int or value < 1:
            raise LutraError(f"{name}.{key} must be a positive integer, not {value!r}")
    return _TYPES[name](**fields)

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from search_spaces.layers.nodes import INPUT, Convolution, Node, Pool, Product, Sum
from search_spaces.layers.spec import Prunable, Spec


@dataclass(frozen=True)
class SqueezeExciteMBConv(Spec):
    """An MBConv whose hidden channels are scaled by squeeze-and-excitation (Hu et al. 2018; as in Howard et al. 2019).

    Two convolutions of the channels' means: the first with ReLU6, the second with a hard sigmoid, for which onnxruntime
    has no integer kernel. Both have a batch norm, which becomes their bias in the file.
    """

    in_channels: int
    hidden_channels: int
    out_channels: int
    squeeze_channels: int
    kernel: int
    stride: int
    resolution: int  # input pixels

    elastic = ("hidden_channels", "squeeze_channels", "kernel")
    prunable = Prunable("hidden_channels", producers=("expand", "excite"), gate="depthwise")

    def nodes(self) -> Iterator[Node]:
        hidden, squeeze = self.hidden_channels, self.squeeze_channels
        yield Convolution("expand", (INPUT,), self.in_channels, hidden, activation="relu6")
        yield Convolution("depthwise", ("expand",), hidden, hidden, self.kernel, self.stride, True, "relu6")
        yield Pool("pool", ("depthwise",))
        yield Convolution("squeeze", ("pool",), hidden, squeeze, activation="relu6")
        yield Convolution("excite", ("squeeze",), squeeze, hidden, activation="hard_sigmoid")
        yield Product("scaled", ("depthwise", "excite"))
        yield Convolution("project", ("scaled",), hidden, self.out_channels)
        if self.stride == 1 and self.in_channels == self.out_channels:
            yield Sum("add", (INPUT, "project"))

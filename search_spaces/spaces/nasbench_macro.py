"""`nasbench_macro`: the space of NAS-Bench-Macro (Su et al. 2021): 6,561 architectures, all with published accuracies.

These are 3,969 networks, because an identity in the second or in the third layer of a stage gives the same network.
"""

from __future__ import annotations

from search_spaces.layers import Head, MBConv, Pointwise, Skip, Spec, Stem
from search_spaces.space import SearchSpace

STAGES = ((64, 2), (128, 3), (256, 3))  # channels, layers; each begins with stride 2


def nasbench_macro(in_channels: int, resolution: int, classes: int) -> SearchSpace:
    """Eight searched layers with three options: 0 identity, 1 MBConv e3 k3, 2 MBConv e6 k5.

    At the beginning of a stage, identity is a 1x1 convolution with stride 2. The reference is the largest, all e6 k5.
    """
    layers: list[tuple[Spec, ...]] = [(Stem(in_channels, 32, 1, resolution),)]
    channels, pixels = 32, resolution
    for width, depth in STAGES:
        for index in range(depth):
            stride = 2 if index == 0 else 1
            identity: Spec = Pointwise(channels, width, stride, pixels) if index == 0 else Skip(channels, pixels)
            e3k3 = MBConv(channels, channels * 3, width, 3, stride, pixels)
            e6k5 = MBConv(channels, channels * 6, width, 5, stride, pixels)
            layers.append((identity, e3k3, e6k5))
            channels, pixels = width, -(-pixels // stride)
    layers.append((Head(channels, 1280, classes, pixels),))
    return SearchSpace("nasbench_macro", tuple(layers), (0, *(2,) * 8, 0))

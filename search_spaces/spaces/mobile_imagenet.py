"""`mobile_imagenet`: MobileNetV2's stages for 224x224 images (Sandler et al. 2018, table 2)."""

from __future__ import annotations

from search_spaces.layers import Separable, Stem
from search_spaces.mbconv import Stage, mbconv_space
from search_spaces.space import SearchSpace


def mobile_imagenet(in_channels: int, resolution: int, classes: int) -> SearchSpace:
    """Sixteen searched layers, kernels 3/5/7, expand ratios 3/4/6, Skip; the reference is MobileNetV2 1.0."""
    half = -(-resolution // 2)
    return mbconv_space(
        "mobile_imagenet",
        fixed=(Stem(in_channels, 32, 2, resolution), Separable(32, 16, 1, half)),
        stages=(Stage(24, 2, 2), Stage(32, 3, 2), Stage(64, 4, 2), Stage(96, 3, 1), Stage(160, 3, 2), Stage(320, 1, 1)),
        kernels=(3, 5, 7),
        expands=(3, 4, 6),
        head_channels=1280,
        classes=classes,
    )

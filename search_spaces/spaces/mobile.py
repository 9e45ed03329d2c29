"""`mobile`: a MobileNetV2-like space for 32x32 images (Sandler et al. 2018; options as in Cai et al. 2019)."""

from __future__ import annotations

from search_spaces.layers import Stem
from search_spaces.mbconv import Stage, mbconv_space
from search_spaces.space import SearchSpace

RESOLUTION = 32  # pixels


def mobile(in_channels: int, resolution: int, classes: int) -> SearchSpace:
    """Eleven searched layers, kernels 3/5/7, expand ratios 3/4/6, Skip: 4.5e10 networks, 3 to 14 MMACs at 32 px."""
    return mbconv_space(
        "mobile",
        fixed=(Stem(in_channels, 16, 1, resolution),),
        stages=(Stage(16, 1, 2), Stage(24, 3, 2), Stage(40, 4, 2), Stage(96, 3, 1)),
        kernels=(3, 5, 7),
        expands=(3, 4, 6),
        head_channels=512,
        classes=classes,
    )

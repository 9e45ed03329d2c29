"""`tiny`: the demo's space, for 16x16 images; trains in a minute on two cores."""

from __future__ import annotations

from search_spaces.layers import Stem
from search_spaces.mbconv import Stage, mbconv_space
from search_spaces.space import SearchSpace


def tiny(in_channels: int, resolution: int, classes: int) -> SearchSpace:
    """Five searched layers, kernels 3/5, expand ratios 3/6, Skip: 1,680 networks, 0.4 to 2.7 MMACs at 16 px."""
    return mbconv_space(
        "tiny",
        fixed=(Stem(in_channels, 16, 2, resolution),),
        stages=(Stage(24, 2, 1), Stage(48, 3, 2)),
        kernels=(3, 5),
        expands=(3, 6),
        head_channels=128,
        classes=classes,
    )

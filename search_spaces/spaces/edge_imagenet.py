"""`edge_imagenet`: the blocks of `edge` for images of 128 to 224 pixels."""

from __future__ import annotations

from search_spaces.mbconv import Stage
from search_spaces.space import SearchSpace
from search_spaces.trunked import Trunk, trunked_space

STAGES = (Stage(24, 2, 2), Stage(48, 3, 2), Stage(96, 4, 2), Stage(160, 3, 2))
TRUNKS = (
    Trunk(1, 1, 2),
    Trunk(1, 0.75, 2),
    Trunk(1, 1, "patches"),
    Trunk(6 / 7, 1, 2),
    Trunk(6 / 7, 1.25, 2),
    Trunk(6 / 7, 1, "patches"),
    Trunk(5 / 7, 1, 2),
    Trunk(5 / 7, 1.25, 2),
    Trunk(5 / 7, 1.25, "patches"),
    Trunk(4 / 7, 1.25, 2),
    Trunk(4 / 7, 1.25, "patches"),
)


def edge_imagenet(in_channels: int, resolution: int, classes: int) -> SearchSpace:
    """Twelve searched layers under eleven trunks: 6.0e12 networks, 18 to 800 MMACs at 224 px.

    The trunks have 128, 160, 192 and 224 of 224 pixels, and 0.75, 1 and 1.25 times the channels.
    """
    return trunked_space("edge_imagenet", (in_channels, resolution), TRUNKS, 16, STAGES, 960, classes)

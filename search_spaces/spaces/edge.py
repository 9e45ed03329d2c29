"""`edge`: blocks of several kinds under several trunks, for 32x32 images, so that the device decides among them.

Per layer: FusedMBConv (expand ratio 1, 2, 4), ResidualBlock, MBConv (kernel 3 and 5, expand ratio 3 and 6), MBConv with
squeeze-and-excite, attention on maps of at most 8x8, Skip. Above the layers, a trunk: input resolution, width and stem.
"""

from __future__ import annotations

from search_spaces.mbconv import Stage
from search_spaces.space import SearchSpace
from search_spaces.trunked import Trunk, trunked_space

STAGES = (Stage(16, 2, 1), Stage(32, 3, 2), Stage(64, 3, 2), Stage(96, 2, 2))
TRUNKS = (
    Trunk(1, 1, 1),
    Trunk(1, 0.75, 1),
    Trunk(7 / 8, 1, 1),
    Trunk(3 / 4, 1, 1),
    Trunk(3 / 4, 0.75, 1),
    Trunk(3 / 4, 1.25, 1),
    Trunk(1, 1, 2),
    Trunk(1, 1.25, 2),
    Trunk(7 / 8, 1.25, 2),
    Trunk(1, 1, "patches"),
    Trunk(1, 1.25, "patches"),
    Trunk(7 / 8, 1.25, "patches"),
)


def edge(in_channels: int, resolution: int, classes: int) -> SearchSpace:
    """Ten searched layers under twelve trunks: 8.8e10 networks, 1 to 80 MMACs at 32 px.

    The trunks have 24, 28 and 32 of 32 pixels, and 0.75, 1 and 1.25 times the channels.
    """
    return trunked_space("edge", (in_channels, resolution), TRUNKS, 16, STAGES, 256, classes)

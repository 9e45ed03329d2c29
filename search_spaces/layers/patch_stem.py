from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from search_spaces.layers.nodes import INPUT, Convolution, Node
from search_spaces.layers.spec import Spec

PATCH = 2  # pixels per side


@dataclass(frozen=True)
class PatchStem(Spec):
    """The image in patches of 2x2 pixels, each mapped alike (Dosovitskiy et al. 2021, "ViT").

    The last row and column of an image of odd size are ignored.
    """

    in_channels: int
    out_channels: int
    resolution: int  # input pixels

    takes_image = True

    def nodes(self) -> Iterator[Node]:
        yield Convolution("conv", (INPUT,), self.in_channels, self.out_channels, PATCH, PATCH, activation="relu6")

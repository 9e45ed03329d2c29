from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from search_spaces.layers.nodes import Node
from search_spaces.layers.spec import Spec


@dataclass(frozen=True)
class Skip(Spec):
    """Identity: computes and deploys nothing; with it a search chooses depth."""

    channels: int
    resolution: int  # pixels

    @property
    def in_channels(self) -> int:
        return self.channels

    @property
    def out_channels(self) -> int:
        return self.channels

    def nodes(self) -> Iterator[Node]:
        return iter(())

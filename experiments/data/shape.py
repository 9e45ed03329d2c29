"""The shape of a data set's images."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    in_channels: int
    resolution: int  # pixels
    classes: int

    @property
    def image(self) -> tuple[int, int, int]:
        return self.in_channels, self.resolution, self.resolution

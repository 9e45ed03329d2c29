"""Rows of the CSV files about compression: one dataclass per file, whose fields are the columns it needs."""

from __future__ import annotations

from dataclasses import dataclass, field

from paper.latex import count


@dataclass(frozen=True)
class Stage:
    """A network on the way from the reference to the INT8 file, as benchmarked on the device."""

    stage: str
    precision: str  # fp32 or int8
    validation_accuracy: float  # fraction
    test_accuracy: float  # fraction
    latency_median_s: float
    latency_p90_s: float
    predicted_s: float | None
    file_bytes: float
    macs: float
    parameters: float
    sha256: str  # of the file
    steps: float | None = field(default=None, kw_only=True)  # total training steps; missing in older files

    @property
    def trained(self) -> str:
        """The steps formatted for a table."""
        return "--" if self.steps is None else count(self.steps)


@dataclass(frozen=True)
class Variant(Stage):
    """The winner after a subset of the stages of compression; `stage` lists them."""

    compressed_bytes: float  # after lossless compression
    parent: str  # sha256 of the network that the file was made from


@dataclass(frozen=True)
class HandMade(Stage):
    """The winner or a hand-made network, with the same data and recipe; `stage` is its name."""


@dataclass(frozen=True)
class PruningRule(Stage):
    """The winner pruned by a rule; `stage` is the rule's name and the fraction of channels kept."""

    parent: str  # as a Variant's

"""The rows of seeds.csv: stages of runs that differ in the seed of search, training and compression."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from paper.compression_rows import Stage


@dataclass(frozen=True)
class Seeded(Stage):
    """A stage of the run with this seed. The supernet and the latency table are those of all seeds."""

    seed: int = field(kw_only=True)
    whole_arch: str = field(default="", kw_only=True)  # this seed's winner, as one of the whole space


def by_stage(rows: Iterable[Seeded]) -> dict[tuple[str, str], list[Seeded]]:
    """The rows of each stage and precision, ordered by seed."""
    found: dict[tuple[str, str], list[Seeded]] = {}
    for row in sorted(rows, key=lambda one: one.seed):
        found.setdefault((row.stage, row.precision), []).append(row)
    return found

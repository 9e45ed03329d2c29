"""The CSV files of the paper: one dataclass for the rows of each, used by the commands that write and the paper.

The paper needs the columns without a default; some commands write more columns than the dataclass has.
"""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import TypeVar, get_type_hints

from paper.candidate_rows import Candidate
from paper.compression_rows import HandMade, PruningRule, Stage, Variant
from paper.csv_records import columns, records
from paper.duration_rows import Part
from paper.profile_rows import Moment, Operator
from paper.ranking_rows import Ranked, RankTau
from paper.recipe_rows import TriedRecipe
from paper.seed_rows import Seeded
from paper.transfer_rows import Transferred


@dataclass(frozen=True)
class Whole:
    """A whole network timed for the correction, predicted by a correction fitted on the others."""

    arch: str = field(default="", kw_only=True)
    precision: str
    naive_s: float
    predicted_s: float
    measured_s: float


@dataclass(frozen=True)
class Block:
    """An option of a layer in the latency table."""

    layer: int
    option: int
    spec: str
    precision: str
    seconds: float


@dataclass(frozen=True)
class Layer:
    """A layer of the winner, whatever its kind."""

    layer: int
    kind: str  # Stem, MBConv, Skip, Head, ...
    in_channels: int
    hidden_channels: int  # of its widest convolution
    out_channels: int
    kernel: int  # of its largest convolution; 0: nothing is computed
    stride: int
    resolution: int  # input pixels
    precision: str
    seconds: float  # in the context of a network, by the table

    @property
    def name(self) -> str:
        """Kernel and expand ratio of an MBConv, with its variant if it is one; the kind of any other layer."""
        if not self.kind.endswith("MBConv"):
            return self.kind.removesuffix("Block").lower()
        variant = self.kind.removesuffix("MBConv").replace("SqueezeExcite", "SE").replace("Fused", "fused")
        return f"{variant} k{self.kernel} e{self.hidden_channels / self.in_channels:.2g}".strip()


@dataclass(frozen=True)
class Fresh:
    """The prediction of one predictor for a new random network."""

    arch: str = field(default="", kw_only=True)
    precision: str
    predictor: str
    predicted_s: float
    measured_s: float


@dataclass(frozen=True)
class Judged:
    """A predictor, and how well it agrees with networks that it has not seen (`predictors.metrics.agreement`)."""

    data: str  # fp32, int8, or the name of a file
    predictor: str
    trained_on: int  # whole networks
    seed: int = field(default=0, kw_only=True)  # of the split, or of the drawn networks
    held_out: int = field(default=0, kw_only=True)  # networks that it is judged on
    bias: float = field(default=math.nan, kw_only=True)
    mape: float  # fraction
    within_5: float  # fraction of networks
    within_10: float = field(default=math.nan, kw_only=True)
    tau: float
    tau_a: float = field(default=math.nan, kw_only=True)


@dataclass(frozen=True)
class Summed:
    """Predictions for a new random network by one protocol's blocks: sum, affine correction, whole correction."""

    precision: str
    protocol: str
    arch: str = field(default="", kw_only=True)
    naive_s: float
    affine_s: float
    predicted_s: float
    measured_s: float


@dataclass(frozen=True)
class Curve:
    """A strategy at one moment of its searches: means over the seeds with 95 % intervals."""

    problem: str
    reference: str  # the front that hypervolume and regret are relative to
    strategy: str
    against: str  # evaluations or seconds
    seeds: int
    at: float
    evaluations: float  # up to that moment
    share: float  # fraction of the reference's hypervolume
    share_low: float | None  # None: one seed has no interval
    share_high: float | None
    regret: float  # in score
    regret_low: float | None
    regret_high: float | None


@dataclass(frozen=True)
class Searched:
    """A candidate of one search of a comparison."""

    strategy: str
    seed: int
    seconds: float = 0.0  # that the search needed for it; missing in older files


@dataclass(frozen=True)
class Pair:
    """Two strategies with the same budget, by one measure, and whether they differ significantly."""

    against: str  # evaluations or seconds
    at: float
    measure: str  # share or regret, as in Curve
    a: str
    b: str
    mean_a: float
    mean_b: float
    p: float  # of a rank test, after Holm's correction
    significant: bool
    seeds: int
    seeds_needed: int  # with fewer, no difference can be significant


FILES: dict[type, str] = {
    Stage: "stages.csv",
    Candidate: "candidates.csv",
    Whole: "networks.csv",
    Block: "table.csv",
    Layer: "architecture.csv",
    Fresh: "fresh.csv",
    Judged: "fidelity.csv",
    Summed: "protocols.csv",
    Curve: "curves.csv",
    Pair: "pairs.csv",
    Searched: "compare.csv",
    Ranked: "ranking.csv",
    RankTau: "correlations.csv",
    Variant: "ablation.csv",
    HandMade: "hand_made.csv",
    PruningRule: "pruning_rules.csv",
    TriedRecipe: "recipes.csv",
    Operator: "profile.csv",
    Moment: "steady.csv",
    Transferred: "transfer.csv",
    Seeded: "seeds.csv",
    Part: "reproduce.csv",
}
Row = TypeVar("Row")


def read(results: Path, kind: type[Row]) -> list[Row]:
    """All rows of the file of `kind`. Raises ResultError that names file, line and column."""
    path, kinds = results / FILES[kind], get_type_hints(kind)
    optional = [one.name for one in fields(kind) if one.default is not MISSING]  # type: ignore[arg-type]
    costs = cost_columns(path) if kinds.pop("costs", None) else []
    rows = records(path, kinds | dict.fromkeys(costs, float), optional)
    grouped = [{"costs": {column: row.pop(column) for column in costs}, **row} for row in rows] if costs else rows
    return [kind(**row) for row in grouped]


def cost_columns(path: Path) -> list[str]:
    """Seconds first, then the costs in bytes."""
    return ["latency_s", *sorted(name for name in columns(path) if name.endswith("_bytes"))]

"""Rows of a ranking: networks trained alone, and how well predictors rank them."""

from __future__ import annotations

from dataclasses import dataclass

ANOTHER = "another training"  # as a predictor: how well one training predicts others
OTHERS = "all, other trainings"  # all networks, judged by the mean of all trainings but the first


@dataclass(frozen=True)
class Ranked:
    """A network trained alone, and predictors of its accuracy."""

    arch: str
    alone: float  # fraction of the test images, or published; the mean over trainings
    inherited: float  # fraction of the validation images, with the supernet's weights
    macs: float
    parameters: float
    naswot: float  # dimensionless
    first: float | None = None  # as `alone`, of the first training
    others: float | None = None  # as `alone`, the mean of the other trainings


@dataclass(frozen=True)
class RankTau:
    """The rank correlations of a predictor with separate training; 95 % bootstrap intervals.

    `difference` is the supernet's tau less this one; its interval is of the same resamples for both. Missing for the
    supernet itself, and in older files.
    """

    predictor: str
    among: str  # all networks, those above the median, or OTHERS
    networks: int
    tau: float  # Kendall's tau-b
    tau_low: float
    tau_high: float
    rho: float  # Spearman's
    rho_low: float
    rho_high: float
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None

    @property
    def significantly_worse(self) -> bool:
        """Whether the supernet is significantly better than this predictor."""
        return self.difference_low is not None and self.difference_low > 0

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

    `lead` is how much higher the supernet's tau is; its interval is of the same resamples for both. Missing for the
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
    lead: float | None = None
    lead_low: float | None = None
    lead_high: float | None = None

    @property
    def beaten(self) -> bool:
        """Whether the supernet is certainly better than this predictor."""
        return self.lead_low is not None and self.lead_low > 0

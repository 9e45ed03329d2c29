"""Rows of the CSV files about compression, as benchmarks write them and the paper reads them."""

from __future__ import annotations

from dataclasses import dataclass, field

from paper.latex import count, escape, significant

TRAINED = "quantization-aware"  # the network after training for INT8, a stage that a run may have
PRECISION_NAMES = {"int8": "INT8", "fp16": "FP16", "dynamic": "dynamic INT8"}  # in the text; others as they are
STAGE_NAMES = {
    "reference": "hand-made reference",
    "random": "random architecture",
    "inherited": "winner, inherited weights",
    "retrained": "winner, retrained",
    "pruned": "pruned",
    "finetuned": "finetuned",
    TRAINED: "trained for INT8",
    **PRECISION_NAMES,
}


def row_name(stage: str, precision: str = "") -> str:
    """The name of a network's row in LaTeX; `precision`: that of a file that was quantized without pruning."""
    if not precision:
        return STAGE_NAMES.get(stage, escape(stage))
    name = "winner, not pruned" if stage == "retrained" else STAGE_NAMES.get(stage, escape(stage))
    return f"{name}, {escape(precision)}"


@dataclass(frozen=True)
class Stage:
    """A network on the way from the reference to the INT8 file, as benchmarked on the device.

    Columns with a default are missing in older files. With inherited weights, `steps` are those of the supernet.
    """

    stage: str
    precision: str  # fp32 or int8
    validation_accuracy: float | None  # fraction; None if it was trained on the validation images
    test_accuracy: float  # fraction
    latency_median_s: float  # median over rounds of the median inference of a sample
    latency_p90_s: float  # 90th percentile over all single inferences, without correction
    predicted_s: float | None  # by a table, at the machine's speed in this session; None if a layer was not measured
    file_bytes: int
    compressed_bytes: int | None = field(default=None, kw_only=True)  # after lossless compression
    # peak memory of a process on the device that runs only this file, and before it opens the file; None: not measured
    peak_bytes: int | None = field(default=None, kw_only=True)
    runtime_bytes: int | None = field(default=None, kw_only=True)
    macs: int
    parameters: int
    steps: int | None = field(default=None, kw_only=True)  # of training, from random weights
    seconds: float | None = field(default=None, kw_only=True)  # to make the network
    parent: str = field(default="", kw_only=True)  # sha256 of the file that the network was made from
    sha256: str  # of this file
    # mean of the classes' test accuracies; None where the classes have about equally many images
    balanced_accuracy: float | None = field(default=None, kw_only=True)
    # 95 % interval of the median latency, over the session's rounds; None: not known
    latency_low_s: float | None = field(default=None, kw_only=True)
    latency_high_s: float | None = field(default=None, kw_only=True)

    @property
    def precision_name(self) -> str:
        """The precision as the text calls it."""
        return PRECISION_NAMES.get(self.precision, self.precision)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the latency in seconds; the latency itself where it is not known."""
        return self.latency_low_s or self.latency_median_s, self.latency_high_s or self.latency_median_s

    @property
    def spread(self) -> str:
        """The larger half of the latency's interval, in percent of the latency, formatted for a table."""
        low, high = self.interval
        if low == high:
            return "--"
        return f"{100 * max(high - self.latency_median_s, self.latency_median_s - low) / self.latency_median_s:.1f}"

    @property
    def trained(self) -> str:
        """The steps formatted for a table."""
        return "--" if self.steps is None else count(self.steps)


def measured(row: Stage, places: int) -> list[str]:
    """Cells of a table: test accuracy, latency in ms with so many decimals, its spread, size in kB, million MACs."""
    return [
        f"{100 * row.test_accuracy:.1f}",
        f"{1e3 * row.latency_median_s:.{places}f}",
        row.spread,
        significant(row.file_bytes / 1e3),
        significant(row.macs / 1e6),
    ]


@dataclass(frozen=True)
class Variant(Stage):
    """The winner after a subset of the stages of compression; `stage` lists them."""

    compressed_bytes: int = field(kw_only=True)
    parent: str = field(kw_only=True)


@dataclass(frozen=True)
class HandMade(Stage):
    """The winner or a hand-made network, with the same data and recipe; `stage` is its name."""


@dataclass(frozen=True)
class PruningRule(Stage):
    """The winner pruned by a rule; `stage` is the rule's name and the fraction of channels kept."""

    parent: str = field(kw_only=True)

"""Which file a report deploys: the quantized one if it is significantly faster than the network's fp32 file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.config.compression import FASTER
from experiments.setup.session_record import Session
from experiments.store import artefacts
from paper.compression_rows import Stage
from paper.latex import decimals
from predictors.costs import LATENCY

HALF = "fp16"  # a kind that is asked for because of its size


@dataclass(frozen=True)
class Deployed:
    """A measured file, its row, and why it is not the quantized one; `why` is empty if it is."""

    path: Path
    row: Stage
    why: str = ""


def deployed(
    quantized: Path, benchmark: Path, rows: Sequence[Stage], session: Session, costs: Sequence[str], choice: str
) -> Deployed:
    """The file that the objective and the measurement choose.

    The quantized file must be faster than its network's fp32 file: their intervals must not overlap. It is deployed in
    any case if the search's `costs` include bytes, which it saves; as fp16; and if the `choice` of `compress.deploy` is
    not `faster`.
    """
    sha256 = artefacts.sha256(quantized)
    small = next(row for row in rows if row.sha256 == sha256)
    if choice != FASTER or small.precision == HALF or {*costs} != {LATENCY}:
        return Deployed(quantized, small)
    record = artefacts.manifest(benchmark)
    names = [name for name, read in record["inputs"].items() if read == small.parent]
    whole = next(row for row in reversed(rows) if row.stage in names and row.precision == "fp32")
    if session.interval(small)[1] < session.interval(whole)[0]:
        return Deployed(quantized, small)
    file = next(name for name, made in record["outputs"].items() if made == whole.sha256)
    times = [_milliseconds(row.latency_median_s, *session.interval(row)) for row in (small, whole)]
    why = (
        f"{small.precision.upper()} is not significantly faster than fp32 here: {' against '.join(times)}. The fp32 "
        f"file is deployed; compress.deploy=quantized deploys the other, {quantized.relative_to(quantized.parents[2])}"
    )
    return Deployed(benchmark / file, whole, why)


def _milliseconds(median: float, low: float, high: float) -> str:
    """ "0.0281 ms (95 % interval 0.0250 to 0.0310)"."""
    shown = [f"{1e3 * seconds:.{decimals(1e3 * median)}f}" for seconds in (median, low, high)]
    return f"{shown[0]} ms (95 % interval {shown[1]} to {shown[2]})"

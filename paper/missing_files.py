"""The result files that every document needs, and the commands that make those that are missing."""

from __future__ import annotations

from pathlib import Path

from paper.compression_rows import HandMade, PruningRule, Stage, Variant
from paper.csv_records import ResultError, writer
from paper.rows import FILES, Block, Candidate, Fresh, Judged, Layer, Summed, Whole

REPORT = ("setup.csv", *(FILES[kind] for kind in (Stage, Candidate, Whole, Block, Layer)))
COMPRESSION = tuple(FILES[kind] for kind in (Variant, HandMade, PruningRule))
REQUIRED = (
    *REPORT,
    *(name.replace(".csv", end) for name in COMPRESSION for end in (".csv", "_setup.csv")),
    *(FILES[Fresh], FILES[Judged], "fidelity_setup.csv"),
    *(FILES[Summed], "protocols_setup.csv"),
)


def check(results: Path) -> None:
    """Raises ResultError with one line for each missing file: its name, and the command that makes it."""
    missing = [name for name in REQUIRED if not (results / name).exists()]
    if missing:
        raise ResultError("\n".join(f"{results / name} is missing; write it with: {writer(name)}" for name in missing))

"""The result files that documents need, and the commands that make those that are missing."""

from __future__ import annotations

from pathlib import Path

from paper.compression_rows import HandMade, PruningRule, Stage, Variant
from paper.csv_records import ResultError, writer
from paper.rows import FILES, Block, Candidate, Fresh, Judged, Layer, Ranked, RankTau, Summed, Whole

REPORT = ("setup.csv", *(FILES[kind] for kind in (Stage, Candidate, Whole, Block, Layer)))
GROUPS = (  # each made by one command
    *((FILES[kind], FILES[kind].replace(".csv", "_setup.csv")) for kind in (Variant, HandMade, PruningRule)),
    (FILES[Fresh], FILES[Judged], "fidelity_setup.csv"),
    (FILES[Summed], "protocols_setup.csv"),
)
RANKING = (FILES[Ranked], FILES[RankTau], "ranking_setup.csv")
REQUIRED = (*REPORT, *(name for group in GROUPS for name in group))


def check(results: Path) -> None:
    """Raises ResultError with one line for each missing file: its name, and the command that makes it.

    Only the report's files are needed; of another group, either all files or none.
    """
    if not results.is_dir():
        raise ResultError(
            f"{results}: there is no such folder; write it with: {writer(REPORT[0])}, and your run's settings"
        )
    missing = [name for name in REPORT if not (results / name).exists()]
    missing += [name for group in (*GROUPS, RANKING) for name in _gaps(results, group)]
    if missing:
        lines = (
            f"{results / name} is missing; write it with: {writer(name)}, and your run's settings" for name in missing
        )
        raise ResultError("\n".join(lines))


def _gaps(results: Path, group: tuple[str, ...]) -> list[str]:
    """The missing files of a group of which there are some."""
    missing = [name for name in group if not (results / name).exists()]
    return missing if len(missing) < len(group) else []

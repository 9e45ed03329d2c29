"""Finds and reads results of finished runs for the benchmark `edge`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from experiments.store import artefacts
from paper.candidate_rows import Candidate, winner_of
from paper.compression_rows import Stage
from paper.rows import read
from paper.setup_file import setup
from search_spaces.errors import LutraError
from search_spaces.published import picks
from search_spaces.space import Arch

INT8 = "int8"


class MissingError(LutraError):
    """Results that are not there yet; what to type for them."""


@dataclass(frozen=True)
class Report:
    """A search's winner in a finished report."""

    space: str
    arch: Arch
    whole: Mapping[str, Stage]  # by precision: trained from scratch, not pruned
    deployed: Stage  # pruned, finetuned and quantized


def folders(settings: Mapping[str, str], key: str, step: str, space: str, file: str) -> list[Path]:
    """The folders that `key=A,B` gives; else those of a finished step in the folder runs=, the newest first.

    Raises MissingError if there are none.
    """
    if settings[key]:
        return [Path(one).expanduser() for one in settings[key].split(",")]
    found: list[Path] = []
    if settings["runs"]:
        manifests = Path(settings["runs"]).expanduser().glob(f"{step}/{space}-*/{artefacts.MANIFEST}")
        newest = sorted(manifests, key=lambda path: path.stat().st_mtime, reverse=True)
        found = [path.parent for path in newest if (path.parent / file).exists()]
    if not found:
        raise MissingError(f"give {key}=FOLDER, which python -m experiments.{step} space={space} prints")
    return found


def reports(settings: Mapping[str, str], space: str) -> list[Report]:
    """The reports about winners of a space; several for one winner if it was trained with several seeds.

    Raises MissingError if there are none, LutraError for reports about another space.
    """
    found = [report(folder) for folder in folders(settings, space, "report", space, "stages.csv")]
    for one in found:
        if one.space != space:
            raise LutraError(f"{space}= has a report about space={one.space}: give one about space={space}")
    return found


def report(folder: Path) -> Report:
    """Raises LutraError if the folder is not that of a report with an INT8 file."""
    rows = read(folder, Stage)
    named = {(row.stage, row.precision): row for row in rows}
    for stage, precision in (("retrained", "fp32"), ("retrained", INT8), (INT8, INT8)):
        if (stage, precision) not in named:
            raise LutraError(f"{folder / 'stages.csv'} has no row with stage={stage} and precision={precision}")
    best = winner_of(read(folder, Candidate))
    whole = {precision: named["retrained", precision] for precision in ("fp32", INT8)}
    arch = picks(str(folder / "candidates.csv"), "arch", best.arch, 0)
    return Report(setup(folder).text("space"), arch, whole, named[INT8, INT8])


def by_arch(found: Sequence[Report]) -> dict[Arch, list[Report]]:
    """The reports of each winner, in the order in which winners appear."""
    groups: dict[Arch, list[Report]] = {}
    for one in found:
        groups.setdefault(one.arch, []).append(one)
    return groups


def accuracy(found: Sequence[Report], precision: str) -> float:
    """Mean test accuracy of a winner over its reports, as a fraction."""
    return fmean(one.whole[precision].test_accuracy for one in found)

"""Finds and reads results of finished runs for the benchmark `edge`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from experiments.store import artefacts
from paper.rows import FILES, read
from paper.seed_rows import Seeded
from search_spaces.errors import LutraError
from search_spaces.published import picks
from search_spaces.space import Arch, SearchSpace

INT8 = "int8"


class MissingError(LutraError):
    """Results that are not there yet; what to type for them."""


@dataclass(frozen=True)
class Trained:
    """The winner of one seed's search, after its training and compression."""

    arch: Arch
    whole: Mapping[str, Seeded]  # by precision: trained from scratch, not pruned
    deployed: Seeded  # pruned, finetuned and quantized


def folders(settings: Mapping[str, str], key: str, step: str, space: str, file: str) -> list[Path]:
    """The folders that `key=A,B` gives; else the newest of a finished step in the folder runs=.

    Raises MissingError if there are none.
    """
    if settings[key]:
        return [Path(one).expanduser() for one in settings[key].split(",")]
    found: list[Path] = []
    if settings["runs"]:
        manifests = Path(settings["runs"]).expanduser().glob(f"{step}/{space}-*/{artefacts.MANIFEST}")
        newest = sorted(manifests, key=lambda path: path.stat().st_mtime, reverse=True)
        found = [path.parent for path in newest if (path.parent / file).exists()][:1]
    if not found:
        raise MissingError(f"give {key}=FOLDER, which python -m experiments.{step} space={space} prints")
    return found


def winners(settings: Mapping[str, str], name: str, space: SearchSpace) -> list[Trained]:
    """The winners of a space, one for each seed of each folder of `experiments.seeds`.

    Raises MissingError if there are none, LutraError for rows of another space.
    """
    return [one for folder in folders(settings, name, "seeds", name, FILES[Seeded]) for one in of_seeds(folder, space)]


def of_seeds(folder: Path, space: SearchSpace) -> Iterator[Trained]:
    """Raises LutraError if seeds.csv has no winner in INT8, or one of another space."""
    path, rows = folder / FILES[Seeded], read(folder, Seeded)
    for seed in sorted({row.seed for row in rows}):
        named = {(row.stage, row.precision): row for row in rows if row.seed == seed}
        for stage, precision in (("retrained", "fp32"), ("retrained", INT8), (INT8, INT8)):
            if (stage, precision) not in named:
                raise LutraError(f"{path} has no row with stage={stage}, precision={precision} and seed={seed}")
        whole = {precision: named["retrained", precision] for precision in ("fp32", INT8)}
        if not whole[INT8].whole_arch:
            raise LutraError(f"{path} does not name the winners: run python -m experiments.seeds again")
        arch = picks(str(path), "whole_arch", whole[INT8].whole_arch, 0)
        if len(arch) != len(space.layers):
            raise LutraError(f"{path} is of another space: give one of space={space.name}")
        yield Trained(space.check(arch), whole, named[INT8, INT8])


def by_arch(found: Sequence[Trained]) -> dict[Arch, list[Trained]]:
    """The trainings of each winner, in the order in which winners appear."""
    groups: dict[Arch, list[Trained]] = {}
    for one in found:
        groups.setdefault(one.arch, []).append(one)
    return groups


def accuracy(found: Sequence[Trained], precision: str) -> float:
    """Mean test accuracy of a winner over its trainings, as a fraction."""
    return fmean(one.whole[precision].test_accuracy for one in found)

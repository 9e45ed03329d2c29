"""Checks that all result files are about one winner on one machine, because the text compares across files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from paper.chain import chain
from paper.compression import WHOLE
from paper.compression_rows import HandMade, PruningRule, Stage, Variant
from paper.csv_records import ResultError
from paper.rows import FILES, read
from paper.setup_file import Setup, setup

Place = tuple[type[Stage], str]  # a file's rows, and a stage
# Written by two commands: the same file, or two files of one network, one of them with layers in float.
SAME: list[tuple[str, Place, Place]] = [
    ("sha256", (Variant, "nothing"), (Stage, "retrained")),
    ("sha256", (HandMade, "winner"), (Variant, WHOLE)),
    ("sha256", (HandMade, "winner, unpruned"), (Variant, "finetune, quantize")),
    ("parent", (PruningRule, "device"), (Variant, WHOLE)),
]
REQUIRED = ("machine", "threads")
STATE = ("cores", "quota", "clock_max_khz", "clock_cap_khz", "governor", "turbo", "power")  # in newer files
NAMES = ("device", "cpu")  # names of a machine; a board may report only one of them
MACHINE = (*NAMES, "machine", "threads", *STATE)
SUBJECT = ("space", "trunks", "data", "data_file", "data_title", "resolution")  # in newer files


def check(results: Path) -> None:
    """Raises ResultError that names two files that do not belong together."""
    for column, one, other in _same(results):
        if not _hashes(results, one, column) & _hashes(results, other, column):
            (kind, stage), (other_kind, other_stage) = one, other
            raise ResultError(
                f"{results / FILES[kind]}: {stage} is not the same network as {other_stage} in {FILES[other_kind]}; "
                "write both with the same configuration and publish=true"
            )
    run = setup(results)
    for kind in (Variant, HandMade, PruningRule):
        if _there(results, kind):
            made = setup(results, FILES[kind].replace(".csv", "_setup.csv"))
            _check_subject(made, run)
            _check_machine(made, run)


def _same(results: Path) -> Iterator[tuple[str, Place, Place]]:
    """What must be the same in the files that there are: also the run's quantized file, by the name of its stages."""
    made = chain(read(results, Stage), results / FILES[Stage])
    places = [*SAME]
    for kind, named in ((Variant, made.name), (HandMade, "winner" if made.name == WHOLE else "")):
        if _there(results, kind) and named in {row.stage for row in read(results, kind)}:
            places.append(("sha256", (kind, named), (Stage, made.last.stage)))
    for column, one, other in places:
        if _there(results, one[0]) and _there(results, other[0]):
            yield column, one, other


def _there(results: Path, kind: type[Stage]) -> bool:
    return (results / FILES[kind]).exists()


def _check_subject(other: Setup, run: Setup) -> None:
    """Raises ResultError if two files are about different spaces or images."""
    for key in SUBJECT:
        value, expected = other.values.get(key), run.values.get(key)
        if value and expected and value != expected:
            raise ResultError(
                f"{other.path}: {key} is {value!r}, but {expected!r} in {run.path.name}; "
                "write both with the same configuration and publish=true"
            )


def _check_machine(other: Setup, run: Setup) -> None:
    """Raises ResultError if two files are from different machines or name no machine; older files have fewer keys."""
    required = (*REQUIRED, run.runtime)
    for key in (*MACHINE, run.runtime):
        if key in required or (key in other.values and key in run.values):
            value, expected = other.text(key), run.text(key)
            if value != expected:
                raise ResultError(
                    f"{other.path}: {key} is {value!r}, but {expected!r} in {run.path.name}; "
                    "write both on the same machine with publish=true"
                )
    if not any(other.values.get(key) and run.values.get(key) for key in NAMES):
        raise ResultError(
            f"{other.path} and {run.path.name} do not name their machine: neither has a device or a cpu; "
            "write both on the same machine with publish=true"
        )


def _hashes(results: Path, place: Place, column: str) -> set[str]:
    return {getattr(row, column) for row in find(results, *place)}


def find(results: Path, kind: type[Stage], stage: str) -> list[Stage]:
    """The rows of that stage; at least one."""
    rows = [row for row in read(results, kind) if row.stage == stage]
    if not rows:
        raise ResultError(f"{results / FILES[kind]}: there is no row with stage={stage}")
    return rows

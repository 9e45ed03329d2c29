"""Whether the result files are of one winner on one machine: the text compares across them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from paper.compression_rows import HandMade, PruningRule, Stage, Variant
from paper.rows import FILES, ResultError, read, setup

Place = tuple[type[Stage], str]  # a file's rows, and a stage
# Made by two commands: the same file, or two files of the same network, one of them with layers in float.
SAME: list[tuple[str, Place, Place]] = [
    ("sha256", (Variant, "nothing"), (Stage, "retrained")),
    ("sha256", (Variant, "prune, finetune, quantize"), (Stage, "int8")),
    ("sha256", (HandMade, "winner"), (Stage, "int8")),
    ("sha256", (HandMade, "winner, unpruned"), (Variant, "finetune, quantize")),
    ("parent", (PruningRule, "device"), (Variant, "prune, finetune, quantize")),
]
MACHINE = ("cpu", "machine", "threads", "onnxruntime")


def check(results: Path) -> None:
    """Raises ResultError that names two files that do not belong together."""
    for column, one, other in SAME:
        if not _hashes(results, one, column) & _hashes(results, other, column):
            (kind, stage), (other_kind, other_stage) = one, other
            raise ResultError(
                f"{results / FILES[kind]}: {stage} is another network than {other_stage} in {FILES[other_kind]}; "
                "write both by the same configuration with publish=true"
            )
    run = setup(results)
    for kind in (Variant, HandMade, PruningRule):
        name = FILES[kind].replace(".csv", "_setup.csv")
        for key, value in _machine(results, name):
            if value != run.text(key):
                raise ResultError(
                    f"{results / name}: {key} is {value!r}, and {run.text(key)!r} in setup.csv; "
                    "write both on the same machine with publish=true"
                )


def _hashes(results: Path, place: Place, column: str) -> set[str]:
    return {getattr(row, column) for row in find(results, *place)}


def find(results: Path, kind: type[Stage], stage: str) -> list[Stage]:
    """The rows of that stage, of which there is at least one."""
    rows = [row for row in read(results, kind) if row.stage == stage]
    if not rows:
        raise ResultError(f"{results / FILES[kind]}: there is no row with stage={stage}")
    return rows


def _machine(results: Path, name: str) -> Iterator[tuple[str, str]]:
    facts = setup(results, name)
    return ((key, facts.text(key)) for key in MACHINE)

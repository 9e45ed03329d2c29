"""Checks that the files of a comparison of strategies belong together, and to the paper's run."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from paper import comparison, origin, published_networks
from paper.csv_records import ResultError
from paper.rows import FILES, Curve, Pair, read
from paper.setup_file import Setup, setup

HASHED = ("compare.csv", FILES[Curve], FILES[Pair])
SAME = ("precision", "table_sha256")  # of comparisons that have the space, the images and the machine of the run
AGAIN = "write all of them in one run of python -m experiments.compare publish=true"


def check(results: Path) -> None:
    """Raises ResultError that names the file and the value that does not match."""
    if not comparison.published(results):
        return
    curves, pairs = read(results, Curve), read(results, Pair)
    for fault in _faults(curves, pairs):
        raise ResultError(f"{results / FILES[Pair]}: {fault} in {FILES[Curve]}; {AGAIN}")
    if comparison.recorded(results):
        made = setup(results, comparison.SETUP)
        _check_files(results, made)
        if not published_networks.are_in(made):
            _check_run(made, setup(results))


def _faults(curves: Sequence[Curve], pairs: Sequence[Pair]) -> Iterator[str]:
    """The differences between pairs and curves."""
    found = {(curve.strategy, curve.against, curve.at): curve for curve in curves}
    for pair in pairs:
        for name, mean in ((pair.a, pair.mean_a), (pair.b, pair.mean_b)):
            curve = found.get((name, pair.against, pair.at))
            if curve is None:
                yield f"{name} after {pair.at:g} {pair.against} is not"
            elif not math.isclose(mean, getattr(curve, pair.measure), rel_tol=1e-9, abs_tol=1e-12):
                yield f"the mean {pair.measure} of {name} after {pair.at:g} {pair.against} differs"
            elif curve.seeds != pair.seeds:
                yield f"{name} has {pair.seeds} seeds, and {curve.seeds}"


def _check_files(results: Path, made: Setup) -> None:
    for name in HASHED:
        path = results / name
        if not path.exists():
            raise ResultError(f"{path} is missing; write it with: python -m experiments.compare publish=true")
        if hashlib.sha256(path.read_bytes()).hexdigest() != made.text(f"{Path(name).stem}_sha256"):
            raise ResultError(f"{path} is not the file that {made.path.name} describes; {AGAIN}")


def _check_run(made: Setup, run: Setup) -> None:
    """Checks that table and precision are the same, and the target if the objective is the same.

    A comparison of another space, of other images or of another machine is named as such instead.
    """
    if origin.differences(comparison.GROUP, made, run):
        return
    aimed = ("target_ms",) if made.text("objective") == run.text("objective") else ()
    for key in (*SAME, *aimed):
        ours, theirs = made.values.get(key, ""), run.values.get(key, "")
        if ours != theirs:
            raise ResultError(
                f"{made.path}: {key} is {ours!r}, but {theirs!r} in setup.csv; compare strategies again with the "
                f"settings of the report and publish=true, or delete {', '.join(HASHED)} and {made.path.name}"
            )

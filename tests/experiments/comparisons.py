"""Comparisons of strategies on a small table of published networks."""

from __future__ import annotations

import csv
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from experiments.config import command
from experiments.display.search_curves import Trace
from experiments.studies.compare import compare
from paper.figures import style
from tests.commands import DOT

SHORT = ("compare.seeds=2", "search.budget=12", "objective=pareto", "compare.strategies=[nsga2,evolution]")
PUBLISHED = {"compare.csv", "curves.csv", "pairs.csv", "compare_setup.csv"}


class Whole(NamedTuple):
    """A complete comparison: its folder, its published results and its output."""

    folder: Path
    results: Path
    out: str


def small(folder: Path) -> Path:
    """Writes 81 networks with a front of several; searches see another accuracy than the reported one."""
    path, rng = folder / "small.csv", np.random.default_rng(0)
    lines = ["ops,accuracy_percent,rpi4_ms,accuracy_12epoch_percent"]
    for picks in itertools.product(range(3), repeat=4):
        effort = 1 + sum(picks)
        percent, seen = 95 - 60 / effort + rng.uniform(0, 5), 70 - 50 / effort + rng.uniform(0, 8)
        lines.append(f"{''.join(map(str, picks))},{percent},{effort + rng.uniform(0, 2)},{seen}")
    path.write_text("\n".join(lines))
    return path


def compared(folder: Path, *arguments: str) -> Path:
    """Runs the command on the folder's table in this process, without drawing; returns the folder of its results."""
    given = [f"runs={folder / 'runs'}", f"results={folder / 'results'}", f"compare.csv={folder / 'small.csv'}"]
    folders: list[Path] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HYDRA_FULL_ERROR", "1")
        patched.setattr(style, "rendered", lambda drawn, kind: DOT)  # drawing takes longer than the searches
        patched.setattr(sys, "argv", ["compare", *given, *arguments])
        command.run(lambda config: folders.append(compare(config)))
    return folders[0]


def rows(path: Path, without: Sequence[str] = ("seconds",)) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return [{key: value for key, value in row.items() if key not in without} for row in csv.DictReader(file)]


def course(seconds: Sequence[float], share: Sequence[float]) -> Trace:
    values = np.array(share)
    return Trace(values, 1 - values, np.arange(1, len(values) + 1), np.cumsum(seconds))

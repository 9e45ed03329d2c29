"""Shared by the benchmarks of compression: runs a command on CIFAR-10, `mobile`, this machine, and reads its rows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.bench._published import published
from search_spaces.documents import read_csv

NAME = "cifar10_jpeg.tar.gz"  # in $LUTRA_DATA
Rows = dict[str, dict[str, Any]]  # by variant


def rows_of(command: str, arguments: Sequence[str]) -> Rows:
    """The rows of `experiments.COMMAND experiment=cifar10_laptop`; arguments with a dot in the key are passed to it."""
    asked = [argument for argument in arguments if "." in argument.partition("=")[0]]
    given = next((argument.partition("=")[2] for argument in asked if argument.startswith("data.path=")), "")
    images = published(given, NAME, "data.path=FILE, a .tar.gz of CIFAR-10 in class folders")
    words = [sys.executable, "-m", f"experiments.{command}", "experiment=cifar10_laptop", f"data.path={images}", *asked]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    *shown, folder = done.stdout.strip().splitlines()
    print("\n".join(shown), file=sys.stderr)
    rows = read_csv(Path(folder) / f"{command}.csv", ("stage",))
    return {row["stage"]: {key: _value(text) for key, text in row.items()} for _, row in rows}


def _value(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def at_least(what: str, value: float, bar: float) -> dict[str, object]:
    return {"what": what, "value": value, "bar": bar, "holds": value >= bar}


def at_most(what: str, value: float, bar: float) -> dict[str, object]:
    return {"what": what, "value": value, "bar": bar, "holds": value <= bar}

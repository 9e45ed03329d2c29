"""Makes made-up steps, here or in a Python process of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.store import artefacts
from search_spaces.errors import LutraError
from tests.commands import ROOT


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    """Starts a Python process that runs `program`."""
    words = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(program: str, *arguments: object) -> tuple[int, str, str]:
    process = start(program, *arguments)
    out, err = process.communicate()
    return process.returncode, out, err


def leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob(".*") if path.name != ".lock"]


def step(runs: Path, work: Callable[[Path], None], config: dict[str, Any] | None = None) -> Path:
    return artefacts.step(runs, "made", "label", config or {"a": 1}, {"input": "0" * 64}, work)


def write_once(folder: Path) -> None:
    artefacts.write(folder / "out" / "file", "content")


def never(folder: Path) -> None:
    raise AssertionError("a finished step was done again")


def failing(folder: Path) -> None:
    artefacts.write(folder / "half", "half")
    raise LutraError("no")

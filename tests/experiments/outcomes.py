"""What commands leave behind: their line on stderr, the files of their steps, their processes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.store import artefacts
from tests.commands import Finished

# Code that a command runs first: quantizing the files of a table takes longer than measuring it for an instant
UNROUNDED = "import compress.runtimes as r; r.onnxruntime.int8 = lambda source, *_: source.onnx"
Refused = Callable[..., str]


def one_line(err: str) -> str:
    assert err.startswith("error: "), err
    assert err.count("\n") == 1, err
    return err


def stamps(runs: Path) -> dict[Path, tuple[int, int]]:
    """Returns the time and the inode of every file of the finished steps."""
    files = [file for manifest in runs.rglob("manifest.json") for file in manifest.parent.iterdir()]
    return {file: (file.stat().st_mtime_ns, file.stat().st_ino) for file in files if file.name != ".lock"}


def results(runs: Path) -> dict[str, str]:
    """Returns the sha256 of every file that does not depend on the clock."""
    kinds = ("winner.json", "candidates.jsonl", "candidates.csv", "*.safetensors", "int8.onnx")
    files = [file for kind in kinds for file in runs.glob(f"*/*/{kind}") if file.parts[-3] != "report"]
    return {str(file.relative_to(runs)): artefacts.sha256(file) for file in files}


def wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not until():
        if time.monotonic() > deadline:
            pytest.fail("waited a minute for nothing")
        time.sleep(0.005)


def ended(group: int) -> bool:
    """Whether no process of the group runs any more, according to /proc."""
    running = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, its_group = path.read_text().rpartition(")")[2].split()[:3]
            running += state != "Z" and int(its_group) == group
    return not running


def trained(finished: Finished) -> dict[str, str]:
    """Returns the hashes of what the training wrote."""
    return {name: value for name, value in results(finished.runs).items() if name.endswith("supernet.safetensors")}

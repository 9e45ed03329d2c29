"""Tests the seconds of a step: those of all commands that worked on it, killed ones included."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.store import artefacts, unfinished
from search_spaces.errors import LutraError
from tests.experiments.made_up_steps import failing, leftovers, run, step, write_once


def test_the_seconds_of_a_step_are_those_of_all_commands_that_worked_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0]
    monkeypatch.setattr(unfinished, "monotonic", lambda: clock[0])

    def worked(seconds: int, error: str = "") -> Callable[[Path], None]:
        def work(folder: Path) -> None:
            artefacts.reopen(folder)
            clock[0] += seconds
            write_once(folder)
            if error:
                raise LutraError(error)

        return work

    def command(work: Callable[[Path], None]) -> Path:
        return artefacts.step(tmp_path, "made", "x", {}, {}, work, again=lambda folder: True)

    for seconds, sum_so_far in ((7, 107), (20, 227)):
        with pytest.raises(LutraError):
            command(worked(100, error="no"))
        assert artefacts.manifest(command(worked(seconds)))["seconds"] == sum_so_far
    assert not leftovers(tmp_path)


KILLED = """
import os, signal, sys
from pathlib import Path
from experiments.store import artefacts, unfinished
unfinished.INTERVAL = 0.001
def work(folder):
    while float((folder / ".seconds").read_text()) < 0.1:
        pass
    os.kill(os.getpid(), signal.SIGKILL)
artefacts.step(Path(sys.argv[1]), "made", "x", {}, {}, work)
"""


def test_a_killed_command_has_saved_how_long_it_worked(tmp_path: Path) -> None:
    assert run(KILLED, tmp_path)[0] == -9
    saved = float(next(tmp_path.glob("made/*/.seconds")).read_text())
    folder = artefacts.step(tmp_path, "made", "x", {}, {}, write_once)
    assert artefacts.manifest(folder)["seconds"] > saved >= 0.1


@pytest.mark.parametrize("content", ["", "many", "nan", "-1", "inf", "\udcff"])
def test_seconds_that_are_damaged_stop_no_work(content: str, tmp_path: Path) -> None:
    with pytest.raises(LutraError):
        step(tmp_path, failing)
    next(tmp_path.rglob(".seconds")).write_bytes(content.encode(errors="surrogateescape"))
    assert 0 <= artefacts.manifest(step(tmp_path, write_once))["seconds"] < math.inf

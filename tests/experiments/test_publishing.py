"""Tests what publishing says of the files that it overwrites: their names, and a command that brings them back."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from experiments.display.publish import put, replaced
from tests.commands import git

OLD, NEW = {"table.csv": b"old\n", "stages.csv": b"the same\n"}, {"table.csv": b"new\n", "stages.csv": b"the same\n"}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A committed folder of results."""
    folder = tmp_path / "paper" / "results"
    put(folder, OLD)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "results")
    return folder


pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def test_the_command_that_it_names_brings_the_files_back(results: Path) -> None:
    before = {path.name: path.read_bytes() for path in results.iterdir() if not path.name.startswith(".")}
    line = replaced(results, NEW)
    assert "overwrites 1 files" in line
    assert "stages.csv" not in line
    put(results, NEW)
    assert (results / "table.csv").read_bytes() == b"new\n"
    subprocess.run(line.partition("to get them back: ")[2].split(), check=True)
    assert {path.name: path.read_bytes() for path in results.iterdir() if not path.name.startswith(".")} == before


def test_nothing_is_said_where_nothing_is_lost(results: Path, tmp_path: Path) -> None:
    assert replaced(results, OLD) == ""
    assert replaced(results, {"other.csv": b"1"}) == ""
    assert replaced(tmp_path / "nowhere", NEW) == ""


@pytest.mark.parametrize("state", ["edited", "untracked", "no repository"])
def test_it_promises_nothing_that_git_cannot_bring_back(state: str, results: Path, tmp_path: Path) -> None:
    if state == "edited":
        (results / "table.csv").write_bytes(b"edited\n")
    elif state == "untracked":
        git(tmp_path, "rm", "-q", "--cached", "paper/results/table.csv")
    else:
        shutil.rmtree(tmp_path / ".git")
    line = replaced(results, NEW)
    assert "git has no copy of the present content of table.csv" in line
    assert "restore" not in line

"""Fixtures for tests of commands: their refusals, and the finished pipeline's table."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.config import Config
from experiments.config import command as command_line
from predictors.tables.table import LatencyTable
from predictors.tables.table_file import load
from tests.commands import Finished
from tests.experiments.outcomes import Refused, one_line


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Refused:
    """Returns the one line on stderr of a command that refuses, run in this process; it may write nothing else."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")

    def run(function: Callable[[Config], object], *arguments: str) -> str:
        runs = tmp_path / "runs"
        arguments = (f"runs={runs}", *arguments)
        monkeypatch.setattr(sys, "argv", ["command", *arguments])
        with pytest.raises(SystemExit) as stopped:
            command_line.run(function)
        assert stopped.value.code == 2
        assert not list(runs.rglob("*"))
        return one_line(capsys.readouterr().err)

    return run


@pytest.fixture(scope="session")
def table(finished: Finished) -> LatencyTable:
    return load(finished.table.read_text())

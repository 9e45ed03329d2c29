"""Fixtures for tests of commands: their refusals, images, and the finished pipeline's table."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from experiments.config import Config
from experiments.config import command as command_line
from experiments.store.step import Step
from predictors.tables.table import LatencyTable
from predictors.tables.table_file import load
from strategies.problems.tabular_problem import Table, read_csv
from tests.commands import Finished
from tests.experiments.comparisons import SHORT, Whole, compared, small
from tests.experiments.image_files import write_tree
from tests.experiments.outcomes import Refused, one_line
from tests.experiments.requested_steps import every_step


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


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Writes images of one colour each into two class folders."""
    return write_tree(tmp_path / "pets", {"cat": 20, "dog": 30})


@pytest.fixture(scope="session")
def table(finished: Finished) -> LatencyTable:
    return load(finished.table.read_text())


@pytest.fixture(scope="session")
def steps(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Step]:
    """Every step by its name, as the real commands request it."""
    return every_step(finished, tmp_path_factory.mktemp("steps"))


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """A comparison of strategies that ran without interruption; no test may change it."""
    house = tmp_path_factory.mktemp("whole")
    small(house)
    with redirect_stdout(io.StringIO()) as said:
        folder = compared(house, *SHORT, "publish=true")
    return Whole(folder, house / "results", said.getvalue())


@pytest.fixture
def tabular(tmp_path: Path) -> Table:
    """Reads published networks, of which searches see another accuracy than the reported one."""
    return read_csv(small(tmp_path), "ops", "accuracy_12epoch_percent", "rpi4_ms", reported="accuracy_percent")

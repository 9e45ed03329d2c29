"""Fixtures of the campaigns: configurations, and command lines that are refused."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.plugins.sweeper import Sweeper
from omegaconf import DictConfig

from experiments.config import Config
from experiments.config import command as command_line
from experiments.config.groups import CONFIGS
from experiments.config.stored_schema import store
from tests.experiments.outcomes import Refused
from tests.faults.typed_settings import GRAMMAR
from tests.predictors.board.sshd_lab import lab, quick  # noqa: F401


@pytest.fixture(scope="module")
def defaults() -> DictConfig:
    """Returns the configuration that Hydra composes without overrides."""
    store("experiments.search")
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return compose("config")


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Refused:
    """Returns the one line on stderr of a command that refuses some arguments; it runs here, and no job may start."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> str:
        began: list[Config] = []
        monkeypatch.setattr(sys, "argv", ["command", f"runs={tmp_path / 'runs'}", *words])
        with pytest.raises(SystemExit) as stopped:
            command_line.run(began.append)
        said = capsys.readouterr()
        assert (stopped.value.code, said.out, began) == (2, "", [])
        assert said.err.startswith("error: ")
        assert said.err.count("\n") == 1
        assert not GRAMMAR.search(said.err)
        assert not [path for path in tmp_path.rglob("*") if path.name != "runs"]
        return said.err

    return run


@pytest.fixture
def got(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[Config]]:
    """Returns the configurations that a command's jobs get for some arguments."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    monkeypatch.setattr(Sweeper, "validate_batch_is_legal", lambda *_: None)  # it composes all jobs

    def run(*words: str) -> list[Config]:
        began: list[Config] = []
        monkeypatch.setattr(sys, "argv", ["command", f"runs={tmp_path / 'runs'}", *words])
        command_line.run(began.append)
        return began

    return run

"""Tests that every configuration file is valid, and that the schema alone is the default command."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.config import Config
from experiments.config import command as command_line
from experiments.config.choices import SPACES, STRATEGIES, space_of
from experiments.config.registry import DATASETS, OBJECTIVES
from experiments.setup.devices import DEVICES
from tests.commands import ROOT

GROUPS = {"data": DATASETS, "space": SPACES, "device": DEVICES, "strategy": STRATEGIES, "objective": OBJECTIVES}


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Config]:
    """Returns the checked configuration that a command gets for its arguments."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")

    def compose(*arguments: str) -> Config:
        got: list[Config] = []
        monkeypatch.setattr(sys, "argv", ["command", f"runs={tmp_path}", *arguments])
        command_line.run(got.append)
        return got[0]

    return compose


def choices_of(group: str) -> list[str]:
    return sorted(path.stem for path in (ROOT / "hydra_conf" / group).glob("*.yaml")) or sorted(GROUPS[group])


FOLDERS = [folder.name for folder in (ROOT / "hydra_conf").iterdir() if [*folder.glob("*.yaml")]]
ALL = [(group, name) for group in sorted({*FOLDERS, *GROUPS}) for name in choices_of(group)]


@pytest.mark.parametrize(("group", "choice"), ALL)
def test_every_configuration_file_is_valid(group: str, choice: str, configured: Callable[..., Config]) -> None:
    needed = {
        "image_folder": ["data.path=somewhere"],
        "ssh": ["device.host=board"],
        "cifar10_gpu": ["accelerator=auto"],  # this machine may have no GPU
    }.get(choice, [])
    config = configured(f"{group}={choice}", *needed)
    if group in GROUPS:
        assert getattr(config, group).name in GROUPS[group]
    if group == "strategy":
        parameters = list(inspect.signature(STRATEGIES[choice].function).parameters.values())[2:]
        assert config.strategy.options == {parameter.name: parameter.default for parameter in parameters}


@pytest.mark.parametrize("group", sorted({*GROUPS} & {*FOLDERS}))
def test_every_name_has_a_configuration_file(group: str) -> None:
    files = [(ROOT / "hydra_conf" / group / f"{name}.yaml").read_text().splitlines() for name in choices_of(group)]
    named = {line.removeprefix("name: ") for lines in files for line in lines if line.startswith("name: ")}
    assert named == set(GROUPS[group])


def test_the_schema_alone_is_the_default_command(configured: Callable[..., Config], tmp_path: Path) -> None:
    config = configured()
    assert space_of(config).name == "tiny"
    defaults = dataclasses.replace(Config(), runs=str(tmp_path), strategy=config.strategy, sweep=config.sweep)
    assert config == defaults

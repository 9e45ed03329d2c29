"""Tests a plan: each step is looked for once per command."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from experiments.config import Config
from experiments.setup.cache import remembering
from experiments.steps.compress import WORK
from experiments.steps.plan import Plan, plan_of
from experiments.store.step import Means, Settings, Step
from search_spaces.errors import LutraError


@dataclasses.dataclass(frozen=True)
class Nothing:
    seed: int = 0

    @property
    def label(self) -> str:
        return "nothing"


def test_a_step_that_was_found_is_not_looked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Settings] = []

    def made(step: Step, means: Means, work: object) -> Path:
        looked.append(step.settings)
        return tmp_path / str(len(looked))

    monkeypatch.setattr(Step, "made", made)
    config = dataclasses.replace(Config(), runs=str(tmp_path))
    steps = [Step("train", Nothing(seed), {"file": Path(name)}, WORK) for seed in (0, 1) for name in "ab"]
    with remembering():
        found = [plan_of(dataclasses.replace(config)).folder(step) for step in (*steps, *steps)]
    assert len(looked) == 4
    assert found[:4] == found[4:]
    assert plan_of(config) is not plan_of(config)  # each command has its own plan


def test_a_failed_step_is_looked_for_again(tmp_path: Path) -> None:
    plan, tries = Plan(dataclasses.replace(Config(), runs=str(tmp_path))), [1]

    def fails() -> Path:
        if tries.pop():
            tries.append(0)
            raise LutraError("no")
        return tmp_path

    with pytest.raises(LutraError):
        plan.once("x", fails)
    assert plan.once("x", fails) == plan.once("x", fails) == tmp_path

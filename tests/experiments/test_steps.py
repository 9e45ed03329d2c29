"""Tests that a step's work gets only the settings of its key and files of earlier steps, not the whole `Config`."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from experiments.config import Config, DeviceConfig
from experiments.config.stage_order import STAGES
from experiments.setup.cache import remembering
from experiments.stages import fp32_fallback
from experiments.steps import plan as planning
from experiments.steps.compress import WORK, settings_of
from experiments.steps.plan import Plan, plan_of
from experiments.store.key_fields import IMPLIED
from experiments.store.step import Means, Settings, Step, as_json
from search_spaces.errors import LutraError
from search_spaces.space import SearchSpace

# What works get besides the settings of their key, each with the reason why it changes no file
NOT_IN_A_KEY = {
    "runs": "says where files are written",
    "images": "says where the images are: their content is in the key",
    "cache": "says where decoded images are kept for the next command",
    "checkpoint_seconds": "says how much of a training a kill may lose: a resumed one ends in the same weights",
    "jobs": "divides the same work among processes",
    "backend": "divides the same work among processes",
    "max_rounds": "a table of fewer rounds is measured on, in its own folder",
    "address": "says how a board is reached: its fingerprint, which is in the key, says which one it is",
}
NAMES = ("measure", "train", "retrain", "retrain foreign", "search", *STAGES, "faster_in_float")


class Recorded(Plan):
    """Records the steps that are requested, and makes none."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.steps: list[Step] = []

    def folder(self, step: Step) -> Path:
        self.steps.append(step)
        return Path(step.name)


@pytest.fixture(scope="module")
def steps() -> Iterator[Mapping[str, Step]]:
    """Returns every step of a plan by its name."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("objective_of", "read_table", "passport_key", "passport_of"):
            patch.setattr(planning, name, lambda *_: "")
        patch.setattr(fp32_fallback, "passport_key", lambda _: "")
        plan = Recorded(dataclasses.replace(Config(), device=DeviceConfig("ssh", host="board")))
        assert plan.search.name == "search"
        plan.retrained(plan.space.reference)
        plan.hand_made("resnet8")
        fp32_fallback.faster_layers(plan, Path("network"))
        found = {step.name: step for step in reversed(plan.steps)} | {"retrain foreign": plan.steps[-2]}
        for stage in STAGES:
            found[stage] = Step("compress", settings_of(plan.config, stage), {"parent": Path("network")}, WORK)
        yield found


def another(value: Any) -> Any:
    """Returns another value of the same kind."""
    if isinstance(value, SearchSpace):
        return dataclasses.replace(value, reference=(0,) * len(value.layers))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        (first, *_) = dataclasses.fields(value)
        return dataclasses.replace(value, **{first.name: another(getattr(value, first.name))})
    if isinstance(value, Mapping):
        return {**value, "more": 1}
    if isinstance(value, bool):
        return not value
    if value is None or isinstance(value, str):
        return f"{value}another"
    if isinstance(value, list):
        return [*value, "another"]
    return (*value, 1) if isinstance(value, tuple) else value + 1


def leaves(settings: Any) -> Iterator[tuple[str, Any]]:
    """Yields every nested setting, with the settings where only it has another value."""
    for one in dataclasses.fields(settings):
        own = getattr(settings, one.name)
        if IMPLIED in one.metadata:
            continue
        if dataclasses.is_dataclass(own) and not isinstance(own, SearchSpace):
            for name, changed in leaves(own):
                yield f"{one.name}.{name}", dataclasses.replace(settings, **{one.name: changed})
        else:
            yield one.name, dataclasses.replace(settings, **{one.name: another(own)})


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_that_a_work_is_given_is_in_its_key(name: str, steps: Mapping[str, Step]) -> None:
    settings = steps[name].settings
    assert dataclasses.is_dataclass(settings)
    keys = {key: as_json(changed) for key, changed in leaves(settings)}
    assert [key for key, one in keys.items() if one == as_json(settings)] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_beside_the_key_is_decided_by_a_file_that_is_in_it(name: str, steps: Mapping[str, Step]) -> None:
    """For example, there is a teacher's file only with distillation."""
    step = steps[name]
    by = {
        one.metadata[IMPLIED] for one in dataclasses.fields(typing.cast(Any, step.settings)) if IMPLIED in one.metadata
    }
    assert by <= {*step.inputs, "supernet"}


def kinds(made: Any) -> Iterator[type]:
    """Yields a dataclass and the dataclasses of its fields."""
    yield made
    for hint in typing.get_type_hints(made).values():
        for one in (hint, *typing.get_args(hint)):
            if dataclasses.is_dataclass(one) and one is not SearchSpace:
                yield from kinds(one)


@pytest.mark.parametrize("name", NAMES)
def test_a_work_is_given_nothing_else(name: str, steps: Mapping[str, Step]) -> None:
    step = steps[name]
    parameters = inspect.signature(step.work.function).parameters
    assert [*parameters] == ["settings", "files", "means", "folder"]
    assert all(one.default is inspect.Parameter.empty for one in parameters.values())
    assert Config not in kinds(type(step.settings))


def test_the_means_of_a_work_decide_no_file() -> None:
    assert {one.name for one in dataclasses.fields(Means)} == {*NOT_IN_A_KEY}
    assert Config not in kinds(Means)


def test_a_field_that_is_added_with_a_default_keeps_older_keys(steps: Mapping[str, Step]) -> None:
    settings = typing.cast(Any, steps["train"].settings)
    assert "accelerator" not in as_json(settings)
    assert as_json(dataclasses.replace(settings, accelerator="cuda"))["accelerator"] == "cuda"


def test_a_space_is_its_layers_in_a_key(steps: Mapping[str, Step]) -> None:
    settings = typing.cast(Any, steps["train"].settings)
    space = settings.space
    fewer = dataclasses.replace(space, layers=(space.layers[0][:1], *space.layers[1:-1], space.layers[-1][:1]))
    assert as_json(space) == as_json(dataclasses.replace(space))
    assert as_json(dataclasses.replace(fewer, reference=(0,) * len(space.layers))) != as_json(space)


# A plan


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

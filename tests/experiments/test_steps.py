"""Tests that a step's work gets only the settings of its key and files of earlier steps, not the whole `Config`."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from experiments.config import Config
from experiments.config.stage_order import STAGES
from experiments.stages import learning
from experiments.steps.compress import settings_of
from experiments.store.key_fields import FILES, FOLDER, IMPLIED
from experiments.store.step import Means, Step, as_json
from experiments.store.versions import STEPS as VERSIONS
from search_spaces.space import SearchSpace
from tests.commands import ROOT
from tests.experiments.asking import changed

# What works get besides the settings of their key, each with the reason why it changes no file
NOT_IN_A_KEY = {
    "runs": "says where files are written",
    "images": "says where the images are: their content is in the key",
    "cache": "says where decoded images are kept for the next command",
    "checkpoint_seconds": "says how much of a training a kill may lose: a resumed one ends in the same weights",
    "jobs": "divides the same work among processes; a comparison, which reports seconds, has it in its key",
    "backend": "likewise",
    "max_rounds": "a table of fewer rounds is measured on, in its own folder",
    "address": "says how a board is reached: its fingerprint, which is in the key, says which one it is",
}
NAMES = [*(name for name in VERSIONS if name != "compress"), *STAGES, "retrain hand-made"]
NAMES += ["compare published", "exact published", "fidelity published"]


def test_the_law_is_for_every_step(steps: Mapping[str, Step]) -> None:
    assert {*steps} == {*NAMES}
    assert {one.name for one in steps.values()} == {*VERSIONS}


def test_no_other_code_does_a_step() -> None:
    """Settings that are hashed by hand may be others than those that the work reads."""
    sources = [path for path in (ROOT / "experiments").rglob("*.py") if "artefacts.step(" in path.read_text()]
    assert [path.name for path in sources] == ["step.py"]


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
def test_a_setting_beside_the_key_is_decided_by_what_is_in_it(name: str, steps: Mapping[str, Step]) -> None:
    """For example, there is a teacher's file only with distillation."""
    step, settings = steps[name], typing.cast(Any, steps[name].settings)
    by = {one.name: one.metadata[IMPLIED] for one in dataclasses.fields(settings) if IMPLIED in one.metadata}
    for field, what in by.items():
        value = getattr(settings, field)
        if what == FILES:
            assert {*value} <= {*step.inputs}
        elif what == FOLDER:
            assert value in (step.label or settings.label)
        else:
            assert what in {*step.inputs, *step.settings_key, "supernet"}


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


def test_int8_training_smooths_labels_as_its_own_recipe_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which older versions did not do; only keys with a smoothing that is not finetuning's differ from theirs."""
    seen: list[float] = []
    monkeypatch.setattr(learning, "cross_entropy", lambda network, smoothing: seen.append(smoothing))
    for smoothing in (0.1, 0.0):
        settings = settings_of(changed(Config(), "compress.qat.label_smoothing", smoothing), "qat")
        learning._backward(SimpleNamespace(settings=settings), None)  # type: ignore[arg-type, type-var]
        assert ("smoothing" in as_json(settings)) == (smoothing != Config().compress.finetune.label_smoothing)
    assert seen == [0.1, 0.0]

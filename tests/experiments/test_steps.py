"""Tests that a step's work gets only the settings of its key and files of earlier steps, not the whole `Config`."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import json
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from experiments.config import Config
from experiments.config.command_config import CompareConfig, FidelityConfig
from experiments.config.stage_order import STAGES
from experiments.setup.cache import remembering
from experiments.stages import fp32_fallback, learning
from experiments.steps.compress import WORK, settings_of
from experiments.steps.plan import Plan, plan_of
from experiments.steps.report import report
from experiments.store import artefacts, versions
from experiments.store.key_fields import FILES, FOLDER, IMPLIED
from experiments.store.step import Means, Settings, Step, as_json, choices
from experiments.store.versions import STEPS as VERSIONS
from experiments.studies.ablation import ablation
from experiments.studies.compare import compare
from experiments.studies.exact import exact
from experiments.studies.fidelity import fidelity
from experiments.studies.finetuning import finetuning
from experiments.studies.hand_made import hand_made
from experiments.studies.profile import profile
from experiments.studies.protocols import protocols
from experiments.studies.pruning_rules import BASELINES, KEEPS, pruning_rules
from experiments.studies.ranking import ranking
from experiments.studies.recipes import recipes
from experiments.studies.seeds import seeds
from experiments.studies.transfer import transfer
from search_spaces.errors import LutraError
from search_spaces.space import SearchSpace
from tests.commands import ROOT, Finished
from tests.experiments.asking import TABLE, Asked, answer, changed, effects, on_one_machine, picks

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
NAMES = [*(name for name in VERSIONS if name != "compress"), *STAGES, "retrain hand-made"]
NAMES += ["compare published", "exact published", "fidelity published"]


def name_of(step: Step) -> str:
    """The step, and a word where one step has works with different settings."""
    settings = typing.cast(Any, step.settings)
    more = " hand-made" if getattr(settings, "model", "") else " published" if "csv" in step.inputs else ""
    return str(settings.stage) if step.name == "compress" else step.name + more


def commands(folder: Path) -> Iterator[tuple[Callable[[Config], Path], Config]]:
    """Every command with steps of its own."""
    config, table = changed(Config(), "objective.target_fraction", 1.0), str(folder / "table.csv")
    Path(table).write_text(TABLE)
    own = (report, ablation, hand_made, pruning_rules, protocols, fidelity, compare, profile, transfer, seeds)
    yield from ((one, config) for one in own)
    yield finetuning, changed(config, "compress.distillation", 0.5)
    yield recipes, config
    yield ranking, changed(config, "ranking.csv", picks(folder / "picks.csv"))
    yield exact, changed(config, "exact.effects", effects(folder / "effects.csv"))
    yield exact, changed(config, "exact.csv", table)
    columns = CompareConfig(table, accuracy="accuracy_percent", report="percent")
    yield compare, changed(config, "compare", columns)
    yield fidelity, changed(changed(config, "csv", table), "fidelity", FidelityConfig(2, "ops", "rpi4_ms", train=[4]))


def requested(command: Callable[[Config], Path], config: Config, finished: Finished, folder: Path) -> list[Step]:
    """The steps of a command up to its own; each returns a folder of a finished pipeline, or `folder`."""
    found: list[Step] = []

    def made(step: Step, means: Means, work: object) -> Path:
        found.append(step)
        if step.name == command.__name__:
            raise Asked
        return answer(finished, folder, step.name, step.label or step.settings.label)

    with pytest.MonkeyPatch.context() as patch, remembering(), contextlib.suppress(Asked):
        on_one_machine(patch)
        patch.setattr(Step, "made", made)
        command(config)
    return found


@pytest.fixture(scope="module")
def steps(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Step]:
    """Every step by its name, as the real commands request it."""
    folder = tmp_path_factory.mktemp("steps")
    seconds = {f"{rule} {keep}": keep for rule in BASELINES for keep in KEEPS}
    seconds |= {"device": 0.5, **dict.fromkeys(BASELINES, 0.5)}  # of files with layers in float
    (folder / "seconds.json").write_text(json.dumps(seconds))
    found = [step for own in commands(folder) for step in requested(*own, finished, folder)]
    found += requested(faster_in_float, Config(), finished, finished.table.parent)
    stages = [Step("compress", settings_of(Config(), stage), {"parent": finished.table}, WORK) for stage in STAGES]
    return {name_of(step): step for step in (*stages, *reversed(found))}


def faster_in_float(config: Config) -> Path:
    return fp32_fallback.faster_layers(plan_of(config), Path("network"))


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


def test_int8_training_smooths_labels_as_its_own_recipe_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which older versions did not do; only keys with a smoothing that is not finetuning's differ from theirs."""
    seen: list[float] = []
    monkeypatch.setattr(learning, "cross_entropy", lambda network, smoothing: seen.append(smoothing))
    for smoothing in (0.1, 0.0):
        settings = settings_of(changed(Config(), "compress.qat.label_smoothing", smoothing), "qat")
        learning._backward(SimpleNamespace(settings=settings), None)  # type: ignore[arg-type, type-var]
        assert ("smoothing" in as_json(settings)) == (smoothing != Config().compress.finetune.label_smoothing)
    assert seen == [0.1, 0.0]


def test_a_raised_version_of_a_choice_is_in_the_keys_of_its_steps_alone(
    steps: Mapping[str, Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    raised = {"TrainConfig.rule=fair": 2, "StrategyConfig.name=darts": 3, "Recipe.muon": 4, "Stage.stage=lowrank": 5}
    tried = [*steps.values()]
    for name, key, value in [("train", "train.rule", "fair"), ("retrain", "retrain.muon", 0.1)]:
        tried.append(dataclasses.replace(steps[name], settings=changed(steps[name].settings, key, value)))
    monkeypatch.setattr(versions, "CHOICES", {})
    usual = [step.settings_key for step in tried]
    monkeypatch.setattr(versions, "CHOICES", raised)
    added = [{**step.settings_key, "of": name_of(step)} for step in tried if step.settings_key not in usual]
    assert [(key["of"], key["choice_versions"]) for key in added] == [
        ("lowrank", {"Stage.stage=lowrank": 5}),
        ("compare", {"StrategyConfig.name=darts": 3}),
        ("train", {"TrainConfig.rule=fair": 2}),
        ("retrain", {"Recipe.muon": 4}),
    ]
    assert all(step.settings_key.items() >= key.items() for step, key in zip(tried, usual))


def test_every_choice_with_a_version_is_one_of_a_step(steps: Mapping[str, Step]) -> None:
    fields = {one.partition("=")[0] for step in steps.values() for one in choices(step.settings)}
    assert {one.partition("=")[0] for one in versions.CHOICES} <= fields


def test_the_fair_rule_of_today_is_not_that_of_older_keys(steps: Mapping[str, Step]) -> None:
    train = steps["train"]
    fair = dataclasses.replace(train, settings=changed(train.settings, "train.rule", "fair"))
    assert as_json(fair.settings) != fair.settings_key
    assert as_json(train.settings) == train.settings_key


def test_a_space_is_its_layers_in_a_key(steps: Mapping[str, Step]) -> None:
    settings = typing.cast(Any, steps["train"].settings)
    space = settings.space
    fewer = dataclasses.replace(space, layers=(space.layers[0][:1], *space.layers[1:-1], space.layers[-1][:1]))
    assert as_json(space) == as_json(dataclasses.replace(space))
    assert as_json(dataclasses.replace(fewer, reference=(0,) * len(space.layers))) != as_json(space)


def test_a_report_of_a_given_search_says_what_that_search_was(finished: Finished, tmp_path: Path) -> None:
    """Not what the configuration says, which is not in the report's key."""
    search = finished.folder("search")
    config = dataclasses.replace(changed(Config(), "search.budget", 77), run=str(search), seed=5)
    settings = typing.cast(Any, requested(report, config, finished, tmp_path)[-1].settings)
    own = artefacts.manifest(search)["config"]
    assert (settings.search.search.budget, settings.search.seed) == (own["search"]["budget"], own["seed"]) != (77, 5)


def trained_on_all(key: str, finished: Finished, folder: Path) -> tuple[set[str], set[str]]:
    """Returns the files that are timed, and those of networks that were trained on validation images too."""
    config = changed(changed(Config(), "objective.target_fraction", 1.0), f"{key}.all_images", True)
    (benchmarked,) = (one for one in requested(report, config, finished, folder) if one.name == "benchmark")
    timed = typing.cast(Any, benchmarked.settings).timed
    return {*timed}, {name for name, one in timed.items() if one.made.all_images}


def test_files_know_whether_validation_images_were_trained_on(finished: Finished, tmp_path: Path) -> None:
    timed, seen = trained_on_all("retrain", finished, tmp_path)
    assert seen == timed - {"inherited"}
    timed, seen = trained_on_all("compress.finetune", finished, tmp_path)
    assert seen == timed - {"inherited", "reference", "random", "retrained", "pruned"}


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

"""Tests which settings are in a step's key: every setting changes a key, or is listed here with its reason.

The real commands request their steps; instead of running, each step returns the folder of a finished pipeline.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from experiments.config import Config, DeviceConfig
from experiments.setup.cache import remembering
from experiments.steps.benchmark import benchmark
from experiments.steps.pipeline import pipeline
from experiments.steps.plan import measure
from experiments.steps.report import report
from experiments.store import artefacts
from experiments.studies import ranking
from experiments.studies.compare import compare
from experiments.studies.exact import exact
from experiments.studies.fidelity import fidelity
from experiments.studies.finetuning import finetuning
from experiments.studies.hand_made import hand_made
from experiments.studies.profile import profile
from experiments.studies.recipes import recipes
from experiments.studies.seeds import seeds
from experiments.studies.transfer import LATENCIES, transfer
from search_spaces.errors import LutraError
from tests.commands import Finished
from tests.experiments.asking import TABLE, Asked, answer, changed, effects, on_one_machine, picks
from tests.experiments.other_values import LEAVES, another

PLACES = "says where files are, or are written; their content is in the keys"
SHOWN = "is of a command that shows what there is"
REACH = "says how a board is reached; its passport says which one it is"
SPREAD = "spreads the same work over processes"
IN_NO_KEY = {
    **dict.fromkeys(("runs", "sweep", "results", "publish", "table", "run", "csv", "data.path", "data.cache"), PLACES),
    **dict.fromkeys(("compare.csv", "exact.csv", "exact.effects", "exact.candidates", "ranking.csv"), PLACES),
    **dict.fromkeys(("ranking.supernet", "device.results", "device.table"), PLACES),
    **dict.fromkeys(("tables.action", "tables.a", "tables.b", "status.follow", "exact.budget_ms"), SHOWN),
    **dict.fromkeys(("demo.model", "demo.source", "demo.frames", "demo.pace", "demo.record", "demo.bundle"), SHOWN),
    **dict.fromkeys(("device.host", "device.hosts", "device.user", "device.port", "device.python"), REACH),
    **dict.fromkeys(("device.folder", "device.ssh_config", "device.patience"), REACH),
    **dict.fromkeys(("jobs", "search.jobs", "search.backend"), SPREAD),
    **dict.fromkeys(("paper.title", "paper.author"), "is of a paper about finished results"),
    "reproduce.parts": SHOWN,
    "checkpoint_seconds": "says how much of a training a kill may lose: a resumed one ends in the same weights",
}
STAGES = ["lowrank", "sparsify", "cluster", "quantize"]
COUNTS_WITH = {  # the beginning of a setting's key -> another key, and the value with which the setting has an effect
    **dict.fromkeys(("compress.energy", "compress.sparsify", "compress.clusters"), ("compress.stages", STAGES)),
    "search.finalist": ("search.finalists", 2),
    "compress.qat": ("compress.stages", ["qat", "quantize"]),
    "compress.temperature": ("compress.distillation", 0.5),
    "compress.prune.keep": ("compress.prune.rule", "uniform"),
}
Key = tuple[str, Any, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the folder of all files that configurations name, so that keys are the same in all tests."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
def stand_in(finished: Finished, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Returns a function that finds the folder of a step in a finished pipeline."""
    on_one_machine(monkeypatch)
    return partial(answer, finished, folder)


@pytest.fixture
def steps(stand_in: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Key]]:
    """Returns the keys of the steps that a command requests, up to the first that differs from `known`."""

    def ask(command: Callable[[Config], object], config: Config, known: list[Key] | None = None) -> list[Key]:
        found: list[Key] = []

        def step(runs: Path, name: str, label: str, config: Any, inputs: Any, work: Any, **more: Any) -> Path:
            found.append((name, dict(config), dict(inputs)))
            if name == command.__name__ or (known is not None and found != known[: len(found)]):
                raise Asked
            return stand_in(name, label)

        monkeypatch.setattr(artefacts, "step", step)
        try:
            command(config)
        except Asked:
            pass
        except LutraError as error:  # no stand-in has this value
            found.append(("no step", {"reason": str(error)}, {}))
        return found

    return ask


@pytest.fixture
def case(finished: Finished, folder: Path) -> Callable[[str], tuple[Callable[[Config], object], Config]]:
    """Returns a setting's command, and a configuration where the setting counts."""
    (folder / "table.csv").write_text(TABLE)
    table = str(folder / "table.csv")

    def find(key: str) -> tuple[Callable[[Config], object], Config]:
        config, (part, _, name) = changed(Config(), "objective.target_fraction", 1.0), key.partition(".")
        for start, (other, value) in COUNTS_WITH.items():
            config = changed(config, other, value) if key.startswith(start) else config
        if key in ("device.scenario", "device.seed"):
            simulated = DeviceConfig("simulated", table=str(finished.table))
            return measure, dataclasses.replace(config, device=simulated)
        if part == "compare":
            if name not in ("options", "accuracy", "report", "latency"):
                return compare, config
            asked = {"csv": table, "accuracy": "accuracy_percent", "report": "percent"}
            return compare, dataclasses.replace(config, compare=dataclasses.replace(config.compare, **asked))
        if part == "exact":
            if name == "points":
                return exact, changed(config, "exact.effects", effects(folder / "effects.csv"))
            return exact, changed(config, "exact.csv", table)
        if part == "fidelity":
            asked = {"options": "ops", "latency": "rpi4_ms", "train": [4], "seeds": 1}
            return fidelity, config if name == "networks" else dataclasses.replace(
                config, csv=table, fidelity=dataclasses.replace(config.fidelity, **asked)
            )
        if part == "finetuning":
            return finetuning, changed(config, "compress.distillation", 0.5)
        if key == "space.trunks":
            return measure, changed(config, "space.name", "edge")
        if part == "ranking":
            published = changed(config, "ranking.csv", picks(folder / "picks.csv"))
            return ranking.ranking, config if name in ("seeds", "band", "passes") else published
        if part == "transfer":
            (folder / LATENCIES).write_text("arch\n")
            return transfer, config
        others = {"hand_made": hand_made, "model": benchmark, "profile": profile, "recipes": recipes, "seeds": seeds}
        return others.get(part, report), config

    return find


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, list[Key]]:
    return {}


@pytest.fixture
def known_of(undisturbed: dict[str, list[Key]], steps: Callable[..., list[Key]]) -> Callable[..., list[Key]]:
    """Returns the keys of the steps that a command requests; many settings are compared with the same ones."""

    def known(command: Callable[[Config], object], config: Config) -> list[Key]:
        name = f"{command.__name__} {config}"
        if name not in undisturbed:
            undisturbed[name] = steps(command, config)
        return undisturbed[name]

    return known


@pytest.mark.parametrize("key", [key for key in LEAVES if key not in IN_NO_KEY])
def test_every_setting_changes_the_key_of_a_step(key: str, case: Any, steps: Any, known_of: Any) -> None:
    command, config = case(key)
    known = known_of(command, config)
    found = steps(command, changed(config, key, another(key)), known)
    assert known[-1][0] == command.__name__, known[-1]
    pairs = [(one, other) for one, other in zip(known, found) if one != other]
    assert pairs, f"no step's key has {key}"
    assert pairs[0][1][0] != "no step", pairs[0][1]


@pytest.mark.parametrize("key", ["compress.temperature", "compress.prune.keep"])
def test_a_setting_without_effect_changes_no_key(key: str, steps: Any, known_of: Any) -> None:
    config = changed(Config(), "objective.target_fraction", 1.0)
    assert steps(report, changed(config, key, another(key)), known_of(report, config)) == known_of(report, config)


@pytest.mark.parametrize("key", [key for key, reason in IN_NO_KEY.items() if reason not in (PLACES, SHOWN)])
def test_what_changes_no_result_changes_no_key(key: str, case: Any, steps: Any, known_of: Any) -> None:
    command, config = case(key)
    known = known_of(command, config)
    assert [name for name, *_ in known][-1] == command.__name__
    assert steps(command, changed(config, key, another(key))) == known


def test_the_list_of_exceptions_names_settings_that_there_are() -> None:
    assert {*IN_NO_KEY} <= {*LEAVES}


def test_a_command_looks_for_each_step_once(stand_in: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps that share an input (the table, the trained network) do not request it again."""
    asked: list[Key] = []

    def step(runs: Path, name: str, label: str, config: Any, inputs: Any, work: Any, **more: Any) -> Path:
        asked.append((name, dict(config), dict(inputs)))
        return stand_in(name, label)

    monkeypatch.setattr(artefacts, "step", step)
    monkeypatch.setattr("experiments.steps.report.show", lambda *arguments: None)
    with remembering():
        pipeline(changed(Config(), "objective.target_fraction", 1.0))
    names = [name for name, *_ in asked]
    steps = {"measure", "train", "search", "retrain", "faster_in_float", "compress", "benchmark", "report"}
    assert {*names} == steps
    assert [one for number, one in enumerate(asked) if one in asked[:number]] == []

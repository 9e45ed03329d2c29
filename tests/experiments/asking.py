"""What the tests of steps need: commands that ask for steps, and the answers of a finished pipeline."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from experiments.config import Config
from experiments.setup.cache import remembering
from experiments.store import keys
from experiments.store.provenance import FASTER_IN_FLOAT
from experiments.store.step import Means, Step
from tests.commands import Finished

TABLE = "ops,more,accuracy_percent,percent,rpi4_ms,another\n" + "".join(
    f"{a}{b}{c},{c}{b}{a},{50 + a + b + c},{60 + a},{1 + a + b + c},{2 + b}\n"
    for a, b, c in itertools.product(range(3), repeat=3)
)


class Asked(Exception):
    """Stops a command: enough of its steps are known."""


def changed(config: Any, key: str, value: Any) -> Any:
    first, _, rest = key.partition(".")
    return dataclasses.replace(config, **{first: changed(getattr(config, first), rest, value) if rest else value})


def with_values(values: Mapping[str, Any]) -> Config:
    """Returns a configuration with other values, by their keys."""
    config = Config()
    for key, value in values.items():
        config = changed(config, key, value)
    return config


def on_one_machine(patch: pytest.MonkeyPatch) -> None:
    """Nobody asks a board what it is, nor torch whether there is a GPU."""
    for module in ("experiments.store.keys", "experiments.setup.given_table"):
        patch.setattr(f"{module}.passport_of", lambda device: {"cpu": "one"})
    patch.setattr("experiments.steps.plan.computes_on", lambda name: name)


FOLDERS = {"finalists": "search"}  # a step that the pipeline does not have -> one whose folder has the same files


def answer(finished: Finished, otherwise: Path, name: str, label: str) -> Path:
    """The folder of a step of the finished pipeline; `otherwise` where it has none."""
    stage = label.split("-")[0]
    if name == "trial":
        (otherwise / "trial.json").write_text("{}")
    if name == FASTER_IN_FLOAT:
        (otherwise / f"{FASTER_IN_FLOAT}.json").write_text("[]")
    found = sorted((finished.runs / FOLDERS.get(name, name)).glob(f"{stage}-*" if name == "compress" else "*"))
    if name == "compress" and not found:
        return next((finished.runs / "retrain").iterdir())
    return finished.table.parent if name == "measure" else found[0] if found else otherwise


def picks(path: Path) -> str:
    """Writes a table of networks of the default space, each with one option in all layers (or the last, if fewer)."""
    searched = [count for count in keys.space_of(Config()).options if count > 1]
    rows = ["".join(str(min(pick, count - 1)) for count in searched) for pick in range(max(searched))]
    lines = [f"{row},{other},{9 + at},{60 + at}" for at, (row, other) in enumerate(zip(rows, reversed(rows)))]
    path.write_text("\n".join(["arch,more,mean_acc,percent", *lines]) + "\n")
    return str(path)


def effects(path: Path) -> str:
    """Writes the accuracy that each option of the default space adds."""
    options = keys.space_of(Config()).options
    lines = [f"{layer},{option},0.01" for layer, count in enumerate(options) for option in range(count)]
    path.write_text("\n".join(["layer,option,accuracy", *lines]) + "\n")
    return str(path)


def requested(command: Callable[[Config], Path], config: Config, finished: Finished, folder: Path) -> list[Step]:
    """Returns the steps of a command up to its own; each gives a folder of a finished pipeline, or `folder`."""
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

"""Every step, as the real commands request it."""

from __future__ import annotations

import json
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from experiments.config import Config
from experiments.config.command_config import CompareConfig, FidelityConfig
from experiments.config.stage_order import STAGES
from experiments.stages import fp32_fallback
from experiments.steps.compress import WORK, settings_of
from experiments.steps.plan import plan_of
from experiments.steps.report import report
from experiments.store.step import Step
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
from tests.commands import Finished
from tests.experiments.asking import TABLE, changed, effects, picks, requested


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
    yield report, changed(config, "search.finalists", 2)
    yield finetuning, changed(config, "compress.distillation", 0.5)
    yield recipes, config
    yield ranking, changed(config, "ranking.csv", picks(folder / "picks.csv"))
    yield exact, changed(config, "exact.effects", effects(folder / "effects.csv"))
    yield exact, changed(config, "exact.csv", table)
    columns = CompareConfig(table, accuracy="accuracy_percent", report="percent")
    yield compare, changed(config, "compare", columns)
    yield fidelity, changed(changed(config, "csv", table), "fidelity", FidelityConfig(2, "ops", "rpi4_ms", train=[4]))


def every_step(finished: Finished, folder: Path) -> Mapping[str, Step]:
    """Returns the steps by their names; `folder` is for the files that their commands read."""
    seconds = {f"{rule} {keep}": keep for rule in BASELINES for keep in KEEPS}
    seconds |= {"device": 0.5, **dict.fromkeys(BASELINES, 0.5)}  # of files with layers in float
    (folder / "seconds.json").write_text(json.dumps(seconds))
    found = [step for own in commands(folder) for step in requested(*own, finished, folder)]
    found += requested(faster_in_float, Config(), finished, finished.table.parent)
    stages = [Step("compress", settings_of(Config(), stage), {"parent": finished.table}, WORK) for stage in STAGES]
    return {name_of(step): step for step in (*stages, *reversed(found))}


def faster_in_float(config: Config) -> Path:
    return fp32_fallback.faster_layers(plan_of(config), Path("network"))

"""The setup of a run as keys and values, for the paper's setup table and the sizes in its text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.config import Config
from experiments.config.choices import space_of
from experiments.setup.images import dataset_of
from experiments.setup.session_record import Session
from experiments.setup.targets import targets_of
from experiments.stages import int8_agreement
from experiments.store import artefacts, versions
from predictors.board.fingerprint import runtime_of
from predictors.costs import LATENCY
from predictors.tables.table import LatencyTable
from predictors.tables.table_file import read_table

STATE = ("cores", "quota", "clock_max_khz", "clock_cap_khz", "governor", "turbo", "power")  # of the device fingerprint


def setup(
    config: Config, table: Path, folders: Mapping[str, Path], session: Session, steps: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """`folders` of the steps train, search, compress and benchmark; `session`: how the benchmark went.

    `steps`: the manifests of all steps that the report is made from, to find differing versions.
    """
    manifests = {name: artefacts.manifest(folder) for name, folder in folders.items()}
    latencies, checked = read_table(table), int8_agreement.load(folders["compress"])
    own = (table.parent / artefacts.MANIFEST).exists()
    return {
        **_asked(config, latencies),
        **_machine(latencies, manifests["benchmark"]["versions"]),
        "table_sha256": artefacts.sha256(table),
        **_trained(config),
        "supernet_seconds": manifests["train"]["seconds"],
        "search_seconds": manifests["search"]["seconds"],
        "measure_seconds": artefacts.manifest(table.parent)["seconds"] if own else "",
        "int8_agreement": checked.agreement,
        "float_layers": " ".join(map(str, checked.float_layers)),
        "saturating_layers": "" if checked.saturating is None else checked.saturating,
        "git_commit": manifests["benchmark"]["git_commit"],
        "other_versions": versions.disagreements(steps, manifests["benchmark"]),
        **{f"machine_speed_{precision}": 1 / slower.ratio for precision, slower in session.slowdowns.items()},
        **judged("table", latencies.verdict.state, latencies.verdict.reasons),
        "table_unknown": " ".join(latencies.verdict.unknown),
        **judged("session", session.state, session.reasons),
        "ignored": " ".join(config.ignore),
    }


def judged(what: str, state: str, reasons: Sequence[str]) -> dict[str, str]:
    """A verdict on the table or a session, as it is published."""
    return {f"{what}_verdict": state, f"{what}_verdict_reasons": "; ".join(reasons)}


def _asked(config: Config, latencies: LatencyTable) -> dict[str, Any]:
    """The space, the images, and the goal of the search."""
    space, data, aim = space_of(config), dataset_of(config.data), config.objective
    targets = {} if aim.name == "pareto" else targets_of(aim, config.precision, space, latencies)
    return {
        "space": space.name,
        "space_size": space.size,
        "layers": sum(count > 1 for count in space.options),
        "data": data.name,
        "data_file": Path(config.data.path).name if data.name == "image_folder" else "",
        "train_images": len(data.train.labels),
        "validation_images": len(data.validation.labels),
        "test_images": len(data.test.labels),
        "resolution": data.shape.resolution,
        "classes": data.shape.classes,
        "strategy": config.strategy.name,
        "seed": config.seed,
        "evaluations": config.search.budget,
        "objective": aim.name,
        "costs": " ".join(aim.costs),
        "target_ms": 1e3 * targets[LATENCY] if targets else "",
        "target_fraction": aim.target_fraction if targets and not aim.target_ms else "",
        **{f"target_{name}_bytes": value for name, value in targets.items() if name != LATENCY},
        "precision": config.precision,
    }


def _machine(latencies: LatencyTable, versions: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "device": latencies.device,
        **{
            key: latencies.passport.get(key)
            for key in ("cpu", "machine", "threads", runtime_of(latencies.passport), *STATE)
        },
        "torch": versions["torch"],
        "python": versions["python"],
        "table_rounds": len(latencies.rounds),
        "table_graphs": len(latencies.timed),
    }


def _trained(config: Config) -> dict[str, Any]:
    return {
        "accelerator": config.accelerator,
        "supernet_steps": config.train.steps,
        "retrain_steps": config.retrain.steps,
        "distillation": config.compress.distillation,
        "finetune_steps": config.compress.finetune.steps if "finetune" in config.compress.stages else "",
    }

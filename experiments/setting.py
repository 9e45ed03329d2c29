"""What a run was made of, as keys and values: the paper's set-up table, and the sizes that its text tells."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments import artefacts
from experiments.choices import dataset_of, space_of, target_of
from experiments.config import Config
from experiments.measure import read_table
from experiments.stages import answers
from predictors.table import LatencyTable


def setup(config: Config, table: Path, folders: Mapping[str, Path], slowdown: float) -> dict[str, Any]:
    """`folders` of the steps train, search, compress and benchmark; `slowdown` of the machine since the table."""
    manifests = {name: artefacts.manifest(folder) for name, folder in folders.items()}
    latencies, checked = read_table(table), answers.load(folders["compress"])
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
        "float_layers": " ".join(str(one.layer) for one in checked.in_float),
        "saturating_layers": "" if checked.saturating is None else checked.saturating,
        "git_commit": manifests["benchmark"]["git_commit"],
        "machine_speed": 1 / slowdown,
        "ignored": " ".join(config.ignore),
    }


def _asked(config: Config, latencies: LatencyTable) -> dict[str, Any]:
    """The space, the images, and what was searched for."""
    space, data, aim = space_of(config), dataset_of(config.data), config.objective
    aimed = aim.name != "pareto"
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
        "target_ms": 1e3 * target_of(config, space, latencies) if aimed else "",
        "target_fraction": aim.target_fraction if aimed and not aim.target_ms else "",
        "precision": config.precision,
    }


def _machine(latencies: LatencyTable, versions: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "device": latencies.device,
        **{key: latencies.passport[key] for key in ("cpu", "machine", "threads", "onnxruntime")},
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

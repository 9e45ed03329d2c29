"""Another value for every setting of the configuration."""

from __future__ import annotations

import dataclasses
from typing import Any

from experiments.config import Config
from experiments.display.events import flat

OTHER = {  # for settings that accept few values
    "precision": "fp32",
    "model": "mobilenet_v2",
    "space.name": "mobile",
    "data.name": "cifar10",
    "space.trunks": [1],
    "device.name": "ssh",
    "device.library": "litert",
    "device.scenario": "quiet",
    "strategy.name": "random",
    "strategy.options": {"population": 7},
    "objective.name": "mnasnet",
    "objective.target_ms": 1000.0,
    "objective.costs": ["latency", "size"],
    "train.rule": "single_path",
    "ignore": ["governor"],
    "compress.stages": ["finetune", "quantize"],
    "compress.prune.rule": "uniform",
    "compress.prune.importance": "l1",
    "compress.teacher": "largest",
    "compress.quantize.kind": "dynamic",
    "compress.quantize.float_layers": "accuracy",
    "compress.deploy": "quantized",
    "compress.sparsify.pattern": "two_of_four",
    "compare.strategies": ["evolution"],
    "hand_made.models": ["mobilenet_v2"],
    "hand_made.saved": [0.25],
    "finetuning.steps": [3],
    "finetuning.learning_rates": [0.5],
    "finetuning.distillations": [0.25],
    "finetuning.temperatures": [3.0],
    "recipes.network": "resnet8",
    "recipes.tried": ["cutout=0.5"],
    "fidelity.train": [5],
    **{f"{command}.options": "more" for command in ("compare", "exact", "fidelity")},
    **{f"{command}.accuracy": "percent" for command in ("compare", "exact")},
    "compare.report": "accuracy_percent",
    "fidelity.unit": "s",
    "ranking.networks": 2,
    "ranking.band": 1.0,
    "ranking.options": "more",
    "ranking.accuracy": "percent",
    "objective.target_fraction": 2.0,
    "accelerator": "cuda",
    "transfer.targets": ["precision=fp32", "device.library=litert"],
}
LEAVES = dict(flat(dataclasses.asdict(Config())))


def another(key: str) -> Any:
    value = LEAVES[key]
    if key in OTHER:
        return OTHER[key]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value / 2 if value else 0.125
    return {str: "another", list: ["another"], type(None): 5}[type(value)]

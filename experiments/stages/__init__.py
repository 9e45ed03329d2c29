"""The stages of compression by name: each makes of a network's file another, or at last the one that is deployed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from experiments.config import Config
from experiments.stages import learning, pruning, quantizing
from experiments.stages.task import NETWORK, Stage, Task, some

__all__ = ["NETWORK", "STAGES", "Task"]


def _trained(*more: str) -> Callable[[Config], Mapping[str, Any]]:
    return lambda config: some(config, "finetune", "distillation", "temperature", "teacher", *more)


STAGES: dict[str, Stage] = {
    "prune": Stage(
        "pruned",
        pruning.prune,
        lambda c: {**some(c, "prune"), "precision": c.precision},
        pruning.table_of_widths,
    ),
    "lowrank": Stage(
        "factorised",
        pruning.factorise,
        lambda c: {**some(c, "energy"), "precision": c.precision},
        pruning.table_of_ranks,
    ),
    "finetune": Stage("finetuned", learning.finetune, _trained(), learning.teachers),
    "sparsify": Stage("sparsified", learning.sparsify, _trained("sparsify"), learning.teachers),
    "cluster": Stage("clustered", learning.share, _trained("clusters"), learning.teachers),
    "qat": Stage("quantization-aware", learning.qat, _trained("qat"), learning.teachers),
    "quantize": Stage(
        "quantized",
        quantizing.quantize,
        lambda c: {**some(c, "quantize", "calibration"), "looked_at": quantizing.LOOKED_AT},
        quantizing.ranges,
        last=True,
    ),
}

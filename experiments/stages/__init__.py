"""The stages of compression by name: each makes of a network's file another, or at last the one that is deployed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from experiments.compression import CLUSTER, FINETUNE, LOWRANK, PRUNE, QAT, QUANTIZE, SPARSIFY
from experiments.config import Config
from experiments.stages import fp32_fallback, learning, pruning, quantizing
from experiments.stages.task import NETWORK, Stage, Task, some

__all__ = ["NETWORK", "STAGES", "Task"]


def _trained(*more: str) -> Callable[[Config], Mapping[str, Any]]:
    return lambda config: some(config, "finetune", "distillation", "temperature", "teacher", *more)


def _finetuning(config: Config) -> int:
    return config.compress.finetune.steps


STAGES: dict[str, Stage] = {
    PRUNE: Stage(
        "pruned",
        pruning.prune,
        lambda c: {**some(c, "prune"), "precision": c.precision},
        pruning.table_of_widths,
    ),
    LOWRANK: Stage(
        "factorised",
        pruning.factorise,
        lambda c: {**some(c, "energy"), "precision": c.precision},
        pruning.table_of_ranks,
    ),
    FINETUNE: Stage("finetuned", learning.finetune, _trained(), learning.teachers, _finetuning),
    SPARSIFY: Stage("sparsified", learning.sparsify, _trained("sparsify"), learning.teachers, _finetuning),
    CLUSTER: Stage("clustered", learning.share, _trained("clusters"), learning.teachers, _finetuning),
    QAT: Stage(
        "quantization-aware",
        learning.qat,
        lambda c: {**_trained("qat")(c), "reduce_range": c.compress.quantize.reduce_range},
        fp32_fallback.before_training,
        lambda c: c.compress.qat.steps,
    ),
    QUANTIZE: Stage(
        "quantized",
        quantizing.quantize,
        lambda c: {**some(c, "quantize", "calibration"), "looked_at": quantizing.LOOKED_AT},
        fp32_fallback.needs,
        last=True,
    ),
}

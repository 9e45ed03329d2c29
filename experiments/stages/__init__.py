"""The stages of compression by name: each turns a network's file into another, the last into the deployed file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from experiments.config import Config
from experiments.config.stage_order import CLUSTER, FINETUNE, LOWRANK, PRUNE, QAT, QUANTIZE, SPARSIFY
from experiments.stages import fp32_fallback, learning, pruning, quantizing
from experiments.stages.settings import Stage as Settings
from experiments.stages.task import NETWORK, Stage, Task
from experiments.steps.train import prepare
from experiments.store.step import Means

__all__ = ["NETWORK", "STAGES", "Task", "work"]


def _finetuning(config: Config) -> int:
    return config.compress.finetune.steps


STAGES: dict[str, Stage] = {
    PRUNE: Stage("pruned", pruning.prune, pruning.table_of_widths),
    LOWRANK: Stage("factorised", pruning.factorise, pruning.table_of_ranks),
    FINETUNE: Stage("finetuned", learning.finetune, learning.teachers, _finetuning),
    SPARSIFY: Stage("sparsified", learning.sparsify, learning.teachers, _finetuning),
    CLUSTER: Stage("clustered", learning.share, learning.teachers, _finetuning),
    QAT: Stage("quantization-aware", learning.qat, fp32_fallback.before_training, lambda c: c.compress.qat.steps),
    QUANTIZE: Stage("quantized", quantizing.quantize, fp32_fallback.needs, last=True),
}


def work(settings: Settings, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Turns the network in the file `parent` into another one, or into the deployed file."""
    prepare(settings.threads, settings.seed)
    inputs = {name: path for name, path in files.items() if name != "parent"}
    STAGES[settings.stage].run(Task(settings, means, files["parent"], inputs, folder))

"""The stages of compression by name: each turns a network's file into another, the last into the deployed file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from experiments.config import Config
from experiments.config.reference import Reference
from experiments.config.stage_order import CLUSTER, FINETUNE, LOWRANK, PRUNE, QAT, QUANTIZE, SPARSIFY
from experiments.stages import fp32_fallback, inputs
from experiments.stages.inputs import NETWORK
from experiments.steps.plan import Plan
from search_spaces.training.recipe import NetworkRecipe

__all__ = ["NETWORK", "STAGES"]


@dataclass(frozen=True)
class Stage:
    """`made` is the name of the resulting network; `needs` gives the files that the stage reads besides its parent."""

    made: str
    run: Reference  # (task)
    needs: Callable[[Plan, Path, Path], dict[str, Path]]
    recipe: Callable[[Config], NetworkRecipe | None] = lambda config: None  # if it trains
    last: bool = False  # whether its file is the deployed one


def _finetuning(config: Config) -> NetworkRecipe:
    return config.compress.finetune


PRUNING, LEARNING = "experiments.stages.pruning", "experiments.stages.learning"
STAGES: dict[str, Stage] = {
    PRUNE: Stage("pruned", Reference(f"{PRUNING}:prune"), inputs.table_of_widths),
    LOWRANK: Stage("factorised", Reference(f"{PRUNING}:factorise"), inputs.table_of_ranks),
    FINETUNE: Stage("finetuned", Reference(f"{LEARNING}:finetune"), inputs.teachers, _finetuning),
    SPARSIFY: Stage("sparsified", Reference(f"{LEARNING}:sparsify"), inputs.teachers, _finetuning),
    CLUSTER: Stage("clustered", Reference(f"{LEARNING}:share"), inputs.teachers, _finetuning),
    QAT: Stage(
        "quantization-aware",
        Reference(f"{LEARNING}:qat"),
        fp32_fallback.before_training,
        lambda config: config.compress.qat,
    ),
    QUANTIZE: Stage("quantized", Reference("experiments.stages.quantizing:quantize"), fp32_fallback.needs, last=True),
}

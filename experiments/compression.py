"""What is asked of compression: its stages, their settings, and which of them go together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from compress.calibration import METHODS
from compress.prune import check_keep
from compress.sparsify import PATTERNS
from search_spaces.errors import LutraError
from search_spaces.training import Recipe

STAGES = ("prune", "lowrank", "finetune", "sparsify", "cluster", "qat", "quantize")
PRUNE, LOWRANK, FINETUNE, SPARSIFY, CLUSTER, QAT, QUANTIZE = STAGES
RULES = ("device", "uniform", "global", "depgraph")
IMPORTANCES = ("taylor", "batch_norm", "l1")
TEACHERS = ("winner", "largest")
KINDS = ("static", "dynamic", "fp16")
FLOAT_LAYERS = ("none", "accuracy", "time", "both")


@dataclass(frozen=True)
class PruneConfig:
    rule: str = "device"  # how many channels stay: device, uniform, global; depgraph, which is torch-pruning's
    importance: str = "taylor"  # which channels stay: taylor, batch_norm, l1
    target_ms: float | None = None  # device: the pruned network's latency, predicted
    saved: float = 0.5  # device: instead, the fraction of what pruning can save, down to the narrowest network
    widths: int = 8  # device: that are measured of a block, at most
    keep: float = 0.75  # the other rules: fraction of the channels
    images: int = 2048  # that Taylor importance is estimated on


@dataclass(frozen=True)
class SparsifyConfig:
    sparsity: float = 0.5  # fraction of each cut layer's weights
    pattern: str = "smallest"  # smallest, two_of_four


@dataclass(frozen=True)
class QuantizeConfig:
    kind: str = "static"  # static, dynamic, fp16
    method: str = "minmax"  # static: how activations' ranges are found, if not by qat: minmax, percentile, entropy
    float_layers: str = "none"  # static: what stays in float: what is faster so (time), what keeps 99 % of the
    # predictions (accuracy), both
    bias_correction: bool = False  # static: whether biases take back what rounding shifts, on calibration images
    reduce_range: bool = False  # static: weights of 7 bits, which no CPU adds up wrongly


@dataclass(frozen=True)
class CompressConfig:
    stages: list[str] = field(default_factory=lambda: [PRUNE, FINETUNE, QUANTIZE])  # in this order
    prune: PruneConfig = field(default_factory=PruneConfig)
    energy: float = 0.9  # lowrank: fraction that the kept singular values hold
    finetune: Recipe = Recipe(steps=120, batch=64, learning_rate=0.02)  # sparsify's and cluster's too
    distillation: float = 0.5  # weight of the teacher's soft labels; 0: labels alone
    temperature: float = 2.0
    teacher: str = "winner"  # the unpruned network, or the supernet's largest
    sparsify: SparsifyConfig = field(default_factory=SparsifyConfig)
    clusters: int = 16  # values that a layer's weights share
    qat: Recipe = Recipe(steps=60, batch=64, learning_rate=0.005)
    quantize: QuantizeConfig = field(default_factory=QuantizeConfig)
    calibration: int = 512  # training images for INT8 ranges
    memory: bool = True  # whether every file's peak memory on the device is measured


def named(chosen: CompressConfig) -> Iterable[tuple[str, str, Iterable[str]]]:
    """What is chosen by name: what it is, the name, the names there are."""
    return (
        *(("stage", name, STAGES) for name in chosen.stages),
        ("rule of pruning", chosen.prune.rule, RULES),
        ("importance", chosen.prune.importance, IMPORTANCES),
        ("pattern", chosen.sparsify.pattern, PATTERNS),
        ("teacher", chosen.teacher, TEACHERS),
        ("kind of quantization", chosen.quantize.kind, KINDS),
        ("choice of compress.quantize.float_layers", chosen.quantize.float_layers, FLOAT_LAYERS),
        ("calibration method", chosen.quantize.method, METHODS),
    )


def check(chosen: CompressConfig, model: str) -> None:
    """Raises LutraError for a fraction that is none, and for stages that do not suit one another, or the model."""
    _check_fractions(chosen)
    _check_order(chosen.stages)
    _check_kind(chosen.quantize)
    depgraph = PRUNE in chosen.stages and chosen.prune.rule == "depgraph"
    if (model != "winner" or depgraph) and {LOWRANK, SPARSIFY, CLUSTER, QAT} & {*chosen.stages}:
        raise LutraError(
            "hand-made networks, and those that depgraph has pruned, cannot be factorised, sparsified, clustered or "
            "trained for INT8: take lowrank, sparsify, cluster and qat out of compress.stages"
        )
    if model != "winner" and PRUNE in chosen.stages and not depgraph:
        raise LutraError("a hand-made network is pruned by torch-pruning: add compress.prune.rule=depgraph")


def _check_fractions(chosen: CompressConfig) -> None:
    check_keep(chosen.prune.keep)
    if chosen.sparsify.pattern == "two_of_four" and chosen.sparsify.sparsity != 0.5:
        raise LutraError("two_of_four cuts exactly half of the weights: leave compress.sparsify.sparsity at 0.5")
    if not 0 <= chosen.sparsify.sparsity < 1:
        raise LutraError(f"compress.sparsify.sparsity is a fraction below 1, not {chosen.sparsify.sparsity}")
    check_fraction("compress.prune.saved", chosen.prune.saved)
    check_fraction("compress.distillation", chosen.distillation)
    if not 0 < chosen.energy <= 1:
        raise LutraError(f"compress.energy is a fraction, above 0 and at most 1, not {chosen.energy}")


def check_fraction(key: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise LutraError(f"{key} is a fraction, from 0 to 1, not {value}")


def _check_kind(chosen: QuantizeConfig) -> None:
    static = chosen.float_layers != "none" or chosen.bias_correction or chosen.reduce_range
    if chosen.kind != "static" and static:
        raise LutraError(
            f"float_layers, bias_correction and reduce_range are of static INT8, not of {chosen.kind}: "
            "add compress.quantize.kind=static, or leave them at none, false and false"
        )


def _check_order(stages: list[str]) -> None:
    shared = stages.index(CLUSTER) if CLUSTER in stages else len(stages)
    if {FINETUNE, SPARSIFY, QAT} & {*stages[shared:]}:
        raise LutraError("training after cluster would part the weights that share a value: let cluster come last")
    if QUANTIZE in stages[:-1]:
        raise LutraError("quantize makes the file that is deployed: it comes last in compress.stages, and once")

"""The settings of compression: its stages, their settings, and which of them can be combined."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from experiments.config import stage_order
from experiments.config.stage_order import CLUSTER, FINETUNE, LOWRANK, PRUNE, QAT, QUANTIZE, SPARSIFY, STAGES
from search_spaces.added_fields import unless
from search_spaces.errors import LutraError
from search_spaces.ranges import Fraction, Range
from search_spaces.training.recipe import NetworkRecipe

RULES = ("device", "uniform", "global", "depgraph")
IMPORTANCES = ("taylor", "batch_norm", "l1")
TEACHERS = ("winner", "largest")
KINDS = ("static", "dynamic", "fp16")
FLOAT_LAYERS = ("none", "accuracy", "time", "both")
FASTER = "faster"
DEPLOYED = (FASTER, "quantized")
METHODS = ("minmax", "percentile", "entropy")  # as in `compress.quantization.calibration`, which loads onnxruntime
PATTERNS = ("smallest", "two_of_four")  # as in `compress.weights.sparsify`, which loads torch
WINNER = "winner"
MODELS = (
    "mobilenet_v2",
    "mobilenet_v3_small",
    "shufflenet_v2",
    "shufflenet_v2_half",
    "resnet8",
)  # as in `compress.files.foreign`, which loads torch
OWN_KINDS = (
    "vit",
    "hybrid",
    "mobilenet_v2_half",
    "mobilenet_v4_small",
    "resnet8_blocks",
)  # as in `compress.files.own_kinds`; any runtime can have them

# runtime -> settings with values that it does not support: its files are written from layers, and never saturate
NOT_FOR: Mapping[str, Mapping[str, tuple[object, ...]]] = {
    "litert": {
        "compress.quantize.reduce_range": (True,),
        "compress.quantize.bias_correction": (True,),
        "compress.prune.rule": ("depgraph",),
        "model": MODELS,
    }
}


@dataclass(frozen=True)
class PruneConfig:
    """How channels are removed."""

    rule: str = "device"  # how many channels to keep; depgraph: torch-pruning's rule
    importance: str = "taylor"  # which channels to keep
    # device: the predicted latency of the pruned network
    target_ms: Annotated[float, Range(0, 1_000_000, "ms", above=True)] | None = None
    saved: Fraction = 0.5  # device: instead, the latency reduction as a fraction of the largest possible one
    widths: Annotated[int, Range(1, 1_000)] = 8  # device: the largest number of widths to measure per block
    keep: Annotated[float, Range(0.01, 1)] = 0.75  # the other rules: fraction of channels to keep
    images: Annotated[int, Range(1, 10_000_000)] = 2048  # for estimating Taylor importance
    # steps in which channels are cut; before each, importance is estimated anew in what is left (Molchanov et al. 2019)
    rounds: Annotated[int, Range(1, 100)] = unless(1)


@dataclass(frozen=True)
class SparsifyConfig:
    """How weights are set to zero."""

    # fraction of each layer's weights set to zero
    sparsity: Annotated[float, Range(0, 1, above=True, below=True)] = 0.5
    pattern: str = "smallest"  # which weights: the smallest, or the two smallest of every four neighbours


@dataclass(frozen=True)
class QuantizeConfig:
    """How the deployed file is made."""

    kind: str = "static"  # INT8 with ranges determined in advance (static) or for each image (dynamic), or float16
    method: str = "minmax"  # static: how activation ranges are found, unless qat learns them
    # static: layers that stay in float: those that are faster in float (time, where the device can time files), those
    # needed to keep 99 % of the predictions (accuracy), or both
    float_layers: str = "time"
    bias_correction: bool = False  # static: whether biases compensate for rounding, estimated on calibration images
    reduce_range: bool = False  # static: whether to use 7-bit weights, which avoid saturation on x86 without VNNI


@dataclass(frozen=True)
class CompressConfig:
    """How the winner is compressed."""

    stages: list[str] = field(default_factory=lambda: [PRUNE, FINETUNE, QUANTIZE])  # the stages to run, in this order
    prune: PruneConfig = field(default_factory=PruneConfig)
    # lowrank: the fraction of energy that the kept singular values have
    energy: Annotated[float, Range(0, 1, above=True)] = 0.9
    finetune: NetworkRecipe = NetworkRecipe(
        steps=120, batch=64, learning_rate=0.02
    )  # training in the stages finetune, sparsify and cluster
    distillation: Fraction = 0.0  # weight of the teacher's soft labels; 0, because no gain has been shown
    temperature: Annotated[float, Range(1e-3, 1_000)] = 2.0  # temperature of the soft labels
    teacher: str = "winner"  # whose soft labels: the unpruned winner's, or those of the supernet's largest network
    sparsify: SparsifyConfig = field(default_factory=SparsifyConfig)
    clusters: Annotated[int, Range(2, 65_536)] = 16  # cluster: distinct values of a layer's weights
    qat: NetworkRecipe = NetworkRecipe(steps=60, batch=64, learning_rate=0.005)  # quantization-aware training
    quantize: QuantizeConfig = field(default_factory=QuantizeConfig)
    calibration: Annotated[int, Range(1, 10_000_000)] = 512  # training images for INT8 ranges
    # whether the deployed file normalises: it takes pixels (uint8) and outputs probabilities
    inside: bool = False
    # which file the report deploys: faster: the INT8 file if it was significantly faster than the same network's fp32
    # file, otherwise the fp32 file; quantized: always the quantized file
    deploy: str = FASTER
    memory: bool = True  # whether to measure each file's peak memory on the device


# key -> what its names stand for, and the valid names
CHOICES: Mapping[str, tuple[str, Collection[str]]] = {
    "compress.stages": ("stage", STAGES),
    "compress.prune.rule": ("rule of pruning", RULES),
    "compress.prune.importance": ("importance", IMPORTANCES),
    "compress.sparsify.pattern": ("pattern", PATTERNS),
    "compress.teacher": ("teacher", TEACHERS),
    "compress.quantize.kind": ("kind of quantization", KINDS),
    "compress.quantize.float_layers": ("choice of compress.quantize.float_layers", FLOAT_LAYERS),
    "compress.quantize.method": ("calibration method", METHODS),
    "compress.deploy": ("choice of compress.deploy", DEPLOYED),
}


def check(chosen: CompressConfig, model: str) -> None:
    """Raises LutraError for stages that contradict each other or the model."""
    if chosen.sparsify.pattern == "two_of_four" and chosen.sparsify.sparsity != 0.5:
        raise LutraError("two_of_four prunes exactly half of the weights: leave compress.sparsify.sparsity at 0.5")
    stage_order.check(chosen.stages, chosen.sparsify.pattern)
    if chosen.teacher != "winner" and not chosen.distillation:
        raise LutraError(
            f"compress.teacher={chosen.teacher} has no effect while compress.distillation=0: "
            "add compress.distillation=0.5, or leave compress.teacher at winner"
        )
    _check_muon(chosen)
    _check_kind(chosen.quantize)
    if QAT in chosen.stages:
        _check_qat(chosen.quantize)
    if chosen.prune.rule == "depgraph" and chosen.prune.rounds > 1:
        raise LutraError(
            f"compress.prune.rounds={chosen.prune.rounds} is not for rule=depgraph, which cuts once: add "
            "compress.prune.rounds=1, or compress.prune.rule=device"
        )
    depgraph = PRUNE in chosen.stages and chosen.prune.rule == "depgraph"
    if (model != "winner" or depgraph) and {LOWRANK, SPARSIFY, CLUSTER, QAT} & {*chosen.stages}:
        raise LutraError(
            "hand-made networks, and networks pruned by depgraph, cannot be factorised, sparsified, clustered or "
            "trained for INT8: remove lowrank, sparsify, cluster and qat from compress.stages"
        )
    if model != "winner" and PRUNE in chosen.stages and not depgraph:
        raise LutraError("a hand-made network can only be pruned by torch-pruning: add compress.prune.rule=depgraph")


def _check_muon(chosen: CompressConfig) -> None:
    """Raises LutraError if Muon would undo what a stage has made: it moves the weights whose gradient is zero too."""
    made = next((name for name in (SPARSIFY, CLUSTER) if name in chosen.stages), None)
    for key, recipe in (("finetune", chosen.finetune), ("qat", chosen.qat)):
        if made and recipe.muon:
            raise LutraError(
                f"compress.{key}.muon={recipe.muon:g} moves every weight of a matrix, so the stage {made} would lose "
                f"its {'zeros' if made == SPARSIFY else 'shared values'}: add compress.{key}.muon=0"
            )


def _check_kind(chosen: QuantizeConfig) -> None:
    chosen_layers = chosen.float_layers in ("accuracy", "both")
    static = chosen_layers or chosen.bias_correction or chosen.reduce_range or chosen.method != "minmax"
    if chosen.kind != "static" and static:
        raise LutraError(
            "float_layers, bias_correction, reduce_range and method apply to static INT8, not to "
            f"{chosen.kind}: add compress.quantize.kind=static, or leave them at time, false, false and minmax"
        )


def _check_qat(chosen: QuantizeConfig) -> None:
    """Raises LutraError if the file would differ from what quantization-aware training trains for."""
    against = {
        f"kind={chosen.kind}": (chosen.kind != "static", "trains for static INT8", "kind=static"),
        "bias_correction=true": (chosen.bias_correction, "learns the biases that INT8 needs", "bias_correction=false"),
        f"float_layers={chosen.float_layers}": (
            chosen.float_layers in ("accuracy", "both"),
            "trains layers for INT8 that this would keep in float",
            "float_layers=none, or time, which is decided before qat trains",
        ),
    }
    for chosen_value, (wrong, does, instead) in against.items():
        if wrong:
            raise LutraError(
                f"compress.quantize.{chosen_value} contradicts the stage qat, which {does}: "
                f"add compress.quantize.{instead}; or remove qat from compress.stages"
            )

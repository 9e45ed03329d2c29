"""The settings of each stage of compression, and of timing the layers that stay in float."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from experiments.config import OFFLINE, Config, MeasureConfig
from experiments.config.compression import CompressConfig, PruneConfig, QuantizeConfig, SparsifyConfig
from experiments.config.stage_order import CLUSTER, FINETUNE, LOWRANK, PRUNE, QAT, QUANTIZE, SPARSIFY
from experiments.steps.device_settings import Device
from experiments.steps.settings import Images
from experiments.store.key_fields import implied, unless
from search_spaces.layers import Spec
from search_spaces.space import SearchSpace
from search_spaces.training.recipe import NetworkRecipe

LOOKED_AT = {"sensitivity": 256, "saturation": 8}  # the largest number of training images used


@dataclass(frozen=True, kw_only=True)
class Stage:
    stage: str
    data: Images
    seed: int
    threads: int
    accelerator: str = unless("cpu")

    @property
    def label(self) -> str:
        return f"{self.stage}-{self.data.label}-seed{self.seed}"


@dataclass(frozen=True, kw_only=True)
class Prune(Stage):
    prune: PruneConfig
    precision: str


@dataclass(frozen=True, kw_only=True)
class Factorise(Stage):
    energy: float
    precision: str


@dataclass(frozen=True, kw_only=True)
class Finetune(Stage):
    finetune: NetworkRecipe
    distillation: float
    temperature: float
    teacher: str
    space: SearchSpace | None = implied("supernet")


@dataclass(frozen=True, kw_only=True)
class Sparsify(Finetune):
    sparsify: SparsifyConfig


@dataclass(frozen=True, kw_only=True)
class Cluster(Finetune):
    clusters: int


@dataclass(frozen=True, kw_only=True)
class Qat(Finetune):
    qat: NetworkRecipe
    reduce_range: bool
    smoothing: float | None = unless(None)  # of labels, if not the same as in finetuning


@dataclass(frozen=True, kw_only=True)
class Quantize(Stage):
    quantize: QuantizeConfig
    calibration: int
    looked_at: Mapping[str, int]
    runtime: str = unless("onnxruntime")
    inside: bool = unless(False)
    whole: tuple[Spec, ...] | None = implied("parent")  # the network trained from scratch, if it is from a space


@dataclass(frozen=True)
class Faster:
    """The settings that determine which layers the device computes faster in float."""

    method: str
    reduce_range: bool
    calibration: int
    device: Device
    measure: MeasureConfig
    data: Images
    seed: int

    @property
    def label(self) -> str:
        return f"{self.data.label}-seed{self.seed}"


def untimed(config: Config) -> str:
    """Why this command cannot time files for the table's device; empty if it can."""
    if config.device.name in OFFLINE:
        return f"device={config.device.name} cannot time files"
    if config.table is not None and config.ignore:
        return "with ignore= the table may come from another device"
    return ""


def float_layers(config: Config) -> str:
    """How layers in float are chosen: `time`, the default, has no effect on other kinds and where nothing is timed."""
    chosen = config.compress.quantize
    without = chosen.kind != "static" or untimed(config)
    return "none" if chosen.float_layers == "time" and without else chosen.float_layers


def _pruned(chosen: PruneConfig) -> PruneConfig:
    """Without the number of channels to keep where the device decides it, and without the latency where it does not.

    They have no effect, and would make equal steps look different.
    """
    usual = PruneConfig()
    if chosen.rule != usual.rule:
        return replace(chosen, target_ms=usual.target_ms, saved=usual.saved, widths=usual.widths)
    saved = usual.saved if chosen.target_ms is not None else chosen.saved
    return replace(chosen, keep=usual.keep, saved=saved)


def _trained(chosen: CompressConfig) -> dict[str, Any]:
    names = ("finetune", "distillation", "temperature", "teacher")
    used = chosen if chosen.distillation else replace(chosen, temperature=CompressConfig().temperature)
    return {name: getattr(used, name) for name in names}


def _smoothing(chosen: CompressConfig) -> float | None:
    own = chosen.qat.label_smoothing
    return None if own == chosen.finetune.label_smoothing else own


OWN: dict[str, Callable[[Config, dict[str, Any]], Stage]] = {  # (configuration, settings of all stages) -> a stage's
    PRUNE: lambda c, common: Prune(**common, prune=_pruned(c.compress.prune), precision=c.precision),
    LOWRANK: lambda c, common: Factorise(**common, energy=c.compress.energy, precision=c.precision),
    FINETUNE: lambda c, common: Finetune(**common, **_trained(c.compress)),
    SPARSIFY: lambda c, common: Sparsify(**common, **_trained(c.compress), sparsify=c.compress.sparsify),
    CLUSTER: lambda c, common: Cluster(**common, **_trained(c.compress), clusters=c.compress.clusters),
    QAT: lambda c, common: Qat(
        **common,
        **_trained(c.compress),
        qat=c.compress.qat,
        reduce_range=c.compress.quantize.reduce_range,
        smoothing=_smoothing(c.compress),
    ),
    QUANTIZE: lambda c, common: Quantize(
        **common,
        quantize=replace(c.compress.quantize, float_layers=float_layers(c)),
        calibration=c.compress.calibration,
        looked_at=LOOKED_AT,
        runtime=c.device.library,
        inside=c.compress.inside,
    ),
}


def faster_settings(config: Config, images: Images) -> Faster:
    chosen = config.compress
    return Faster(
        chosen.quantize.method,
        chosen.quantize.reduce_range,
        chosen.calibration,
        Device.of(config.device),
        config.measure,
        images,
        config.seed,
    )

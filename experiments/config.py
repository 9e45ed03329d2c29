"""The configuration of every command: one schema, checked by types, filled from `hydra_conf/`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from predictors.rounds import Protocol
from search_spaces.training import Recipe


@dataclass(frozen=True)
class DataConfig:
    name: str = "digits"
    path: str = ""  # where the images are, or are downloaded to
    size: int = 16  # pixels
    validation: float = 0.2  # fraction of the training images
    seed: int = 0  # of the split
    flip: bool = True  # whether mirrored images may be trained on; digits never are


@dataclass(frozen=True)
class SpaceConfig:
    name: str = "tiny"


@dataclass(frozen=True)
class DeviceConfig:
    """Where networks are timed. All but `name` and `threads` is for one kind of device, as the comments say."""

    name: str = "local"
    threads: int = 1
    host: str = ""  # ssh, as are all keys down to patience
    hosts: list[str] = field(default_factory=list)  # instead of host: several boards of one kind share the work
    user: str = ""  # as ssh is configured
    port: int = 0  # as ssh is configured
    python: str = "python3"  # on the board, 3.9 or newer
    folder: str = "~/.cache/lutra"  # on the board
    ssh_config: str = ""  # instead of ~/.ssh/config
    patience: float = 15.0  # seconds without a sign of life until the link counts as cut
    results: str = ""  # bundle: what its run.py wrote on the board
    table: str = ""  # simulated: the table whose board is replayed
    scenario: str = "drifting"  # simulated: what befalls it
    seed: int = 0  # simulated

    def __hash__(self) -> int:
        return hash(repr(self))  # a list has none of its own


@dataclass(frozen=True)
class MeasureConfig(Protocol):
    networks: int = 12  # whole networks timed for the correction


@dataclass(frozen=True)
class TrainConfig(Recipe):
    rule: str = "sandwich"  # which networks learn from a batch: sandwich, single_path


@dataclass(frozen=True)
class SearchConfig:
    budget: int = 100  # distinct architectures
    calibration: int = 2000  # training images for batch-norm statistics
    validation: int = 0  # validation images to judge by; 0: all
    jobs: int = 1  # that share a population's evaluation
    backend: str = "loky"  # of several jobs: loky, threading, dask, ray


@dataclass(frozen=True)
class StrategyConfig:
    name: str = "evolution"
    options: dict[str, Any] = field(default_factory=dict)  # the strategy's own keywords


@dataclass(frozen=True)
class ObjectiveConfig:
    """The target is `target_ms`, or else `target_fraction` of the hand-made reference's latency in the table."""

    name: str = "bounded"
    target_ms: float | None = None
    target_fraction: float = 0.6
    weight: float = -0.07  # MnasNet's exponent


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
    pattern: str = "smallest"  # or two_of_four


@dataclass(frozen=True)
class QuantizeConfig:
    kind: str = "static"  # static, dynamic, fp16
    method: str = "minmax"  # static: how activations' ranges are found, if not by qat: minmax, percentile, entropy
    float_layers: bool = False  # static: whether layers stay in float until INT8 keeps 99 % of the predictions
    reduce_range: bool = False  # static: weights of 7 bits, which no CPU adds up wrongly


@dataclass(frozen=True)
class CompressConfig:
    stages: list[str] = field(default_factory=lambda: ["prune", "finetune", "quantize"])  # in this order
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


@dataclass(frozen=True)
class HandMadeConfig:
    models: list[str] = field(default_factory=list)  # beside the winner; none: all


@dataclass(frozen=True)
class TablesConfig:
    """What `python -m experiments.tables` does: list; compare a with b; verify a, or every table."""

    action: str = "list"
    a: str = ""
    b: str = ""


@dataclass(frozen=True)
class FidelityConfig:
    """What `python -m experiments.fidelity` judges by: fresh networks, or with csv=PATH published measurements."""

    networks: int = 60  # fresh ones, timed twice
    options: str = ""  # csv: the column of picks; known files need no columns
    latency: str = ""  # csv: the column of latencies
    unit: str = "ms"  # csv: s, ms or us
    train: list[int] = field(default_factory=lambda: [50, 100, 200, 400, 900])  # csv: networks to learn from
    seeds: int = 20  # csv: splits


@dataclass(frozen=True)
class PublishedConfig:
    """A file of published networks, of which the exact front is known."""

    csv: str = ""
    options: str = "ops"  # the column of picks, one digit a layer
    accuracy: str = "accuracy_percent"  # the column of accuracies in percent
    latency: str = "rpi4_ms"  # the column of latencies in ms


@dataclass(frozen=True)
class CompareConfig(PublishedConfig):
    """What `python -m experiments.compare` sets against one another; csv=PATH reads a table of networks instead."""

    strategies: list[str] = field(default_factory=list)  # random is always there; none: all
    seeds: int = 3  # searches of each strategy, from `seed` on
    seconds: float = 0.0  # a search ends with the candidate that passes them; 0: by search.budget alone


@dataclass(frozen=True)
class ExactConfig(PublishedConfig):
    """What `python -m experiments.exact` answers: the front of the file `csv`, or of the whole space.

    Of a space accuracies must add over layers: by the file `effects`, or as fitted on the file `candidates`.
    """

    effects: str = ""  # what an option adds: columns layer, option, accuracy (fraction)
    candidates: str = ""  # a finished search's or comparison's: columns arch, accuracy (fraction)
    points: int = 200_000  # on a front, above which it is thinned
    budget_ms: float | None = None  # the best network within it is told


@dataclass(frozen=True)
class RankingConfig:
    """What `python -m experiments.ranking` takes for the truth: networks trained alone, or a file of accuracies."""

    networks: int | None = None  # 12 trained alone, or all of the file
    supernet: str = ""  # a supernet.safetensors to judge, instead of training one
    csv: str = ""  # published accuracies of the whole space
    options: str = "arch"  # csv: the column of one digit a layer
    accuracy: str = "mean_acc"  # csv: the column of accuracies, in percent


@dataclass(frozen=True)
class DemoConfig:
    """What `python -m experiments.demo` classifies, and where it shows it."""

    model: str = ""  # an ONNX file of the configured data; else the pipeline's INT8 file
    source: str = ""  # a folder of images, or camera, or camera:1; else the data's test images
    frames: int = 0  # images; 0: all, or 100 where they are recorded or carried
    pace: float = 10.0  # images a second in a terminal and in a recording
    record: str = ""  # a .gif, or with OpenCV an .mp4
    bundle: str = ""  # a folder to write for a board, instead of showing anything here


@dataclass(frozen=True)
class StatusConfig:
    """How `python -m experiments.status` shows the sweep `sweep`, or the one begun last."""

    follow: bool = False  # until no process is sweeping


@dataclass(frozen=True)
class Config:
    seed: int = 0  # of the search, and of training networks alone
    supernet_seed: int = 0  # one supernet judges the searches of all seeds
    runs: str = "experiments/runs"
    sweep: str = ""  # the name of a --multirun: its folder in runs/sweeps; the command's where it has none
    results: str = "paper/results"  # where publish=true writes
    precision: str = "int8"  # whose latency is searched on
    table: str | None = None  # a table file to use instead of measuring
    ignore: list[str] = field(default_factory=list)  # passport keys that may differ
    model: str = "winner"  # what is compressed: the search's winner, or a hand-made network
    run: str = ""  # a finished search's folder whose winner is taken, instead of searching
    csv: str | None = None  # published measurements for experiments.fidelity
    publish: bool = False
    threads: int = 2  # of the host, for training
    checkpoint_seconds: float = 30.0  # of training, at most, that a kill loses
    data: DataConfig = field(default_factory=DataConfig)
    space: SpaceConfig = field(default_factory=SpaceConfig)
    device: DeviceConfig = field(default_factory=DeviceConfig)
    measure: MeasureConfig = field(default_factory=MeasureConfig)
    train: TrainConfig = TrainConfig(steps=180, batch=64, learning_rate=0.1)  # the supernet
    search: SearchConfig = field(default_factory=SearchConfig)
    strategy: StrategyConfig = field(default_factory=StrategyConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    retrain: Recipe = Recipe(steps=180, batch=64, learning_rate=0.1)  # every network that is compared
    compress: CompressConfig = field(default_factory=CompressConfig)
    hand_made: HandMadeConfig = field(default_factory=HandMadeConfig)
    tables: TablesConfig = field(default_factory=TablesConfig)
    fidelity: FidelityConfig = field(default_factory=FidelityConfig)
    compare: CompareConfig = field(default_factory=CompareConfig)
    exact: ExactConfig = field(default_factory=ExactConfig)
    ranking: RankingConfig = field(default_factory=RankingConfig)
    demo: DemoConfig = field(default_factory=DemoConfig)
    status: StatusConfig = field(default_factory=StatusConfig)

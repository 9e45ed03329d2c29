"""The configuration of every command: one schema, checked by types, filled from `hydra_conf/`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from experiments.config.command_config import (
    CompareConfig,
    DemoConfig,
    ExactConfig,
    FidelityConfig,
    FinetuningConfig,
    HandMadeConfig,
    RankingConfig,
    StatusConfig,
    TablesConfig,
)
from experiments.config.compression import CompressConfig
from experiments.config.texts import LocalPath, Name
from experiments.store.key_fields import unless
from predictors.timing.protocol import Protocol
from search_spaces.ranges import Range, Seed
from search_spaces.training.recipe import Recipe


@dataclass(frozen=True)
class DataConfig:
    name: str = "digits"
    path: LocalPath = ""  # where the images are, or are downloaded to
    size: Annotated[int, Range(8, 2_048, "pixels")] = 16
    validation: Annotated[float, Range(0, 1, above=True, below=True)] = 0.2  # fraction of the training images
    seed: Seed = 0  # of the split
    flip: bool = True  # whether mirrored images may be trained on; digits never are
    cache: LocalPath = ""  # the folder that keeps decoded images for the next command; none: they are held in memory


@dataclass(frozen=True)
class SpaceConfig:
    name: str = "tiny"


@dataclass(frozen=True)
class DeviceConfig:
    """Where networks are timed. All but `name` and `threads` is for one kind of device, as the comments say."""

    name: str = "local"
    threads: Annotated[int, Range(1, 1_024)] = 1
    cores: str = ""  # which ones of the device: 4-7 or 0,2; empty: all, or the fast ones where some are slow
    host: str = ""  # ssh, as are all keys down to patience
    hosts: list[str] = field(default_factory=list)  # instead of host: several boards of one kind share the work
    user: str = ""  # as ssh is configured
    port: Annotated[int, Range(0, 65_535)] = 0  # as ssh is configured
    python: str = "python3"  # on the board, 3.9 or newer
    folder: str = "~/.cache/lutra"  # on the board
    library: str = "onnxruntime"  # what executes networks; runtime=litert sets it
    runtime: str = ""  # its version on the board; empty: the one of this machine; any: what is there
    ssh_config: LocalPath = ""  # instead of ~/.ssh/config
    # seconds without a sign of life until the link counts as cut
    patience: Annotated[float, Range(1, 3_600)] = 15.0
    results: LocalPath = ""  # bundle: what its run.py wrote on the board
    table: LocalPath = ""  # simulated: the table whose board is replayed
    scenario: str = "drifting"  # simulated: what befalls it
    seed: Seed = 0  # simulated

    def __hash__(self) -> int:
        return hash(repr(self))  # a list has none of its own


@dataclass(frozen=True)
class MeasureConfig(Protocol):
    networks: Annotated[int, Range(3, 10_000)] = 12  # whole networks timed for the correction


@dataclass(frozen=True)
class TrainConfig(Recipe):
    rule: str = "sandwich"  # which networks learn from a batch: sandwich, single_path


DEVICES = ("local", "ssh", "bundle", "simulated")  # of `experiments.setup.devices`, which loads numpy
SCENARIOS = ("quiet", "drifting", "busy", "throttled", "cut", "silent", "migrating")  # of `predictors.board.simulated`
BACKENDS = {"loky": "", "threading": "", "dask": "dask[distributed]", "ray": "ray"}  # what pip has to install


@dataclass(frozen=True)
class SearchConfig:
    budget: Annotated[int, Range(1, 1_000_000)] = 100  # distinct architectures
    calibration: Annotated[int, Range(2, 10_000_000)] = 2000  # training images for batch-norm statistics
    validation: Annotated[int, Range(0, 10_000_000)] = 0  # validation images to judge by; 0: all
    jobs: Annotated[int, Range(1, 1_024)] = 1  # that share a population's evaluation
    backend: str = "loky"  # of several jobs: loky, threading, dask, ray


@dataclass(frozen=True)
class StrategyConfig:
    name: str = "evolution"
    options: dict[str, Any] = field(default_factory=dict)  # the strategy's own keywords


@dataclass(frozen=True)
class ObjectiveConfig:
    """The latency's target is `target_ms`, that of every cost in bytes `target_kb`.

    Without them it is `target_fraction` of what the hand-made reference costs, whose latency is in the table.
    """

    name: str = "bounded"
    costs: list[str] = unless(["latency"])  # what is traded for accuracy, latency among them
    target_ms: Annotated[float, Range(0, 1_000_000, above=True)] | None = None
    target_kb: Annotated[float, Range(0, 1_000_000_000, above=True)] | None = unless(None)
    # on x86, 7 % of tiny's networks and 40 % of random ones of mobile are as fast
    target_fraction: Annotated[float, Range(0, 1_000, above=True)] = 0.8
    weight: Annotated[float, Range(-100, 0, below=True)] = -0.07  # MnasNet's exponent


@dataclass(frozen=True)
class Config:
    seed: Seed = 0  # of the search, and of training networks alone
    supernet_seed: Seed = 0  # one supernet judges the searches of all seeds
    runs: LocalPath = "experiments/runs"
    sweep: Name = ""  # the name of a --multirun: its folder in runs/sweeps; the command's where it has none
    results: LocalPath = "paper/results"  # where publish=true writes
    precision: str = "int8"  # whose latency is searched on
    table: LocalPath | None = None  # a table file to use instead of measuring
    ignore: list[str] = field(default_factory=list)  # passport keys that may differ
    model: str = "winner"  # what is compressed: the search's winner, or a hand-made network
    run: LocalPath = ""  # a finished search's folder whose winner is taken, instead of searching
    csv: LocalPath | None = None  # published measurements for experiments.fidelity
    publish: bool = False
    threads: Annotated[int, Range(1, 1_024)] = 2  # of the host, for training
    accelerator: str = "cpu"  # where torch trains and evaluates: cpu, cuda, or auto, a GPU where there is one
    # of training, at most, that a kill loses
    checkpoint_seconds: Annotated[float, Range(0, 86_400)] = 30.0
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
    finetuning: FinetuningConfig = field(default_factory=FinetuningConfig)
    hand_made: HandMadeConfig = field(default_factory=HandMadeConfig)
    tables: TablesConfig = field(default_factory=TablesConfig)
    fidelity: FidelityConfig = field(default_factory=FidelityConfig)
    compare: CompareConfig = field(default_factory=CompareConfig)
    exact: ExactConfig = field(default_factory=ExactConfig)
    ranking: RankingConfig = field(default_factory=RankingConfig)
    demo: DemoConfig = field(default_factory=DemoConfig)
    status: StatusConfig = field(default_factory=StatusConfig)

"""The configuration of every command: one typed schema, filled from `hydra_conf/`."""

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
    PaperConfig,
    ProfileConfig,
    RankingConfig,
    RecipesConfig,
    ReproduceConfig,
    SeedsConfig,
    StatusConfig,
    TablesConfig,
    TransferConfig,
)
from experiments.config.compression import CompressConfig
from experiments.config.image_names import Names, file_name, names
from experiments.config.search_config import SearchConfig
from experiments.config.texts import LocalPath, Name
from experiments.store.key_fields import unless
from predictors.timing.protocol import Protocol
from search_spaces.ranges import Range, Seed
from search_spaces.training.recipe import NetworkRecipe, Recipe


@dataclass(frozen=True)
class DataConfig:
    """The images."""

    name: str = "digits"  # the data set
    path: LocalPath = ""  # the images, or the folder to download them to
    size: Annotated[int, Range(8, 2_048, "pixels")] = 16  # width and height of the images
    validation: Annotated[float, Range(0, 1, above=True, below=True)] = 0.2  # fraction of the training images held out
    seed: Seed = 0  # for the split into training and validation images
    flip: bool = True  # whether training also uses mirrored images; never for digits
    group: str = ""  # a pattern, as in (\d+)_, whose match in file names keeps images of one thing in one split
    balanced: bool = False  # whether training shows every class equally often, however many images it has
    title: str = ""  # the data set's name in the report, the paper and TensorBoard; empty: that of its folder
    cache: LocalPath = ""  # keeps decoded images for the next command; empty: images are held in memory

    @property
    def names(self) -> Names:
        """What it is called by people, and in the names of folders."""
        return names(self.name, file_name(self.name, self.path), self.title)

    @property
    def label(self) -> str:
        """Its name in the names of folders."""
        return self.names.label


@dataclass(frozen=True)
class SpaceConfig:
    """The search space."""

    name: str = "tiny"  # its file in search_spaces/spaces
    # in a space with trunks, such as edge: those to search under, as its file lists them, from 0 on; empty: all
    trunks: list[Annotated[int, Range(0, 1_000)]] = unless([])


@dataclass(frozen=True)
class DeviceConfig:
    """The device that runs the networks. The meaning of a key for one kind of device begins with that kind."""

    name: str = "local"  # the kind of device
    threads: Annotated[int, Range(1, 1_024)] = 1  # threads that run a network
    cores: str = ""  # cores to use: 4-7 or 0,2; empty: all, or only the fast ones if some are slow
    host: str = ""  # ssh: the board's name or address
    hosts: list[str] = field(default_factory=list)  # ssh, instead of host: several boards of one kind share the work
    user: str = ""  # ssh: the user on the board; empty: from the ssh configuration
    port: Annotated[int, Range(0, 65_535)] = 0  # ssh: 0: from the ssh configuration
    python: str = "python3"  # ssh: Python on the board, 3.9 or newer
    folder: str = "~/.cache/lutra"  # ssh: where the agent is kept on the board
    library: str = "onnxruntime"  # executes the networks; set by runtime=NAME
    # ssh: the library's version on the board; empty: this machine's; any: whatever is installed
    runtime: str = ""
    ssh_config: LocalPath = ""  # ssh: instead of ~/.ssh/config
    patience: Annotated[float, Range(2, 3_600, "seconds")] = 15.0  # ssh: silence after which the link counts as broken
    results: LocalPath = ""  # bundle: the results that run.py wrote on the board
    table: LocalPath = ""  # simulated: the table to replay
    scenario: str = "drifting"  # simulated: its disturbances
    seed: Seed = 0  # simulated: for its noise

    def __hash__(self) -> int:
        return hash(repr(self))  # because a list is not hashable


@dataclass(frozen=True)
class MeasureConfig(Protocol):
    """How the latency table is measured."""

    networks: Annotated[int, Range(3, 10_000)] = 12  # whole networks timed for the correction


@dataclass(frozen=True)
class TrainConfig(Recipe):
    """How the supernet is trained."""

    rule: str = "sandwich"  # which networks train on each batch


DEVICES = ("local", "ssh", "bundle", "simulated")  # as in `experiments.setup.devices`, which loads numpy
OFFLINE = ("bundle", "simulated")  # those that cannot time the files of a search
SCENARIOS = ("quiet", "drifting", "busy", "throttled", "cut", "silent", "migrating")  # of `predictors.board.simulated`
BACKENDS = {"loky": "", "threading": "", "dask": "dask[distributed]", "ray": "ray"}  # the package that pip installs


@dataclass(frozen=True)
class StrategyConfig:
    """The algorithm that proposes architectures."""

    name: str = "evolution"  # its file in strategies/algorithms
    options: dict[str, Any] = field(default_factory=dict)  # the strategy's own options


@dataclass(frozen=True)
class ObjectiveConfig:
    """The bounds on costs: `target_ms` for latency, `target_kb` for every cost in bytes.

    A bound that is not given is `target_fraction` of the hand-made reference's cost.
    """

    name: str = "bounded"  # how accuracy is traded against costs
    costs: list[str] = unless(["latency"])  # the costs to minimise; must include latency
    target_ms: Annotated[float, Range(0, 1_000_000, "ms", above=True)] | None = None  # bound on the latency
    # bound on every cost in bytes
    target_kb: Annotated[float, Range(0, 1_000_000_000, "kB", above=True)] | None = unless(None)
    # the bound if no target is given, as a fraction of the hand-made reference's cost
    target_fraction: Annotated[float, Range(0, 1_000, above=True)] = 0.8
    weight: Annotated[float, Range(-100, 0, below=True)] = -0.07  # MnasNet's exponent


@dataclass(frozen=True)
class Config:
    seed: Seed = 0  # of the search, and of the training of single networks
    # of the supernet's training; separate, so that one supernet serves the searches of all seeds
    supernet_seed: Seed = 0
    runs: LocalPath = "experiments/runs"  # the folder of all finished steps
    sweep: Name = ""  # the name of a --multirun, its folder in runs/sweeps; empty: the command's name
    results: LocalPath = "paper/results"  # the folder that publish=true writes to
    precision: str = "int8"  # the precision whose latency the search uses
    table: LocalPath | None = None  # a table file to use instead of measuring
    ignore: list[str] = field(default_factory=list)  # keys of the device fingerprint that may differ
    model: str = "winner"  # the network to compress: the search's winner, or a hand-made network
    # the folder of a finished search, whose winner, latency table and supernet are used instead of making them; of a
    # report, to show it again
    run: LocalPath = ""
    csv: LocalPath | None = None  # published measurements, for experiments.fidelity
    publish: bool = False  # whether to copy the results into the folder `results`, for the paper
    threads: Annotated[int, Range(1, 1_024)] = 2  # threads of this machine, for training
    # networks to train at the same time, each in a process of its own with `threads` threads
    jobs: Annotated[int, Range(1, 1_024)] = 1
    accelerator: str = "cpu"  # where torch trains and evaluates; auto: on a GPU if there is one
    # at most this much training is lost when the process is killed
    checkpoint_seconds: Annotated[float, Range(0, 86_400, "seconds")] = 30.0
    data: DataConfig = field(default_factory=DataConfig)
    space: SpaceConfig = field(default_factory=SpaceConfig)
    device: DeviceConfig = field(default_factory=DeviceConfig)
    measure: MeasureConfig = field(default_factory=MeasureConfig)
    train: TrainConfig = TrainConfig(steps=180, batch=64, learning_rate=0.1)  # training of the supernet
    search: SearchConfig = field(default_factory=SearchConfig)
    strategy: StrategyConfig = field(default_factory=StrategyConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    # training of every single network
    retrain: NetworkRecipe = NetworkRecipe(steps=180, batch=64, learning_rate=0.1)
    compress: CompressConfig = field(default_factory=CompressConfig)
    finetuning: FinetuningConfig = field(default_factory=FinetuningConfig)
    recipes: RecipesConfig = field(default_factory=RecipesConfig)
    hand_made: HandMadeConfig = field(default_factory=HandMadeConfig)
    tables: TablesConfig = field(default_factory=TablesConfig)
    fidelity: FidelityConfig = field(default_factory=FidelityConfig)
    compare: CompareConfig = field(default_factory=CompareConfig)
    exact: ExactConfig = field(default_factory=ExactConfig)
    ranking: RankingConfig = field(default_factory=RankingConfig)
    transfer: TransferConfig = field(default_factory=TransferConfig)
    seeds: SeedsConfig = field(default_factory=SeedsConfig)
    reproduce: ReproduceConfig = field(default_factory=ReproduceConfig)
    profile: ProfileConfig = field(default_factory=ProfileConfig)
    demo: DemoConfig = field(default_factory=DemoConfig)
    status: StatusConfig = field(default_factory=StatusConfig)
    paper: PaperConfig = field(default_factory=PaperConfig)

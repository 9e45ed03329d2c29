"""The settings that only one command reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from experiments.config.texts import LocalPath
from search_spaces.ranges import Fraction, Range

UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}  # for experiments.fidelity, in seconds
REFERENCE = "reference"
ACTIONS = ("list", "compare", "verify")  # of experiments.tables


@dataclass(frozen=True)
class HandMadeConfig:
    """What `python -m experiments.hand_made` compares the winner with."""

    # hand-made networks; empty: mobilenet_v2, mobilenet_v3_small, shufflenet_v2, resnet8; for LiteRT, and for a space
    # with trunks: smaller ones, and some with attention
    models: list[str] = field(default_factory=list)
    saved: list[Fraction] = field(default_factory=list)  # values of compress.prune.saved for more files of the winner


@dataclass(frozen=True)
class FinetuningConfig:
    """What `python -m experiments.finetuning` tries in addition to the configured recipe: all combinations of these."""

    # how long to train
    steps: list[Annotated[int, Range(1, 100_000_000, "batches")]] = field(default_factory=list)
    # learning rates
    learning_rates: list[Annotated[float, Range(0, 100, above=True)]] = field(default_factory=list)
    distillations: list[Fraction] = field(default_factory=list)  # weights of the soft labels; 0: hard labels only
    # temperatures of the soft labels
    temperatures: list[Annotated[float, Range(1e-3, 1_000)]] = field(default_factory=list)
    seeds: Annotated[int, Range(1, 10_000)] = 3  # networks finetuned with each recipe, from `seed` on


@dataclass(frozen=True)
class PaperConfig:
    """What publish=true writes on the paper's first page."""

    title: str = ""  # of the paper and the slides; empty: Lutra's own
    author: str = ""  # of the paper and the slides; empty: Lutra's own


@dataclass(frozen=True)
class RecipesConfig:
    """What `python -m experiments.recipes` tries in addition to the configured `retrain`."""

    network: str = REFERENCE  # the network to train: the space's hand-made reference, or another hand-made network
    # recipes: each its changes of retrain, "passes=30 cutout=0.25"; empty: every part alone
    tried: list[str] = field(default_factory=list)
    seeds: Annotated[int, Range(1, 10_000)] = 3  # networks trained by each recipe, from `seed` on


@dataclass(frozen=True)
class TablesConfig:
    """What `python -m experiments.tables` does: list all tables; compare a with b; verify a, or all tables."""

    action: str = "list"  # what to do
    a: LocalPath = ""  # the file of a table
    b: LocalPath = ""  # the file of the table to compare with a


@dataclass(frozen=True)
class FidelityConfig:
    """The networks that `python -m experiments.fidelity` predicts: new random ones, or published ones with csv=PATH."""

    networks: Annotated[int, Range(2, 10_000)] = 60  # new random networks, timed twice
    options: str = ""  # csv: the column of choices; known files need no column names
    latency: str = ""  # csv: the column of latencies
    unit: str = "ms"  # csv: the unit of the latencies
    # csv: numbers of training networks
    train: list[Annotated[int, Range(3, 1_000_000)]] = field(default_factory=lambda: [50, 100, 200, 400, 900])
    seeds: Annotated[int, Range(1, 10_000)] = 20  # csv: random splits


@dataclass(frozen=True)
class PublishedConfig:
    """A file of published networks, whose exact front can be computed."""

    csv: LocalPath = ""  # the file of published networks
    options: str = "ops"  # the column of choices, one digit per layer
    accuracy: str = "accuracy_percent"  # the column of accuracies in percent
    latency: str = "rpi4_ms"  # the column of latencies in ms


@dataclass(frozen=True)
class CompareConfig(PublishedConfig):
    """What `python -m experiments.compare` compares; csv=PATH uses published networks instead of a supernet."""

    # the column of latencies in ms; table: the file is of the configured space, whose latency table predicts them
    latency: str = "rpi4_ms"

    accuracy: str = ""  # the column that searches see, in percent; known files need no column name
    report: str = ""  # the column by which results are judged; with + the mean of several columns
    strategies: list[str] = field(default_factory=list)  # random is always included; empty: all
    seeds: Annotated[int, Range(1, 10_000)] = 3  # searches per strategy, from `seed` on
    # a search ends with the candidate that exceeds this time; 0: only search.budget ends it
    seconds: Annotated[float, Range(0, 31_536_000, "seconds")] = 0.0


@dataclass(frozen=True)
class ExactConfig(PublishedConfig):
    """The input of `python -m experiments.exact`: the file `csv`, or a whole space.

    For a space, accuracies must add over layers: given in the file `effects`, or fitted to the file `candidates`.
    """

    effects: LocalPath = ""  # how much each option adds to the accuracy: columns layer, option, accuracy (fraction)
    candidates: LocalPath = ""  # from a finished search or comparison: columns arch, accuracy (fraction)
    # the largest number of points on the front; a longer one is thinned
    points: Annotated[int, Range(2, 10_000_000)] = 200_000
    # the latency within which to print the best network
    budget_ms: Annotated[float, Range(0, 1_000_000, "ms", above=True)] | None = None


@dataclass(frozen=True)
class RankingConfig:
    """The ground truth of `python -m experiments.ranking`: networks trained alone, or a file of accuracies."""

    # number of networks; null: 12 trained alone, or all in the file
    networks: Annotated[int, Range(4, 1_000_000)] | None = None
    # trainings of each network, with seeds from `seed` on; with two or more, how well they agree is reported
    seeds: Annotated[int, Range(1, 100)] = 1
    # length of each training, in passes over the training images; 0: as long as `retrain`
    passes: Annotated[float, Range(0, 1_000_000, "passes")] = 0.0
    # only networks whose latency differs from the target by at most this fraction; null: any
    band: Annotated[float, Range(0, 10, above=True)] | None = None
    supernet: LocalPath = ""  # the file supernet.safetensors to judge, instead of training one
    csv: LocalPath = ""  # published accuracies of the whole space
    options: str = "arch"  # csv: the column of choices, one digit per layer
    accuracy: str = "mean_acc"  # csv: the column of accuracies, in percent


@dataclass(frozen=True)
class TransferConfig:
    """The targets of `python -m experiments.transfer`."""

    # each a text of settings, 'precision=fp32 device.library=litert device.threads=2'; empty: each runtime and
    # precision with one and two threads
    targets: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SeedsConfig:
    """How often `python -m experiments.seeds` repeats the search and what follows."""

    count: Annotated[int, Range(1, 10_000)] = 3  # runs, from `seed` on; the paper shows them if there are two or more
    baselines: bool = True  # whether each run also trains the reference and a random network, to compare with


PARTS: tuple[str, ...] = (  # commands whose results the paper shows
    *("pipeline", "ablation", "hand_made", "pruning_rules", "seeds", "fidelity", "protocols", "compare", "ranking"),
    *("transfer", "profile", "recipes"),
)


@dataclass(frozen=True)
class ReproduceConfig:
    """What `python -m experiments.reproduce` runs."""

    parts: list[str] = field(default_factory=lambda: [*PARTS])  # the commands, in this order


@dataclass(frozen=True)
class ProfileConfig:
    """How long `python -m experiments.profile` runs the quantized file."""

    seconds: Annotated[float, Range(0.01, 3_600, "seconds")] = 2.0  # how long each file is profiled
    minutes: Annotated[float, Range(0, 10_000, "minutes")] = 0.0  # duration of steady load afterwards; 0: none


@dataclass(frozen=True)
class DemoConfig:
    """What `python -m experiments.demo` classifies, and where the results go."""

    model: LocalPath = ""  # an ONNX or LiteRT file for the configured data; empty: the pipeline's deployed file
    source: LocalPath = ""  # a folder of images, an image, camera, or camera:1; empty: the data's test images
    frames: Annotated[int, Range(0, 1_000_000)] = (
        0  # how many images; 0: all, or 100 for a recording or an offline board
    )
    pace: Annotated[float, Range(0.1, 1_000, "images a second")] = 10.0  # in a terminal and in a recording
    record: LocalPath = ""  # the film to write: a .gif file, or with OpenCV an .mp4 file
    bundle: LocalPath = ""  # a folder to write for an offline board, instead of running here


@dataclass(frozen=True)
class StatusConfig:
    """How `python -m experiments.status` shows the sweep `sweep`, or the latest one."""

    follow: bool = False  # whether to keep updating until no process works on the sweep

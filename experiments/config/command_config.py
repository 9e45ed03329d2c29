"""The part of the configuration that one command alone reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from experiments.config.texts import LocalPath
from search_spaces.ranges import Fraction, Range

UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}  # of experiments.fidelity, in seconds
ACTIONS = ("list", "compare", "verify")  # of experiments.tables


@dataclass(frozen=True)
class HandMadeConfig:
    models: list[str] = field(default_factory=list)  # beside the winner; none: all
    saved: list[Fraction] = field(default_factory=list)  # as compress.prune.saved: further files of the winner


@dataclass(frozen=True)
class FinetuningConfig:
    """What `python -m experiments.finetuning` tries beside the configured recipe: every combination of these."""

    steps: list[Annotated[int, Range(1, 100_000_000)]] = field(default_factory=list)
    learning_rates: list[Annotated[float, Range(0, 100, above=True)]] = field(default_factory=list)
    distillations: list[Fraction] = field(default_factory=list)  # weights of the soft labels; 0: labels alone
    temperatures: list[Annotated[float, Range(1e-3, 1_000)]] = field(default_factory=list)
    seeds: Annotated[int, Range(1, 10_000)] = 3  # networks that each recipe finetunes, from `seed` on


@dataclass(frozen=True)
class TablesConfig:
    """What `python -m experiments.tables` does: list; compare a with b; verify a, or every table."""

    action: str = "list"
    a: LocalPath = ""
    b: LocalPath = ""


@dataclass(frozen=True)
class FidelityConfig:
    """What `python -m experiments.fidelity` judges by: fresh networks, or with csv=PATH published measurements."""

    networks: Annotated[int, Range(2, 10_000)] = 60  # fresh ones, timed twice
    options: str = ""  # csv: the column of picks; known files need no columns
    latency: str = ""  # csv: the column of latencies
    unit: str = "ms"  # csv: s, ms or us
    # csv: networks to learn from
    train: list[Annotated[int, Range(3, 1_000_000)]] = field(default_factory=lambda: [50, 100, 200, 400, 900])
    seeds: Annotated[int, Range(1, 10_000)] = 20  # csv: splits


@dataclass(frozen=True)
class PublishedConfig:
    """A file of published networks, of which the exact front is known."""

    csv: LocalPath = ""
    options: str = "ops"  # the column of picks, one digit a layer
    accuracy: str = "accuracy_percent"  # the column of accuracies in percent
    latency: str = "rpi4_ms"  # the column of latencies in ms


@dataclass(frozen=True)
class CompareConfig(PublishedConfig):
    """What `python -m experiments.compare` sets against one another; csv=PATH reads a table of networks instead."""

    accuracy: str = ""  # the column that searches see, in percent; known files need no name
    report: str = ""  # the column that the found networks are judged by; the mean of several with + between
    strategies: list[str] = field(default_factory=list)  # random is always there; none: all
    seeds: Annotated[int, Range(1, 10_000)] = 3  # searches of each strategy, from `seed` on
    # a search ends with the candidate that passes them; 0: by search.budget alone
    seconds: Annotated[float, Range(0, 31_536_000)] = 0.0


@dataclass(frozen=True)
class ExactConfig(PublishedConfig):
    """What `python -m experiments.exact` answers: the front of the file `csv`, or of the whole space.

    Of a space accuracies must add over layers: by the file `effects`, or as fitted on the file `candidates`.
    """

    effects: LocalPath = ""  # what an option adds: columns layer, option, accuracy (fraction)
    candidates: LocalPath = ""  # a finished search's or comparison's: columns arch, accuracy (fraction)
    points: Annotated[int, Range(2, 10_000_000)] = 200_000  # on a front, above which it is thinned
    budget_ms: Annotated[float, Range(0, 1_000_000, above=True)] | None = None  # the best network within it is told


@dataclass(frozen=True)
class RankingConfig:
    """What `python -m experiments.ranking` takes for the truth: networks trained alone, or a file of accuracies."""

    networks: Annotated[int, Range(4, 1_000_000)] | None = None  # 12 trained alone, or all of the file
    supernet: LocalPath = ""  # a supernet.safetensors to judge, instead of training one
    csv: LocalPath = ""  # published accuracies of the whole space
    options: str = "arch"  # csv: the column of one digit a layer
    accuracy: str = "mean_acc"  # csv: the column of accuracies, in percent


@dataclass(frozen=True)
class DemoConfig:
    """What `python -m experiments.demo` classifies, and where it shows it."""

    model: LocalPath = ""  # an ONNX file of the configured data; else the pipeline's INT8 file
    source: LocalPath = ""  # a folder of images, or camera, or camera:1; else the data's test images
    frames: Annotated[int, Range(0, 1_000_000)] = 0  # images; 0: all, or 100 where they are recorded or carried
    pace: Annotated[float, Range(0.1, 1_000)] = 10.0  # images a second in a terminal and in a recording
    record: LocalPath = ""  # a .gif, or with OpenCV an .mp4
    bundle: LocalPath = ""  # a folder to write for a board, instead of showing anything here


@dataclass(frozen=True)
class StatusConfig:
    """How `python -m experiments.status` shows the sweep `sweep`, or the one begun last."""

    follow: bool = False  # until no process is sweeping

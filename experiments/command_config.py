"""The part of the configuration that one command alone reads."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class HandMadeConfig:
    models: list[str] = field(default_factory=list)  # beside the winner; none: all
    saved: list[float] = field(default_factory=list)  # as compress.prune.saved: further files of the winner


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

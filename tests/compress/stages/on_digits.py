"""Runs the quantization stage on the digits, for a network of the tiny space."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from torch import nn

from compress.quantization.calibration import Ranges
from experiments.config import Config
from experiments.config.compression import CompressConfig, QuantizeConfig
from experiments.setup.images import dataset_of
from experiments.stages import NETWORK, STAGES, int8_record, quantizing
from experiments.stages.task import Task
from experiments.steps.compress import settings_of
from experiments.store.step import Means
from experiments.store.weights import save_network
from search_spaces.spaces.tiny import tiny

SPACE = tiny(1, 16, 10)
DATA = dataset_of(Config().data)


def small(**chosen: object) -> Config:
    return dataclasses.replace(
        Config(),
        compress=CompressConfig(quantize=QuantizeConfig(**chosen), calibration=64),  # type: ignore[arg-type]
    )


def run(config: Config, stage: str, parent: Path, inputs: Mapping[str, Path], folder: Path) -> None:
    STAGES[stage].run(Task(settings_of(config, stage), Means.of(config), parent, inputs, folder))


def ranges_of(model: bytes) -> Ranges:
    return quantizing.ranges_of(model, quantizing.calibration(Config().data, 64, 0), "minmax", {})


def quantized(
    folder: Path, network: nn.Module, inputs: Mapping[str, Path] = {}, **chosen: object
) -> int8_record.Answers:
    """Runs the stage on the digits and returns what it says of its file."""
    save_network(folder / NETWORK, network)
    run(small(**chosen), "quantize", folder / NETWORK, inputs, folder)
    return int8_record.load(folder)

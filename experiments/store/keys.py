"""What a step's result depends on, as JSON: parts of the key that its folder is named by."""

from __future__ import annotations

from typing import Any

from experiments.compute.gpu import computes_on
from experiments.config import Config, DataConfig, DeviceConfig, ObjectiveConfig, SearchConfig
from experiments.config.choices import space_of
from experiments.setup.devices import passport_of
from experiments.steps.settings import Budget, Device, Images
from experiments.store import artefacts
from experiments.store.step import as_json
from predictors.board.fingerprint import deciding


def space_key(config: Config) -> dict[str, Any]:
    return as_json(space_of(config))


def accelerator_key(config: Config) -> dict[str, str]:
    """Where torch computed, as its processors round otherwise; nothing where it is the CPU, which is the rule."""
    kind = computes_on(config.accelerator)
    return {} if kind == "cpu" else {"accelerator": kind}


def search_key(search: SearchConfig) -> dict[str, Any]:
    """How long and by which images, not how the work is spread: that changes no result."""
    return as_json(Budget(search.budget, search.calibration, search.validation))


def objective_key(objective: ObjectiveConfig) -> dict[str, Any]:
    """Costs and their targets are named where there are others than latency: keys from before there were stay valid."""
    return as_json(objective)


def data_key(data: DataConfig) -> dict[str, Any]:
    """The user's own images by the reader's list: names, classes, splits and contents; not by where they are."""
    return as_json(Images.of(data))


def device_key(device: DeviceConfig) -> dict[str, Any]:
    """How the device is asked to compute. Which one it is, its passport says, however it is reached."""
    return as_json(Device.of(device))


def passport_key(device: DeviceConfig) -> str:
    """The device by what decides its latencies."""
    return artefacts.digest(deciding(passport_of(device)))

"""What a step's result depends on, as JSON: parts of the key that names its folder."""

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
    """Where torch computed, because other processors round differently; empty for the CPU, the default."""
    kind = computes_on(config.accelerator)
    return {} if kind == "cpu" else {"accelerator": kind}


def search_key(search: SearchConfig) -> dict[str, Any]:
    """How long the search is and which images it uses; how the work is distributed does not affect the result."""
    return as_json(Budget(search.budget, search.calibration, search.validation))


def objective_key(objective: ObjectiveConfig) -> dict[str, Any]:
    """Costs and their targets are included unless latency is the only cost, so that older keys stay valid."""
    return as_json(objective)


def data_key(data: DataConfig) -> dict[str, Any]:
    """The user's own images, by names, classes, splits and contents; not by their location."""
    return as_json(Images.of(data))


def device_key(device: DeviceConfig) -> dict[str, Any]:
    """How the device computes. Which device it is follows from its fingerprint, however it is reached."""
    return as_json(Device.of(device))


def passport_key(device: DeviceConfig) -> str:
    """The hash of the device fingerprint's part that determines latencies."""
    return artefacts.digest(deciding(passport_of(device)))

"""Parts of steps' keys, as JSON: the space, the data, the device. `artefacts` puts a whole key together."""

from __future__ import annotations

from typing import Any

from experiments.config import Config, DataConfig, DeviceConfig
from experiments.config.choices import space_of
from experiments.setup.devices import passport_of
from experiments.steps.device_settings import Device
from experiments.steps.settings import Images
from experiments.store import artefacts
from experiments.store.step import as_json
from predictors.board.fingerprint import deciding


def space_key(config: Config) -> dict[str, Any]:
    return as_json(space_of(config))


def data_key(data: DataConfig) -> dict[str, Any]:
    """The user's own images, by names, classes, splits and contents; not by their location."""
    return as_json(Images.of(data))


def device_key(device: DeviceConfig) -> dict[str, Any]:
    """How the device computes. Which device it is follows from its fingerprint, however it is reached."""
    return as_json(Device.of(device))


def passport_key(device: DeviceConfig) -> str:
    """The hash of the device fingerprint's part that determines latencies."""
    return artefacts.digest(deciding(passport_of(device)))

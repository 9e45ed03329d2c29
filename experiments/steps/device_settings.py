"""The settings of steps that time files on a device: the table, and the candidates of a search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from experiments.config import Config, DeviceConfig, MeasureConfig
from experiments.store import artefacts
from experiments.store.key_fields import unless
from experiments.store.step import Means
from predictors.tables.assembly import unfinished as rounds_missing
from predictors.tables.table_file import SCHEMA, read_table
from search_spaces.space import SearchSpace

TABLE = "table.json"


@dataclass(frozen=True)
class Device:
    """How the device runs the networks."""

    name: str
    threads: int
    cores: str
    runtime: str
    scenario: str = unless("")
    seed: int | None = unless(None)
    table: str = unless("")  # of a simulated device: the hash of the file
    library: str = unless("onnxruntime")

    @staticmethod
    def of(device: DeviceConfig) -> Device:
        common = (device.name, device.threads, device.cores, device.runtime)
        if device.name != "simulated":
            return Device(*common, library=device.library)
        table = artefacts.sha256(Path(device.table)) if device.table else ""
        return Device(*common, device.scenario, device.seed, table, device.library)

    def at(self, means: Means) -> DeviceConfig:
        own = {one.name: value for one in fields(self) if one.name != "table" and (value := getattr(self, one.name))}
        return DeviceConfig(**own, **asdict(means.address))


@dataclass(frozen=True)
class Table:
    """The settings of `measure`, which makes a latency table.

    The largest number of rounds is not one of them, because a noisy table gets more rounds when it is raised.
    """

    space: SearchSpace
    device: Device
    measure: Mapping[str, Any]  # `MeasureConfig` without max_rounds
    schema: str = SCHEMA

    def protocol(self, means: Means) -> MeasureConfig:
        return MeasureConfig(**self.measure, max_rounds=means.max_rounds)

    @property
    def label(self) -> str:
        return f"{self.space.name}-{self.device.name}"


def unfinished(settings: Table, means: Means, folder: Path) -> bool:
    """Whether a finished table is noisy and may get more rounds."""
    if settings.device.name == "bundle":
        return False
    return rounds_missing(read_table(folder / TABLE), settings.protocol(means))


@dataclass(frozen=True)
class Timing:
    """How candidates are timed during a search."""

    device: Device
    measure: Mapping[str, Any]  # `MeasureConfig` without networks

    @staticmethod
    def of(config: Config) -> Timing:
        measure = {key: value for key, value in asdict(config.measure).items() if key != "networks"}
        return Timing(Device.of(config.device), measure)

    @property
    def protocol(self) -> MeasureConfig:
        return MeasureConfig(**self.measure)

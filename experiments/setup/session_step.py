"""The step that times files in one session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from experiments.config import Config, MeasureConfig
from experiments.config.reference import Reference
from experiments.stages import int8_record
from experiments.steps.compress import Made
from experiments.steps.device_settings import Device
from experiments.steps.plan import plan_of
from experiments.steps.settings import Images
from experiments.store.key_fields import FILES, FOLDER, implied, unless
from experiments.store.keys import passport_key
from experiments.store.step import Step

RECORD = "record of"  # how the input of a quantized file's record begins, before the file's name


@dataclass(frozen=True)
class Timed:
    """A file to time, or a network whose fp32 file is timed."""

    row: str  # the name of its row
    made: Made
    seconds: float = 0.0  # taken to make it, for its row


@dataclass(frozen=True)
class Settings:
    """The settings of a step that times files in one session."""

    device: Device
    measure: MeasureConfig
    data: Images
    seed: int
    memory: bool
    timed: Mapping[str, Timed] = implied(FILES)
    label: str = implied(FOLDER)
    inside: bool = unless(False)  # whether files take pixels


def timing(config: Config, name: str, timed: Mapping[str, Timed], tables: Mapping[str, Path], work: str) -> Step:
    """Returns the step that times files in one session. Networks of the tables show the machine's current speed.

    The records of quantized files are inputs too: the times of their layers in float are part of the predictions.
    """
    whose = config.space.name if config.model == "winner" else config.model
    settings = Settings(
        Device.of(config.device),
        config.measure,
        plan_of(config).images,
        config.seed,
        config.compress.memory,
        timed,
        f"{whose}-{config.data.label}-seed{config.seed}",
        config.compress.inside,
    )
    files = {file: one.made.path for file, one in timed.items()}
    made = {file: one.made for file, one in timed.items() if one.made.deployed}
    records = {f"{RECORD} {file}": one.path.parent / int8_record.ANSWERS for file, one in made.items()}
    return Step(
        name, settings, {**tables, **files, **records, "passport": passport_key(config.device)}, Reference(work)
    )
